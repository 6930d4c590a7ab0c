"""The device's end of the link: size, warnings, fuzzing under sanitizers."""

import os
import shutil
import subprocess

import numpy as np
import pytest

from qembed._host import hash32
from qembed.resources import firmware_templates
from support.link_board import SANITIZE, STRICT, compile_link

RUNTIME = firmware_templates() / "runtime"
SOURCES = sorted(RUNTIME.glob("qe_*.c"))
INCLUDES = [f"-I{RUNTIME}", f"-I{RUNTIME.parent / 'kernels/include'}"]
FRAMES = int(os.environ.get("QEMBED_FUZZ_FRAMES", "200000"))
"""By hand: QEMBED_FUZZ_FRAMES=10000000."""


def test_no_frame_makes_the_parser_leave_its_buffers(tmp_path):
    program = compile_link(tmp_path / "fuzz", *SANITIZE, main="link_fuzz.c")
    for seed in (1, 2):
        done = subprocess.run(
            [program, str(seed), str(FRAMES // 2)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        runs = int(done.stdout.split(" runs")[0].split()[-1])
        assert runs > FRAMES // 200  # the fuzzer gets past the CRC and the session


def test_a_parser_that_does_not_check_is_caught(tmp_path):
    """The fuzzer would see what it is there for."""
    source = (RUNTIME / "qe_link.c").read_text()
    for check, without in (
        ("link.frame_length < sizeof link.frame", "true"),
        ("offset > total || r->left > total - offset", "false"),
        ("layer < QE_LINK_MAX_LAYERS", "true"),
        ("r.model >= link.config->model_count", "false"),
    ):
        assert check in source
        broken = tmp_path / "qe_link.c"
        broken.write_text(source.replace(check, without))
        program = compile_link(
            tmp_path / "broken", *SANITIZE, "-Wno-error", main="link_fuzz.c", link=broken
        )
        done = subprocess.run([program, "1", "50000"], capture_output=True, check=False)
        assert done.returncode != 0, check


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("observe", [[], ["-DQE_OBSERVE"]])
def test_no_warning(compiler, observe, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    for source in SOURCES:
        command = [compiler, *STRICT, *observe, "-O2", *INCLUDES, "-c", source, "-o", "x.o"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_code_on_a_cortex_m4_is_below_four_kilobytes_and_all_memory_is_one_context(tmp_path):
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    code = 0
    for source in (RUNTIME / "qe_hash.c", RUNTIME / "qe_link.c"):
        output = tmp_path / f"{source.stem}.o"
        subprocess.run(
            [
                "arm-none-eabi-gcc",
                *STRICT,
                "-mcpu=cortex-m4",
                "-mthumb",
                "-Os",
                "-DQE_OBSERVE",
                "-DQE_LINK_MAX_LAYERS=32",
                *INCLUDES,
                "-c",
                source,
                "-o",
                output,
            ],
            check=True,
        )
        sizes = subprocess.run(
            ["arm-none-eabi-size", output], capture_output=True, text=True, check=True
        )
        text, data, bss = map(int, sizes.stdout.splitlines()[1].split()[:3])
        code += text
        assert data == 0
        assert bss == 0 or bss < 1044 + 8 * 32 + 420
    print(f"link on Cortex-M4: {code} bytes of code")
    assert code < 4096


def test_the_layer_hash_is_the_same_in_c_and_on_the_desk(tmp_path):
    """Any length, any alignment, and through the path for big-endian machines too."""
    main = tmp_path / "main.c"
    main.write_text(
        """
        #include <stdio.h>
        #include "qe_hash.h"
        int main(void)
        {
            static uint8_t data[4096];
            size_t n = fread(data, 1, sizeof data, stdin);
            for (unsigned at = 0; at < 9; at++) {
                for (unsigned bytes = 0; bytes < 70; bytes++) {
                    printf("%u\\n", (unsigned)qe_hash(data + at, bytes));
                }
            }
            printf("%u\\n", (unsigned)qe_hash(data, (uint32_t)n));
            return 0;
        }
        """
    )
    data = np.random.default_rng(1).integers(0, 256, 4001).astype(np.uint8)
    want = [
        int(hash32(data[np.newaxis, at : at + size])[0]) for at in range(9) for size in range(70)
    ]
    want.append(int(hash32(data[np.newaxis])[0]))
    for name, flags in (("little", []), ("any", ["-U__BYTE_ORDER__"])):
        subprocess.run(
            [
                "gcc",
                *STRICT,
                "-Wno-builtin-macro-redefined",
                *SANITIZE,
                *flags,
                *INCLUDES,
                main,
                RUNTIME / "qe_hash.c",
                "-o",
                tmp_path / name,
            ],
            check=True,
        )
        done = subprocess.run([tmp_path / name], input=data.tobytes(), capture_output=True)
        assert list(map(int, done.stdout.split())) == want
