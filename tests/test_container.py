"""Model files: what is saved comes back, and what is hostile is refused in one sentence."""

import dataclasses
import hashlib
import io
import json
import struct
import time
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed import container
from qembed.arithmetic import Requantization, requantization
from qembed.errors import ModelError, QembedError
from qembed.ir import Graph, Node, Quantization, Samples, Tensor
from qembed.ops import OPERATORS
from qembed.ops.add import Add
from qembed.ops.conv import Conv
from qembed.ops.dequantize import Dequantize
from qembed.ops.mean import Mean
from qembed.ops.quantize import Quantize
from qembed.ops.softmax import Softmax
from support.layers import LAYERS

EIGHTH = Quantization(0.125, -3)


def small_graph():
    """Floats in and out, a constant, state, an optional that is given and one that is not."""
    rng = np.random.default_rng(5)
    conv = Conv(
        weights=rng.integers(-127, 128, (4, 3, 3, 1), np.int8),
        bias=rng.integers(-1000, 1000, 4, np.int32),
        requantization=requantization(rng.uniform(0.001, 0.01, 4), "double"),
        stride=(1, 2),
        padding=((1, 1), (0, 1)),
        input_zero_point=-3,
        output_zero_point=4,
        activation_range=(4, 127),
        weight_scale=np.full(4, 0.25, np.float32),
    )
    third = requantization(np.float64(1 / 3), "single")
    add = Add(20, third, third, third, 4, 0, 1, (-128, 127))
    mean = Mean(
        (1, 2), False, Requantization(np.array([7 << 20], np.int32), np.array([3], np.int32)), 1, 2
    )
    shapes = {
        "real": ((1, 6, 6, 1), "float32", None),
        "x": ((1, 6, 6, 1), "int8", EIGHTH),
        "conv": ((1, 6, 3, 4), "int8", Quantization(0.5, 4)),
        "state": ((1, 6, 3, 4), "int8", None),
        "mean": ((1, 4), "int8", None),
        "classes": ((1, 4), "int8", Quantization(1 / 256, -128)),
        "constant": ((1, 4), "int8", None),
        "total": ((1, 4), "int8", None),
        "out": ((1, 4), "float32", None),
    }
    tensors = [Tensor(name, *row) for name, row in shapes.items()]
    tensors[3] = dataclasses.replace(tensors[3], reset_value=-7)
    tensors[6] = dataclasses.replace(tensors[6], data=np.array([[1, -2, 3, -4]], np.int8))
    nodes = (
        Node("quantize", "quantize", Quantize("int8", -3, scale=0.125), (0,), (1,)),
        Node("conv", "conv", conv, (1,), (2,)),
        Node("remember", "add", add, (2, 3), (3,)),
        Node("mean", "mean", mean, (3,), (4,)),
        Node("softmax", "softmax", Softmax(1 << 30, 20, -100), (4,), (5,)),
        Node("total", "add", add, (5, 6), (7,)),
        Node("real", "dequantize", Dequantize(0.5, 1), (7,), (8,)),
    )
    samples = Samples((rng.normal(size=(3, 1, 6, 6, 1)).astype(np.float32),), np.array([0, 3, 1]))
    return Graph(
        "small",
        tuple(tensors),
        nodes,
        (0,),
        (8,),
        "tflm-single",
        ("a", "b", "ç", "[red]"),
        samples,
        {"tool": "test"},
    )


GRAPH = small_graph()


def same(a, b):
    """Deep equality of graphs, arrays by type and value."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(
            same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a)
        )
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.npz"
    container.save(GRAPH, path)
    return path


def parts(path):
    """Document and arrays of a model file."""
    with np.load(path) as archive:
        arrays = dict(archive)
    return json.loads(arrays.pop("manifest").item()), arrays


def written(path, document, arrays):
    text = document if isinstance(document, str) else json.dumps(document)
    np.savez(path, manifest=np.array(text), **arrays)
    return path


def refusal(path):
    """The sentence with which a file is refused."""
    with pytest.raises(ModelError) as caught:
        container.load(path)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 400 and text.startswith(str(path))
    return text


def test_everything_comes_back(saved):
    assert same(container.load(saved), GRAPH)


def test_saving_is_deterministic(saved, tmp_path):
    container.save(container.load(saved), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_loaded_arrays_cannot_be_written(saved):
    weights = container.load(saved).nodes[1].params.weights
    with pytest.raises(ValueError, match="read-only"):
        weights[0] = 0


def test_every_parameter_type_has_a_codec():
    """A new operator needs no codec of its own: its field types are all known ones."""
    from qembed.codec import _fields, _kind

    def check(hint, seen):
        kind, arguments = _kind(hint)
        if dataclasses.is_dataclass(kind):
            for inner, _ in _fields(kind).values():
                check(inner, [*seen, kind])
        elif kind in (tuple,) or str(kind) == "typing.Union":
            for inner in arguments:
                if inner not in (Ellipsis, type(None)):
                    check(inner, seen)
        else:
            assert kind in (int, float, bool, str, np.ndarray) or str(kind) == "typing.Literal", (
                hint
            )

    for operator in OPERATORS.values():
        check(operator.params, [])


# ---- the hash ------------------------------------------------------------------------------------


def test_hash_is_of_what_executes():
    plain = container.graph_hash(GRAPH)
    assert len(plain) == 32
    renamed = dataclasses.replace(
        GRAPH,
        name="other",
        classes=(),
        samples=None,
        source={},
        tensors=tuple(dataclasses.replace(t, name=t.name + "!") for t in GRAPH.tensors),
        nodes=tuple(dataclasses.replace(n, name=n.name + "!") for n in GRAPH.nodes),
    )
    assert container.graph_hash(renamed) == plain


def test_hash_ignores_how_arrays_lie_in_memory():
    conv = GRAPH.nodes[1]
    params = dataclasses.replace(
        conv.params,
        weights=np.asfortranarray(conv.params.weights),
        bias=conv.params.bias.astype(">i4"),
    )
    nodes = list(GRAPH.nodes)
    nodes[1] = dataclasses.replace(conv, params=params)
    assert container.graph_hash(
        dataclasses.replace(GRAPH, nodes=tuple(nodes))
    ) == container.graph_hash(GRAPH)


def test_hash_ignores_how_the_archive_is_packed(saved, tmp_path):
    document, arrays = parts(saved)
    shuffled = json.dumps(dict(reversed(document.items())), indent=3)
    turned = {k: np.asfortranarray(v).astype(v.dtype.newbyteorder(">")) for k, v in arrays.items()}
    path = written(tmp_path / "other.npz", shuffled, dict(reversed(turned.items())))
    assert same(container.load(path), GRAPH)
    assert container.graph_hash(container.load(path)) == container.graph_hash(GRAPH)


def changed_graphs():
    """GRAPH with one thing that executes changed, for each kind of thing."""

    def node(index, **fields):
        nodes = list(GRAPH.nodes)
        params = dataclasses.replace(nodes[index].params, **fields)
        nodes[index] = dataclasses.replace(nodes[index], params=params)
        return dataclasses.replace(GRAPH, nodes=tuple(nodes))

    def tensor(index, **fields):
        tensors = list(GRAPH.tensors)
        tensors[index] = dataclasses.replace(tensors[index], **fields)
        return dataclasses.replace(GRAPH, tensors=tuple(tensors))

    conv = GRAPH.nodes[1].params
    flipped = conv.weights.copy()
    flipped[3, 2, 2, 0] ^= 1
    yield "weight", node(1, weights=flipped)
    yield "shape", node(1, weights=conv.weights.reshape(4, 1, 3, 3))
    yield "type", node(1, bias=conv.bias.astype(np.int64))
    yield (
        "rounding",
        node(1, requantization=dataclasses.replace(conv.requantization, rounding="single")),
    )
    yield "clamp", node(1, activation_range=(4, 126))
    yield "optional", node(1, weight_scale=None)
    yield "scale", tensor(1, quantization=Quantization(0.25, -3))
    yield "constant", tensor(6, data=np.array([[1, -2, 3, -5]], np.int8))
    yield "reset", tensor(3, reset_value=-8)
    yield "outputs", dataclasses.replace(GRAPH, outputs=(7,))
    yield "order", dataclasses.replace(GRAPH, nodes=GRAPH.nodes[::-1])
    nodes = list(GRAPH.nodes)
    nodes[5] = dataclasses.replace(nodes[5], inputs=(6, 5))
    yield "edge", dataclasses.replace(GRAPH, nodes=tuple(nodes))


def test_hash_sees_every_change():
    hashes = {name: container.graph_hash(graph) for name, graph in changed_graphs()}
    assert len({*hashes.values(), container.graph_hash(GRAPH)}) == len(hashes) + 1


def test_hash_is_what_it_was():
    """Boards in the field carry it: a change of this value needs a new format version."""
    graph = Graph(
        "x",
        (Tensor("a", (1, 4), "int8", Quantization(0.5, 1)), Tensor("b", (4,), "int8")),
        (Node("n", "reshape", OPERATORS["reshape"].params((4,)), (0,), (1,)),),
        (0,),
        (1,),
    )
    text = (
        '{"inputs":[0],'
        '"nodes":[{"inputs":[0],"name":"","op":"reshape","outputs":[1],"params":{"shape":[4]}}],'
        '"outputs":[1],"tensors":['
        '{"dtype":"int8","name":"","quantization":{"scale":0.5,"zero_point":1},"shape":[1,4]},'
        '{"dtype":"int8","name":"","shape":[4]}],"version":1}'
    )
    assert container.graph_hash(graph) == hashlib.sha256(text.encode()).digest()


# ---- bad files -----------------------------------------------------------------------------------


def test_missing_file_and_folder(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.npz")
    assert "directory" in refusal(tmp_path)


def test_empty_and_foreign_files(tmp_path):
    path = tmp_path / "x.npz"
    for content in (b"", b"PK", b"\x93NUMPY", b"not a model" * 1000):
        path.write_bytes(content)
        assert "not an intact .npz archive" in refusal(path)
    np.savez(path, x=np.zeros(3))
    assert "no manifest" in refusal(path)


def test_pickle_is_refused_and_never_run(saved, tmp_path):
    fired = tmp_path / "fired"

    class Bomb:
        def __reduce__(self):
            return (open, (str(fired), "w"))

    document, arrays = parts(saved)
    path = tmp_path / "bomb.npz"
    for key in ("extra", "nodes.1.params.weights"):
        np.savez(
            path,
            manifest=np.array(json.dumps(document)),
            **(arrays | {key: np.array([Bomb()], dtype=object)}),
            allow_pickle=True,
        )
        assert "never Python objects" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.pkl", b"cos\nsystem\n(S'true'\ntR.")
    assert "is no array" in refusal(path)
    assert not fired.exists()


def npy(shape, descr="|i1", content=b"", fortran="False"):
    header = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize(
    "member",
    [
        npy("(1099511627776,)"),
        npy("(-1,)"),
        npy("(-1, -4)", content=bytes(4)),
        npy("(4294967296, 4294967296)"),
        npy("(2,)", content=b"1"),
        npy("(2,)", content=b"123"),
        npy("(2,)", "|O", bytes(16)),
        npy("(1,)", "|V4", bytes(4)),
        npy("(1,)", "|S4", bytes(4)),
        npy("(1,)", "<c8", bytes(8)),
        npy("(1,)", "|b1", b"\2"),
        npy("(1,)", [("a", "<i4")], bytes(4)),
        npy("()", "|i1", b"") ,
        npy("(" * 200 + ")" * 200),
        npy("(1e3,)"),
        npy("__import__('os')"),
        b"\x93NUMPY\3\0" + bytes(40),
        b"\x93NUMPY\1\0\xff\xff",
        b"",
    ],
)  # fmt: skip
def test_damaged_arrays_are_refused(member, tmp_path, saved):
    path = tmp_path / "x.npz"
    path.write_bytes(saved.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.npy", member)
    assert "'more'" in refusal(path)


def test_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w") as entry,
    ):
        entry.write(npy(f"({200 << 20},)"))
        for _ in range(200):
            entry.write(bytes(1 << 20))
    start = time.process_time()
    assert "claims to unpack" in refusal(path)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_wrong_bit_in_a_weight_is_seen(save, saved, tmp_path):
    """By the archive's own checksums: the model would be sound, and another one."""
    document, arrays = parts(saved)
    path = tmp_path / "x.npz"
    save(path, manifest=np.array(json.dumps(document)), **arrays)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("nodes.1.params.weights.npy")
    raw = bytearray(path.read_bytes())
    start = entry.header_offset + 30 + len(entry.filename)
    raw[start + entry.compress_size - 2] ^= 4
    path.write_bytes(raw)
    refusal(path)


def test_double_and_encrypted_entries(tmp_path, saved):
    path = tmp_path / "x.npz"
    path.write_bytes(saved.read_bytes())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("manifest.npy", npy("(0,)"))
    assert "equal name" in refusal(path)
    raw = bytearray(saved.read_bytes())
    at = raw.rindex(b"PK\1\2")
    raw[at + 8] |= 1
    path.write_bytes(raw)
    refusal(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("[]", "no JSON object"),
        ("{", "no JSON"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ('{"format": "qembed", "format": "qembed"}', "a key twice"),
        ("[" * 100_000, "no JSON"),
        ('{"a":' * 50_000, "no JSON"),
        ("9" * 10_000, "no JSON"),
        ("{}", "format is qembed"),
        ('{"format": "other"}', "format is qembed"),
        ('{"format": "qembed"}', "version is not 1"),
        ('{"format": "qembed", "version": 2}', "version is not 1"),
        ('{"format": "qembed", "version": true}', "version is not 1"),
        ('{"format": "qembed", "version": 1}', "lacks the entry 'name'"),
    ],
)
def test_bad_documents(text, why, tmp_path):
    assert why in refusal(written(tmp_path / "x.npz", text, {}))


def test_manifest_of_another_type(tmp_path):
    path = tmp_path / "x.npz"
    for manifest in (np.array(["{}"]), np.array(3), np.array(list(b"{}"), np.uint8)):
        np.savez(path, manifest=manifest)
        assert "no manifest" in refusal(path)
    raw = struct.pack("<I", 0x110000)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.npy", npy("()", "<U1", raw))
    assert "no JSON document" in refusal(path)


def edit(document, path, value):
    *way, last = path
    for step in way:
        document = document[step]
    if value is DELETE:
        del document[last]
    else:
        document[last] = value


DELETE = object()
CONV = ("nodes", 1, "params")


@pytest.mark.parametrize(
    ("where", "value", "why"),
    [
        (("name",), 3, "name is 3, must be a string"),
        (("name",), DELETE, "lacks the entry 'name'"),
        (("extra",), 1, "unknown entry 'extra'"),
        (("tensors",), {}, "tensors is dict, must be a list"),
        (("tensors", 0, "shape"), [1, 6, 6, True], "must be a 64-bit integer"),
        (("tensors", 0, "shape"), [1, 6, 6, 1.0], "must be a 64-bit integer"),
        (("tensors", 0, "shape"), [1, 6, 6, 1 << 63], "must be a 64-bit integer"),
        (("tensors", 0, "shape"), [1, 6, 6, 0], "shape"),
        (("tensors", 0, "shape"), [1 << 32, 1 << 32], "would take"),
        (("tensors", 0, "shape"), [1] * 9, "at most 8"),
        (("tensors", 0, "dtype"), "object", "must be one of int8"),
        (("tensors", 0, "dtype"), None, "must be one of int8"),
        (("tensors", 1, "quantization", "scale"), 0.0, "positive"),
        (("tensors", 1, "quantization", "scale"), -0.5, "positive"),
        (("tensors", 1, "quantization", "scale"), 0.1, "float32"),
        (("tensors", 1, "quantization", "scale"), "0.1", "must be a finite number"),
        (("tensors", 1, "quantization", "zero_point"), 128, "outside [-128, 127]"),
        (("tensors", 3, "reset_value"), 400, "outside"),
        (("tensors", 6, "data"), "nowhere", "refers to array 'nowhere'"),
        (("tensors", 6, "data"), 3, "must be the key of an array"),
        (("tensors", 6, "data"), "nodes.1.params.bias", "int8[1, 4] but holds int32[4]"),
        (("tensors", 6, "data"), "manifest", "must be numbers"),
        (("nodes", 1, "op"), "tanh_x", "unknown operator 'tanh_x'"),
        (("nodes", 1, "op"), ["conv"], "must be a string"),
        (("nodes", 1, "op"), "softmax", "unknown entry"),
        (("nodes", 1, "inputs"), [99], "tensor 99"),
        (("nodes", 1, "inputs"), [-1], "tensor -1"),
        (("nodes", 1, "inputs"), [4], "before it is written"),
        (("nodes", 1, "inputs"), [], "number of inputs"),
        (("nodes", 1, "outputs"), [1], "already has a value"),
        (("nodes", 1, "outputs"), [], "before it is written"),
        (("nodes", 6, "outputs"), [], "never written"),
        (("nodes", 1, "name"), "mean", "same name"),
        (("inputs",), [], "no input or no output"),
        (("inputs",), [0, 0], "twice"),
        (("inputs",), [6], "constant or state"),
        (("outputs",), [44], "index 44"),
        ((*CONV, "weights"), "nodes.1.params.bias", "is int32, must be int8"),
        ((*CONV, "weights"), "tensors.6.data", "weights is int8[1, 4]"),
        ((*CONV, "weight_scale"), "samples.inputs.0", "weight"),
        ((*CONV, "bias"), "nodes.1.params.weights", "bias is int8"),
        ((*CONV, "stride"), [0, 1], "at least 1"),
        ((*CONV, "stride"), [1], "must be a list of 2"),
        ((*CONV, "padding"), [[1, 1], [-1, 0]], "at least 1, padding at least 0"),
        ((*CONV, "padding"), [[9, 0], [0, 0]], "is declared"),
        ((*CONV, "activation_range"), [9, 4], "empty"),
        ((*CONV, "activation_range"), [-129, 4], "outside"),
        ((*CONV, "requantization", "rounding"), "up", "must be one of double"),
        ((*CONV, "requantization", "multiplier"), "nodes.1.params.bias", "multipliers of 0 or in"),
        ((*CONV, "weight_bits"), 5, "must be 4 or 8"),
        ((*CONV, "input_zero_point"), None, "must be a 64-bit integer"),
        (("nodes", 4, "params", "multiplier"), 5, "multiplier"),
        (("nodes", 3, "params", "keep_dims"), 1, "must be true or false"),
        (("samples", "inputs"), [], "samples have 0 inputs"),
        (("samples", "labels"), "tensors.6.data", "is int8, must be int64"),
        (("classes",), ["a", 2], "must be a string"),
        (("source",), {"a": 1}, "must be an object of strings"),
        (("profile",), None, "must be a string"),
    ],
)  # fmt: skip
def test_wrong_entries_are_named(where, value, why, saved, tmp_path):
    document, arrays = parts(saved)
    edit(document, where, value)
    path = tmp_path / "x.npz"
    text = refusal(written(path, document, arrays))
    assert why in text


def test_not_a_number_and_unused_arrays(saved, tmp_path):
    document, arrays = parts(saved)
    path = tmp_path / "x.npz"
    for key, value in (("nodes.1.params.weight_scale", np.nan), ("samples.inputs.0", np.inf)):
        broken = arrays[key].copy()
        broken.flat[1] = value
        assert "NaN or an infinity" in refusal(written(path, document, arrays | {key: broken}))
    assert "nothing refers to its array 'mistyped'" in refusal(
        written(path, document, arrays | {"mistyped": np.zeros(3)})
    )


# ---- noise ---------------------------------------------------------------------------------------


def test_thousands_of_flipped_bytes(saved, tmp_path):
    """A graph or a QembedError, and fast: every byte of an uncompressed archive, several ways."""
    document, arrays = parts(saved)
    raw = written(tmp_path / "plain.npz", document, arrays).read_bytes()
    rng = np.random.default_rng(11)
    path = tmp_path / "x.npz"
    outcomes = {"loaded": 0, "refused": 0}
    for _ in range(3000):
        noisy = bytearray(raw if rng.random() < 0.5 else saved.read_bytes())
        for at in rng.integers(0, len(noisy), rng.integers(1, 4)):
            noisy[at] = rng.integers(0, 256)
        if rng.random() < 0.1:
            del noisy[rng.integers(0, len(noisy)) :]
        path.write_bytes(noisy)
        start = time.process_time()
        try:
            container.load(path)
            outcomes["loaded"] += 1
        except QembedError as error:
            outcomes["refused"] += 1
            assert str(error).count("\n") == 0
        assert time.process_time() - start < 2.0
    assert outcomes["refused"] > 2000


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 1 << 31, 1 << 62, -(1 << 63)])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "int8", "conv", "tensors.6.data", "nodes.1.params.bias", "manifest"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value, path=()):
    yield path
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in children:
        yield from places(inner, (*path, key))


@given(st.data())
def test_any_entry_may_be_anything(saved, data):
    """One or two entries of the document replaced by arbitrary JSON."""
    document, arrays = parts(saved)
    for _ in range(data.draw(st.integers(1, 2))):
        where = data.draw(st.sampled_from([p for p in places(document) if p]))
        edit(document, where, data.draw(JSON))
    file = io.BytesIO()
    np.savez(file, manifest=np.array(json.dumps(document)), **arrays)
    path = saved.with_name("drawn.npz")
    path.write_bytes(file.getvalue())
    try:
        graph = container.load(path)
    except ModelError as error:
        assert "\n" not in str(error)
    else:
        container.graph_hash(graph)


# ---- writing -------------------------------------------------------------------------------------


def test_an_unsound_graph_is_not_written(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"precious")
    with pytest.raises(ModelError, match="no input"):
        container.save(dataclasses.replace(GRAPH, inputs=()), path)
    assert path.read_bytes() == b"precious"
    assert [p.name for p in tmp_path.iterdir()] == ["x.npz"]


def test_nothing_is_left_of_a_failed_write(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    path.write_bytes(b"precious")

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(QembedError, match="No space left"):
        container.save(GRAPH, path)
    assert path.read_bytes() == b"precious"
    assert [p.name for p in tmp_path.iterdir()] == ["x.npz"]
    with pytest.raises(QembedError, match="cannot be written"):
        container.save(GRAPH, tmp_path / "absent" / "x.npz")


@pytest.mark.parametrize("op", LAYERS)
def test_a_layer_of_every_operator_comes_back(op, tmp_path):
    for seed in range(8):
        graph, _ = LAYERS[op](np.random.default_rng(seed))
        container.save(graph, tmp_path / "m.npz")
        again = container.load(tmp_path / "m.npz")
        assert container.graph_hash(again) == container.graph_hash(graph)
