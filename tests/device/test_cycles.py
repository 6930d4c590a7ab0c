"""Estimated cycles against the examples and tables of the cores' manuals."""

import subprocess
from types import SimpleNamespace

import pytest

from qembed.device.build import build_firmware
from qembed.device.counts import Stretch, count_instructions
from qembed.device.cycles import estimate_cycles
from qembed.device.disassembly import disassemble
from support.toy import need, toy_project

M0, M4 = ("cortex-m0", "-mcpu=cortex-m0"), ("cortex-m4", "-mcpu=cortex-m4")


def estimated(core, text, folder, taken=()):
    """Cycles of a sequence that runs once from its start to its end."""
    name, flag = core
    board = need("mps2-an386")
    source, binary = folder / "text.s", folder / f"{name}.o"
    source.write_text(f".syntax unified\n.thumb\n.text\n{text}\n")
    compiler = ["arm-none-eabi-gcc", flag, "-mthumb", "-mfloat-abi=soft", "-c", source]
    if name == "cortex-m4":
        compiler[3:4] = ["-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
    subprocess.run([*map(str, compiler), "-o", str(binary)], check=True)
    addresses = sorted(disassemble(binary, board.target.toolchain))
    stretch = Stretch(
        dict.fromkeys(addresses, 1), {a: int(i in taken) for i, a in enumerate(addresses)}
    )
    target = SimpleNamespace(name=name, toolchain=board.target.toolchain)
    return estimate_cycles(
        SimpleNamespace(elf=binary, board=SimpleNamespace(target=target)), stretch
    )


@pytest.mark.parametrize(
    ("text", "cycles"),
    [
        # The manual's own examples of pipelined loads.
        ("ldr r0, [r1]; ldr r1, [r2]", 3),
        ("ldr r0, [r1, r2]; str r0, [r3, #20]", 3),
        ("ldr r0, [r1, r2]; str r1, [r3, r2]", 3),
        ("ldr r0, [r1, r5]; ldr r1, [r2]; ldr r2, [r3, #4]", 4),
        ("ldr r0, [r1]; ldr r2, [r0]", 4),  # the second address depends on the first load
        ("str r0, [r1, #4]", 1),
        ("str r0, [r1, r2]", 2),
        ("ldrb r0, [r1], #1; ldrsb r2, [r3, #2]; ldrsh.w r4, [r3, #4]", 4),
        ("adds r1, #4; ldr r0, [r1]", 4),  # no forwarding from the data operation
        ("adds r2, #4; ldr r0, [r1]", 3),
        ("cmp r1, #4; ldr r0, [r1]", 3),  # it has no result
        ("smull r1, r2, r3, r4; str r0, [r2]", 3),
        ("ldrd r0, r1, [r2]", 3),
        ("ldm r0!, {r1-r4, r6}", 6),
        ("push {r4, r5, lr}", 4),
        ("smlad r0, r1, r2, r0; smmla r0, r1, r2, r3; sxtb16 r0, r1; ssat r0, #8, r1", 4),
        ("sdiv r0, r1, r2", 12),
        ("vldr s0, [r0]; vmul.f32 s0, s0, s1; vdiv.f32 s0, s0, s1", 17),
        ("nop", 1),
    ],
)
def test_the_m4_follows_its_manual(text, cycles, tmp_path):
    assert estimated(M4, text, tmp_path) == cycles


@pytest.mark.parametrize(
    ("text", "taken", "cycles"),
    [("1: bne 1b", (), 1), ("1: bne 1b", (0,), 3), ("bl 1f; 1: nop", (0,), 4),
     ("pop {r4, pc}", (0,), 5), ("bx lr", (0,), 3), ("1: cbz r0, 1f; nop; 1: nop", (0,), 5)],
)  # fmt: skip
def test_a_taken_branch_of_the_m4_refills_the_pipeline(text, taken, cycles, tmp_path):
    assert estimated(M4, text, tmp_path, taken) == cycles


@pytest.mark.parametrize(
    ("text", "taken", "cycles"),
    [
        ("movs r0, #1; adds r0, r1, r2; muls r0, r1; lsls r0, r1", (), 4),
        ("ldr r0, [r1]; ldr r1, [r2]; strb r0, [r1, r2]", (), 6),
        ("ldm r0!, {r1-r4}; stm r0!, {r1, r2}; push {r4, lr}", (), 11),
        ("pop {r4, r5, pc}", (0,), 7),
        ("1: bne 1b", (), 1),
        ("1: bne 1b", (0,), 3),
        ("bl 1f; 1: nop", (0,), 5),
        ("bx lr", (0,), 3),
    ],
)
def test_the_m0_follows_its_manual(text, taken, cycles, tmp_path):
    assert estimated(M0, text, tmp_path, taken) == cycles


def test_a_real_firmware_is_estimated_or_not_at_all(tmp_path):
    firmware = build_firmware(toy_project("mps2-an386", tmp_path / "m4"))
    (counts,) = count_instructions(firmware, [bytes(8)])
    for layer in counts.layers:
        cycles = estimate_cycles(firmware, layer)
        assert layer.instructions < cycles < 3 * layer.instructions
    other = build_firmware(toy_project("mps2-an385", tmp_path / "m3"))
    assert estimate_cycles(other, counts.layers[0]) is None
