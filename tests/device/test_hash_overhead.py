"""What hashing every layer adds to an inference: nothing else differs between the two counts."""

import subprocess

from qembed.device.build import build_firmware
from qembed.export.firmware import export_firmware
from qembed.importers import import_model
from qembed.resources import firmware_templates
from support.toy import need

MOST = 0.03

MAIN = """
#include "MODEL.h"
#include "qe_port.h"

static union { uint8_t bytes[MACRO_ARENA_BYTES]; uint64_t aligned; } qe_arena;
static volatile uint32_t hashes[64];
static volatile int watched;

void qe_layer_done(uint32_t layer, const void *data, uint32_t bytes)
{
    if (watched) {
        hashes[layer % 64u] = qe_hash(data, bytes);
    }
}

static void semihosting(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static uint32_t ticks_of_inference(int with_hashes)
{
    uint32_t start;

    watched = with_hashes;
    start = qe_port_count();
    (void)MODEL_invoke();
    return qe_port_count() - start;
}

int main(void)
{
    static char text[12] = "0123456789 ";

    qe_port_init();
    (void)MODEL_init(&qe_arena, sizeof qe_arena);
    for (int with_hashes = 0; with_hashes < 2; with_hashes++) {
        uint32_t ticks = ticks_of_inference(with_hashes);
        for (int digit = 9; digit >= 0; --digit, ticks /= 10) {
            text[digit] = (char)('0' + ticks % 10);
        }
        semihosting(0x04, text); /* SYS_WRITE0 */
    }
    semihosting(0x18, (void *)0x20026); /* SYS_EXIT: the application is done */
    return 0;
}
"""


def test_layer_hashes_cost_at_most_three_per_cent(shared, tmp_path):
    graph = import_model(shared / "models/kws_int8.tflite")
    board = need("mps2-an386")
    project = export_firmware([graph], board, tmp_path / "src", ["net"], link=False)
    main = MAIN.replace("MODEL", "net").replace("MACRO", "NET")
    hashing = (firmware_templates() / "runtime/qe_hash.c").read_text()
    (project.folder / "main.c").write_text(hashing + main)
    flags = ["-DQE_OBSERVE"]
    firmware = build_firmware(project, extra_cflags=flags, build_dir=tmp_path / "out")
    command = [part.replace("{elf}", str(firmware.elf)) for part in board.emulator.command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    bare, observed = (
        round(int(ticks) * board.counter.per_tick) for ticks in (done.stdout + done.stderr).split()
    )
    overhead = (observed - bare) / bare
    print(f"kws on {board.name}: {bare:,} instructions, with hashes {observed:,}: {overhead:.2%}")
    assert bare > 1_000_000
    assert 0.005 < overhead <= MOST
