"""The bound of the stack, from the compiler's report, against what an inference really uses."""

import subprocess

import pytest

from qembed.device.build import build_firmware
from qembed.device.callgraph import stack_bound
from qembed.export.firmware import export_firmware
from qembed.importers import import_model
from support.toy import need, toy_project

# Paints the free memory below the stack pointer, runs, and looks how far the paint is gone.
MAIN = """
#include "PREFIX.h"
#include <stdint.h>

extern uint32_t ld_bss_end[];
static union { uint8_t bytes[PREFIXUPPER_ARENA_BYTES]; uint64_t aligned; } qe_arena;

static void semihosting(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

int main(void)
{
    uint32_t *top, *low = ld_bss_end, used;
    static char text[12];

    (void)PREFIX_init(&qe_arena, sizeof qe_arena);
    __asm__ volatile("mov %0, sp" : "=r"(top));
    for (volatile uint32_t *p = low; p < top; ++p) {
        *p = 0xA5A5A5A5u;
    }
    (void)PREFIX_invoke();
    while (*(volatile uint32_t *)low == 0xA5A5A5A5u) {
        ++low;
    }
    used = (uint32_t)top - (uint32_t)low;
    for (int digit = 9; digit >= 0; --digit, used /= 10) {
        text[digit] = (char)('0' + used % 10);
    }
    semihosting(0x04, text);            /* SYS_WRITE0 */
    semihosting(0x18, (void *)0x20026); /* SYS_EXIT: the application is done */
    return 0;
}
"""


def used(project, folder):
    """Bytes of stack that an inference takes on the emulated core, and their bound."""
    prefix = project.prefixes[0]
    main = MAIN.replace("PREFIXUPPER", prefix.upper()).replace("PREFIX", prefix)
    (project.folder / "main.c").write_text(main)
    firmware = build_firmware(project, build_dir=folder / "out")
    command = [part.replace("{elf}", str(firmware.elf)) for part in project.board.emulator.command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return int((done.stdout + done.stderr).strip()), firmware.sizes.stack


@pytest.mark.parametrize("board", ["mps2-an386", "mps2-an385", "mps2-an385-m0", "mps3-an547"])
@pytest.mark.parametrize("network", ["kws_int8", "ic_int8"])
def test_no_inference_exceeds_its_bound(network, board, shared, tmp_path):
    graph = import_model(shared / "models" / f"{network}.tflite")
    project = export_firmware([graph], need(board), tmp_path / "src", link=False)
    real, bound = used(project, tmp_path)
    assert 0 < real <= bound
    assert bound <= 2 * real  # and is no wild guess: the deepest path need not be taken


def test_the_model_by_hand(tmp_path):
    project = toy_project("mps2-an386", tmp_path / "src", link=False)
    real, bound = used(project, tmp_path)
    assert 0 < real <= bound <= real + 32


GRAPH = """
graph: {{ title: "a.c"
node: {{ title: "top" label: "top\\na.c:1:1\\n16 bytes (static)\\n0 dynamic objects" }}
node: {{ title: "a.c:left" label: "left\\na.c:2:1\\n8 bytes (static)\\n0 dynamic objects" }}
node: {{ title: "a.c:right" label: "right\\na.c:3:1\\n{right}\\n0 dynamic objects" }}
node: {{ title: "memcpy" label: "memcpy\\n<built-in>" shape : ellipse }}
edge: {{ sourcename: "top" targetname: "a.c:left" label: "a.c:5:1" }}
{edge}
}}
"""


def test_assembly_keeps_what_it_pushes(tmp_path):
    (tmp_path / "a.ci").write_text(
        GRAPH.format(
            right="0 bytes (static)", edge='edge: { sourcename: "top" targetname: "a.c:right" }'
        )
    )
    assert stack_bound(tmp_path, ["top"], pushed={"right": 36, "left": 100}) == 16 + 36


@pytest.mark.parametrize(
    ("right", "edge", "bound"),
    [
        ("24 bytes (static)", "", 24),
        ("24 bytes (static)", 'edge: { sourcename: "top" targetname: "a.c:right" }', 40),
        ("24 bytes (dynamic,bounded)", 'edge: { sourcename: "top" targetname: "a.c:right" }', 40),
        ("24 bytes (dynamic)", 'edge: { sourcename: "top" targetname: "a.c:right" }', None),
        ("24 bytes (static)", 'edge: { sourcename: "a.c:left" targetname: "top" }', None),
        ("24 bytes (static)", 'edge: { sourcename: "a.c:left" targetname: "memcpy" }', 88),
        ("24 bytes (static)", 'edge: { sourcename: "a.c:left" targetname: "__indirect_call" }', 48),
        ("24 bytes (static)", 'edge: { sourcename: "top" targetname: "__indirect_call" }', None),
        ("24 bytes (static)", 'edge: { sourcename: "a.c:left" targetname: "observer" }', 24),
    ],
)
def test_the_graph_is_read_as_gcc_writes_it(right, edge, bound, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.ci").write_text(GRAPH.format(right=right, edge=edge))
    assert stack_bound(tmp_path, ["top"], without="observer") == bound


def test_without_a_report_there_is_no_bound(tmp_path):
    assert stack_bound(tmp_path, ["top"]) is None
