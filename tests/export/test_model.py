"""The exported C: quiet under every compiler, right in every layer, at home beside others."""

import ctypes
import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.container import load
from qembed.errors import QembedError, UnsupportedError
from qembed.export import model_sources
from qembed.importers import import_bytes
from qembed.ir import Graph, Node, Tensor
from qembed.ops.add import Add
from qembed.ops.reshape import Reshape
from qembed.resources import PACKAGE
from qembed.targets import load_target
from qembed.validate import validate
from support import exported
from support.tiny import conv_net

NATIVE = load_target("native")


def digits():
    return load(PACKAGE / "data/digits.npz")


def small_net():
    return import_bytes(conv_net().bytes(), "small.tflite")


def accumulator():
    """State, a constant operand, several inputs and outputs, reshapes that may not be aliased."""
    one = Requantization(np.array([1 << 30], np.int32), np.array([0], np.int32))
    add = Add(1, one, one, one, 0, 0, 0, (-128, 127))
    constant = np.arange(-6, 6, dtype=np.int8).reshape(3, 4)
    tensors = (
        Tensor("a", (3, 4), "int8"),
        Tensor("b", (12,), "int8"),
        Tensor("k", (3, 4), "int8", data=constant),
        Tensor("s", (3, 4), "int8", reset_value=-5),
        Tensor("ak", (3, 4), "int8"),
        Tensor("b2", (3, 4), "int8"),
        Tensor("flat state", (12,), "int8"),
        Tensor("flat constant", (12,), "int8"),
    )
    nodes = (
        Node("add constant", "add", add, (0, 2), (4,)),
        Node("reshape", "reshape", Reshape((3, 4)), (1,), (5,)),
        Node("copy of the state before", "reshape", Reshape((12,)), (3,), (6,)),
        Node("accumulate", "add", add, (5, 3), (3,)),
        Node("copy of a constant", "reshape", Reshape((12,)), (2,), (7,)),
    )
    return validate(Graph("accumulator", tensors, nodes, (0, 1), (4, 6, 3, 7)))


@pytest.mark.parametrize("make", [digits, small_net, accumulator])
def test_every_layer_equals_the_reference(make):
    graph = make()
    inputs = exported.random_inputs(graph, 4)
    expected = reference.trace(graph, inputs)
    model = exported.build(graph, "-fsanitize=undefined", "-fno-sanitize-recover=undefined")
    for i in range(4):
        outputs, layers = model.step([batch[i] for batch in inputs])
        for tensor, array in layers.items():
            np.testing.assert_array_equal(array, expected[tensor][i])
        for tensor, array in zip(graph.outputs, outputs, strict=True):
            value = graph.tensors[tensor].data
            np.testing.assert_array_equal(array, expected[tensor][i] if value is None else value)


def test_reset_puts_state_back():
    graph = accumulator()
    inputs = exported.random_inputs(graph, 1)
    model = exported.build(graph)
    sample = [batch[0] for batch in inputs]
    first, _ = model.step(sample)
    second, _ = model.step(sample)
    assert first[1].tolist() == [-5] * 12
    assert second[1].tolist() != [-5] * 12
    model.function("reset", None)()
    again, _ = model.step(sample)
    for before, after in zip(first, again, strict=True):
        np.testing.assert_array_equal(before, after)


def test_misuse_is_a_status_not_a_crash():
    graph = digits()
    model = exported.build(graph)
    init, size = model.function("init"), model.sources.plan.arena_bytes
    arena = model.arena.ctypes.data
    assert init(None, size) == -1
    assert model.function("invoke")() == -2
    assert model.function("input", ctypes.c_void_p)(0) is None
    assert model.function("output", ctypes.c_void_p)(0) is None
    model.function("reset", None)()
    assert init(ctypes.c_void_p(arena), size - 1) == -1
    assert init(ctypes.c_void_p(arena + 2), size) == -1
    assert init(ctypes.c_void_p(arena), size) == 0
    assert model.function("input", ctypes.c_void_p)(1) is None
    assert model.function("output", ctypes.c_void_p)(1) is None
    assert model.function("input", ctypes.c_void_p)(0) >= arena


@pytest.mark.parametrize("observe", [[], ["-DQE_OBSERVE"]])
@pytest.mark.parametrize("make", [digits, small_net, accumulator])
def test_compiles_quietly(make, observe, tmp_path):
    sources = model_sources(make(), NATIVE)
    exported.write(sources.files, tmp_path)
    flags = [*exported.STRICT, *observe, *(f"-I{path}" for path in sources.include_dirs)]
    for compiler in ("gcc", "clang"):
        exported.compile_c(
            tmp_path, *flags, "-O2", "-fsyntax-only", *sources.sources, compiler=compiler
        )
    cortex_m0 = ["-mcpu=cortex-m0", "-mthumb", "-fsyntax-only"]
    exported.compile_c(tmp_path, *flags, *cortex_m0, *sources.sources, compiler="arm-none-eabi-gcc")
    (tmp_path / "user.cpp").write_text(
        f'#include "{sources.prefix}.h"\n'
        f"static {sources.prefix}_arena arena;\n"
        f"{sources.prefix.upper()}_ASSERT_ARENA(arena);\n"
        f"int main() {{ return {sources.prefix}_init(&arena, sizeof arena); }}\n"
    )
    cplusplus = ["-std=c++98", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    includes = [f"-I{path}" for path in sources.include_dirs]
    exported.compile_c(
        tmp_path, *cplusplus, *observe, *includes, "-Wno-long-long", "user.cpp", compiler="g++"
    )


def test_an_arena_that_is_too_small_does_not_compile(tmp_path):
    sources = model_sources(digits(), NATIVE, "net")
    exported.write(sources.files, tmp_path)
    size = sources.plan.arena_bytes
    for bytes_given, compiles in ((size, True), (size - 1, False)):
        (tmp_path / "user.c").write_text(
            f'#include "net.h"\nextern char mine[{bytes_given}];\nNET_ASSERT_ARENA(mine);\n'
        )
        includes = [f"-I{path}" for path in sources.include_dirs]
        done = subprocess.run(
            ["gcc", "-fsyntax-only", *includes, "user.c"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert (done.returncode == 0) == compiles


def test_two_models_share_a_firmware(tmp_path):
    """Both in one folder and one program: the kernels are the same files, no symbol clashes."""
    one = model_sources(digits(), NATIVE, "one")
    two = model_sources(small_net(), NATIVE, "two")
    shared = set(one.files) & set(two.files)
    assert "kernels/src/portable/qe_conv.c" in shared
    assert all(one.files[name] == two.files[name] for name in shared)
    exported.write({**one.files, **two.files}, tmp_path)
    (tmp_path / "main.c").write_text(
        '#include "one.h"\n#include "two.h"\n'
        "static one_arena a;\nstatic two_arena b;\n"
        "int main(void)\n{\n"
        "    return one_init(&a, sizeof a) + two_init(&b, sizeof b)\n"
        "           + one_invoke() + two_invoke();\n"
        "}\n"
    )
    includes = [f"-I{path}" for path in one.include_dirs]
    sources = sorted({*one.sources, *two.sources})
    exported.compile_c(tmp_path, *exported.STRICT, *includes, "main.c", *sources, "-o", "both")
    subprocess.run([tmp_path / "both"], check=True, timeout=60)


def test_output_does_not_depend_on_the_process():
    """Two runs, with sets and dicts of another order, write the same bytes."""
    script = (
        "import hashlib, qembed.resources as r\n"
        "from qembed.container import load\n"
        "from qembed.export import model_sources\n"
        "from qembed.targets import load_target\n"
        "m = model_sources(load(r.PACKAGE / 'data/digits.npz'), load_target('cortex-m4'))\n"
        "print(hashlib.sha256(repr(sorted(m.files.items())).encode()).hexdigest(), m.sources)\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(PACKAGE.parent)},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


HOSTILE = '*/ #error "x" \n#include </etc/passwd> /* ??/ \\ ${X} `id` {{ 7 * 7 }} | \u202e'


def test_no_text_of_a_model_reaches_the_c_code(tmp_path):
    graph = digits()
    graph = dataclasses.replace(
        graph,
        name=HOSTILE,
        tensors=tuple(
            dataclasses.replace(t, name=f"{HOSTILE}{i}") for i, t in enumerate(graph.tensors)
        ),
        nodes=tuple(
            dataclasses.replace(n, name=f"{HOSTILE}{i}") for i, n in enumerate(graph.nodes)
        ),
    )
    sources = model_sources(graph, NATIVE)
    assert sources.prefix == "error_x_include_etc_passwd_x_id_7_7"
    exported.write(sources.files, tmp_path)
    flags = [*exported.STRICT, *(f"-I{path}" for path in sources.include_dirs)]
    exported.compile_c(tmp_path, *flags, "-fsyntax-only", *sources.sources)
    own = [text for name, text in sources.files.items() if not name.startswith("kernels/")]
    for word in (b"#error", b"</etc", b"{{ 7", b"`id`", b"??/", "\u202e".encode()):
        assert not [text for text in own if word in text], word


def test_a_prefix_of_the_users_choice():
    sources = model_sources(digits(), NATIVE, "my_net2")
    assert "my_net2.h" in sources.files
    assert b"MY_NET2_ARENA_BYTES" in sources.files["my_net2.h"]
    for bad in ("", "2net", "My", "a b", "qe_x", "x__y", "string", "a;b", "a" * 41):
        with pytest.raises(QembedError, match="cannot begin C names; take lower-case letters"):
            model_sources(digits(), NATIVE, bad)


def test_a_constant_output_is_refused():
    graph = accumulator()
    with pytest.raises(UnsupportedError, match="output 'k' is a constant"):
        model_sources(dataclasses.replace(graph, outputs=(2,)), NATIVE)


def test_only_used_kernels_are_exported():
    names = set(model_sources(accumulator(), NATIVE).files)
    assert "kernels/src/portable/qe_add.c" in names
    assert not any("conv" in name or "softmax" in name for name in names)
