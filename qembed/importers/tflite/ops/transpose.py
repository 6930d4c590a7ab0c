"""TRANSPOSE and the moves between space, depth and batch to `qembed.ops.transpose`."""

from __future__ import annotations

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.ir import Shape
from qembed.numerics import Numerics
from qembed.ops.pad import Pad
from qembed.ops.reshape import Reshape
from qembed.ops.strided_slice import StridedSlice
from qembed.ops.transpose import Transpose
from qembed.tflite.reader import Operator, Value


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one transpose."""
    x, y = values.operand(op, 0, values.MOVABLE), values.result(op, values.MOVABLE)
    values.require_tied(x, y)
    order = values.integers(values.operand(op, 1, ("int32", "int64")))
    permutation = tuple(values.axis_of(axis, len(x.shape)) for axis in order)
    return [Step("transpose", Transpose(permutation), (x,), (y,))]


def convert_space_to_depth(op: Operator, numerics: Numerics) -> list[Step]:
    """Blocks of pixels become channels, in the order row, column, channel."""
    x, y, block = _image_and_block(op)
    n, h, w, c = x.shape
    if h % block or w % block:
        raise ModelError(f"{values.describe(x)} does not divide into blocks of {block}")
    split = (n, h // block, block, w // block, block, c)
    return _regroup(x, y, split, (0, 1, 3, 2, 4, 5))


def convert_depth_to_space(op: Operator, numerics: Numerics) -> list[Step]:
    """Channels become blocks of pixels."""
    x, y, block = _image_and_block(op)
    n, h, w, c = x.shape
    if c % (block * block):
        raise ModelError(f"{values.describe(x)} does not divide into blocks of {block}")
    split = (n, h, w, block, block, c // (block * block))
    return _regroup(x, y, split, (0, 1, 3, 2, 4, 5))


def _image_and_block(op: Operator) -> tuple[Value, Value, int]:
    x, y = values.operand(op, 0, values.MOVABLE), values.result(op, values.MOVABLE)
    values.require_tied(x, y)
    block = int(op.options["block_size"])
    if len(x.shape) != 4 or block < 1:
        raise ModelError(f"{values.describe(x)} must be NHWC, the block size {block} at least 1")
    return x, y, block


def convert_space_to_batch(op: Operator, numerics: Numerics) -> list[Step]:
    """Pad, then every pixel of a block goes to an image of its own."""
    x, y, block, edges = _batches(op)
    padding = ((0, 0), *edges, (0, 0))
    n, h, w, c = shape = tuple(
        size + sum(edge) for size, edge in zip(x.shape, padding, strict=True)
    )
    if h % block[0] or w % block[1]:
        raise ModelError(f"the padded input {shape} does not divide into blocks of {block}")
    steps = []
    if shape != x.shape:
        padded = values.between(y, "padded", shape)
        # TFLite Micro fills with whatever its memory holds; real zeros are what is meant.
        pad = Pad(padding, values.quantization(x).zero_point if x.scales.size else 0)
        steps.append(Step("pad", pad, (x,), (padded,)))
        x = padded
    split = (n, h // block[0], block[0], w // block[1], block[1], c)
    return [*steps, *_regroup(x, y, split, (2, 4, 0, 1, 3, 5))]


def convert_batch_to_space(op: Operator, numerics: Numerics) -> list[Step]:
    """Interleave the images, then crop."""
    x, y, block, crops = _batches(op)
    n, h, w, c = x.shape
    if n % (block[0] * block[1]):
        raise ModelError(f"{n} images do not divide into blocks of {block}")
    split = (*block, n // (block[0] * block[1]), h, w, c)
    whole = (split[2], h * block[0], w * block[1], c)
    kept = (whole[0], whole[1] - sum(crops[0]), whole[2] - sum(crops[1]), c)
    if whole == kept:
        return _regroup(x, y, split, (2, 3, 0, 4, 1, 5))
    image = values.between(y, "whole", whole)
    crop = StridedSlice((0, crops[0][0], crops[1][0], 0), (1, 1, 1, 1), kept)
    return [
        *_regroup(x, image, split, (2, 3, 0, 4, 1, 5)),
        Step("strided_slice", crop, (image,), (y,)),
    ]


def _batches(
    op: Operator,
) -> tuple[Value, Value, tuple[int, ...], tuple[tuple[int, int], ...]]:
    """(input, output, block, edges); a missing column axis (NHC) is not supported."""
    x, y = values.operand(op, 0, values.MOVABLE), values.result(op, values.MOVABLE)
    values.require_tied(x, y)
    block = values.integers(values.operand(op, 1, ("int32",)))
    edges = values.contents(values.operand(op, 2, ("int32",)))
    if len(x.shape) != 4 or len(block) != 2 or edges.shape != (2, 2):
        raise ModelError(f"{values.describe(x)} must be NHWC, with a block of two sizes")
    if min(block) < 1 or edges.min() < 0:
        raise ModelError(f"block {block} must be at least 1, padding and crops at least 0")
    return x, y, block, tuple((int(before), int(after)) for before, after in edges)


def _regroup(x: Value, y: Value, split: Shape, permutation: tuple[int, ...]) -> list[Step]:
    """Reshape to `split`, reorder, reshape to the output."""
    parts = values.between(y, "split", split)
    moved = values.between(y, "moved", tuple(split[axis] for axis in permutation))
    return [
        Step("reshape", Reshape(split), (x,), (parts,)),
        Step("transpose", Transpose(permutation), (parts,), (moved,)),
        Step("reshape", Reshape(y.shape), (moved,), (y,)),
    ]
