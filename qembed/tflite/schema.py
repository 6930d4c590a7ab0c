"""What the .tflite file format says, as data: names of codes, and where fields are stored.

Numbers are positions: the code of an operator is its place in `OPERATORS`, a field's slot is its
place in the format's declaration of the table.
"""

from __future__ import annotations

from dataclasses import dataclass

_OPERATOR_NAMES = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D
LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1
RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM
CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND
SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM
CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE
SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW
ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK
REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR
LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS
WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG
REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL
CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL
BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD
UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR
RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE STABLEHLO_MULTIPLY
STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL
STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL
STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER
STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH
STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE
STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL
STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE
DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT
STABLEHLO_CBRT STABLEHLO_CASE
"""
OPERATORS: tuple[str, ...] = tuple(_OPERATOR_NAMES.split())

# The old 8-bit field for the operator code holds this where the code needs the newer, wide field.
WIDE_CODE = OPERATORS.index("PLACEHOLDER_FOR_GREATER_OP_CODES")

# Operators that runtimes know from a later version on only; the others from 1.
FIRST_VERSIONS = {"BROADCAST_TO": 2}

_TYPE_NAMES = """
float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64
resource variant uint32 uint16 int4 bfloat16 int2 uint4 float8_e4m3fn float8_e5m2
"""
TYPES: tuple[str, ...] = tuple(_TYPE_NAMES.split())

ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
PADDINGS = ("SAME", "VALID")
MIRROR_MODES = ("REFLECT", "SYMMETRIC")

# Slots of the tables that make up a file.
MODEL_VERSION, MODEL_CODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS = range(5)
CODE_NARROW, CODE_CUSTOM, CODE_VERSION, CODE_WIDE = range(4)
BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE = range(3)
SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS = range(4)
OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS, OPERATOR_OPTIONS_TYPE, OPERATOR_OPTIONS = range(5)
TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME, TENSOR_QUANTIZATION = range(5)
TENSOR_IS_VARIABLE, TENSOR_SPARSITY = 5, 6
QUANTIZATION_SCALE, QUANTIZATION_ZERO_POINT, QUANTIZATION_DIMENSION = 2, 3, 6


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of an options table.

    Attributes
    ----------
    name : str
    slot : int
    form : str
        A `struct` code; "s" for a string; "[i" for a vector of int32.
    default : int or float
    names : tuple of str
        If given, the number is a position in it and the name is what one gets.
    """

    name: str
    slot: int
    form: str = "i"
    default: int | float = 0
    names: tuple[str, ...] = ()


def _padding(slot: int) -> Field:
    return Field("padding", slot, "b", 0, PADDINGS)


def _activation(slot: int) -> Field:
    return Field("activation", slot, "b", 0, ACTIVATIONS)


_STRIDES = (Field("stride_w", 1), Field("stride_h", 2))

# Options of the operators that qembed imports: (number of the options type, fields).
OPTIONS: dict[str, tuple[int, tuple[Field, ...]]] = {
    "CONV_2D": (
        1,
        (
            _padding(0),
            *_STRIDES,
            _activation(3),
            Field("dilation_w", 4, default=1),
            Field("dilation_h", 5, default=1),
            Field("quantized_bias_type", 6, "b", 0, TYPES),
        ),
    ),
    "DEPTHWISE_CONV_2D": (
        2,
        (
            _padding(0),
            *_STRIDES,
            Field("depth_multiplier", 3),
            _activation(4),
            Field("dilation_w", 5, default=1),
            Field("dilation_h", 6, default=1),
        ),
    ),
    "AVERAGE_POOL_2D": (
        5,
        (
            _padding(0),
            *_STRIDES,
            Field("filter_w", 3),
            Field("filter_h", 4),
            _activation(5),
        ),
    ),
    "MAX_POOL_2D": (
        5,
        (
            _padding(0),
            *_STRIDES,
            Field("filter_w", 3),
            Field("filter_h", 4),
            _activation(5),
        ),
    ),
    "SVDF": (6, (Field("rank", 0), _activation(1))),
    "FULLY_CONNECTED": (
        8,
        (
            _activation(0),
            Field("weights_format", 1, "b"),
            Field("keep_num_dims", 2, "B"),
            Field("quantized_bias_type", 4, "b", 0, TYPES),
        ),
    ),
    "SOFTMAX": (9, (Field("beta", 0, "f"),)),
    "CONCATENATION": (10, (Field("axis", 0), _activation(1))),
    "ADD": (11, (_activation(0),)),
    "L2_NORMALIZATION": (12, (_activation(0),)),
    "RESIZE_BILINEAR": (
        15,
        (Field("align_corners", 2, "B"), Field("half_pixel_centers", 3, "B")),
    ),
    "RESHAPE": (17, (Field("new_shape", 0, "[i"),)),
    "SPACE_TO_DEPTH": (19, (Field("block_size", 0),)),
    "MUL": (21, (_activation(0),)),
    "GATHER": (23, (Field("axis", 0), Field("batch_dims", 1))),
    "MEAN": (27, (Field("keep_dims", 0, "B"),)),
    "SUM": (27, (Field("keep_dims", 0, "B"),)),
    "REDUCE_MAX": (27, (Field("keep_dims", 0, "B"),)),
    "REDUCE_MIN": (27, (Field("keep_dims", 0, "B"),)),
    "SUB": (28, (_activation(0),)),
    "SQUEEZE": (30, (Field("squeeze_dims", 0, "[i"),)),
    "STRIDED_SLICE": (
        32,
        (
            Field("begin_mask", 0),
            Field("end_mask", 1),
            Field("ellipsis_mask", 2),
            Field("new_axis_mask", 3),
            Field("shrink_axis_mask", 4),
            Field("offset", 5, "B"),
        ),
    ),
    "SPLIT": (35, (Field("num_splits", 0),)),
    "ARG_MAX": (40, (Field("output_type", 0, "b"),)),
    "TRANSPOSE_CONV": (49, (_padding(0), *_STRIDES, _activation(3))),
    "ARG_MIN": (57, (Field("output_type", 0, "b"),)),
    "PACK": (59, (Field("values_count", 0), Field("axis", 1))),
    "UNPACK": (64, (Field("num", 0), Field("axis", 1))),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        71,
        (
            _activation(0),
            Field("cell_clip", 1, "f"),
            Field("proj_clip", 2, "f"),
            Field("time_major", 3, "B"),
        ),
    ),
    "RESIZE_NEAREST_NEIGHBOR": (
        74,
        (Field("align_corners", 0, "B"), Field("half_pixel_centers", 1, "B")),
    ),
    "LEAKY_RELU": (75, (Field("alpha", 0, "f"),)),
    "MIRROR_PAD": (77, (Field("mode", 0, "b", 0, MIRROR_MODES),)),
    "SPLIT_V": (79, (Field("num_splits", 0),)),
    "DEPTH_TO_SPACE": (94, (Field("block_size", 0),)),
    "BATCH_MATMUL": (101, (Field("adj_x", 0, "B"), Field("adj_y", 1, "B"))),
    "CALL_ONCE": (103, (Field("init_subgraph_index", 0),)),
    "GELU": (116, (Field("approximate", 0, "B"),)),
    "VAR_HANDLE": (111, (Field("container", 0, "s"), Field("shared_name", 1, "s"))),
}
