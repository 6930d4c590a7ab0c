"""The vectorized host kernels apart from Python: for another machine in an emulator, and here, in
memory that ends at forbidden pages. Layers are packed here as ever; what the C functions compute
must be the definition."""

import platform
import shutil
import subprocess

import numpy as np
import pytest
from qembed._host._simd import PORTABLE, available

from qembed.backends import reference
from support.fast_layers import FAST_LAYERS
from support.forms import assert_equal
from support.layers import LAYERS
from support.packed_layers import KINDS, compile_runner, job, packed

NEON = "neon-dotprod"
CROSS = "aarch64-linux-gnu-gcc"
DRAWN = (
    {op: LAYERS[op] for op in ("average_pool", "conv", "depthwise_conv", "fully_connected")}
    | {
        "max_pool": LAYERS["max_pool"],
        "add": LAYERS["add"],
        "mul": LAYERS["mul"],
    }
    | {f"trained {kind}": make for kind, make in FAST_LAYERS.items()}
)
EACH = 40
needs_arm = pytest.mark.skipif(
    not (shutil.which(CROSS) and shutil.which("qemu-aarch64")),
    reason="no compiler and emulator for AArch64",
)


def jobs(isa: str):
    """(kind, what, input of the runner, right answer) of every layer that has such a kernel."""
    for name, make in DRAWN.items():
        for seed in range(EACH):
            made, inputs = make(np.random.default_rng(seed))
            kernel = packed(isa, made)
            if kernel is None:
                continue
            kind, what = kernel.packed[0], f"{name}, seed {seed}"
            want = reference.run(made, inputs)[0]
            if kind in ("add", "mul"):  # one row of values
                if len(inputs) < 2 or inputs[0].shape != inputs[1].shape:
                    continue
                yield kind, what, job(isa, kernel, inputs, want.nbytes, 1), want
                one = [inputs[0].reshape(-1)[:1], inputs[1]]
                made_want = reference_of_row(made, one)
                yield kind, what, job(isa, kernel, one, want.nbytes, 1), made_want
                continue
            yield kind, what, job(isa, kernel, inputs, want.nbytes, len(want)), want
            if kernel.most_parts > 1:
                parts = min(3, kernel.most_parts)
                one = [a[:1] for a in inputs]
                yield kind, what, job(isa, kernel, one, want[:1].nbytes, 1, parts), want[:1]


def reference_of_row(made, inputs):
    """One value of the first operand with all of the second."""
    first = np.broadcast_to(inputs[0], inputs[1].shape)
    return reference.run(made, [first, inputs[1]])[0]


def compare(isa: str, command: list[str]) -> None:
    drawn = list(jobs(isa))
    assert {kind for kind, *_ in drawn} == set(KINDS)
    answer = subprocess.run(
        command, input=b"".join(given for _, _, given, _ in drawn), capture_output=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr.decode()[-2000:]
    at = 0
    for _, what, _, want in drawn:
        ours = np.frombuffer(answer.stdout, want.dtype, want.size, at).reshape(want.shape)
        assert_equal(ours, want, f"{isa}, {what}")
        at += want.nbytes
    assert at == len(answer.stdout)


@pytest.fixture(scope="module")
def arm_program(tmp_path_factory):
    return str(compile_runner(tmp_path_factory.mktemp("arm"), CROSS, "-static"))


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return str(compile_runner(tmp_path_factory.mktemp("here"), "gcc"))


@needs_arm
def test_neon_computes_the_definition(arm_program):
    compare(NEON, ["qemu-aarch64", "-cpu", "max", arm_program])


@needs_arm
@pytest.mark.parametrize(("cpu", "answer"), [("max", "yes"), ("cortex-a53", "no")])
def test_neon_is_chosen_where_the_processor_has_it(cpu, answer, arm_program):
    command = ["qemu-aarch64", "-cpu", cpu, arm_program, NEON]
    assert subprocess.run(command, capture_output=True, text=True).stdout.strip() == answer


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
@pytest.mark.parametrize("isa", [isa for isa in available() if isa != PORTABLE])
def test_kernels_stay_in_their_memory(isa, program):
    compare(isa, [program])


def test_another_machines_instruction_set_is_not_offered():
    assert (NEON in available()) <= (platform.machine() == "aarch64")
