"""What the device C promises beyond its bytes: quiet compilers, no hidden calls, small stacks."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "firmware_templates"
INCLUDE = TEMPLATES / "kernels/include"
PORTABLE = sorted((TEMPLATES / "kernels/src/portable").glob("*.c"))
SOURCES = sorted([*(TEMPLATES / "kernels/src").rglob("*.c"), *(TEMPLATES / "runtime").glob("*.c")])

STRICT = (
    *("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion"),
    *("-Wshadow", "-Wcast-qual", "-Wstrict-prototypes", "-Wundef", "-Werror"),
)
ARM = ("arm-none-eabi-gcc", "-mthumb")
COMPILERS = {
    "gcc": ("gcc",),
    "clang": ("clang",),
    "cortex-m0": (*ARM, "-mcpu=cortex-m0"),
    "cortex-m4": (*ARM, "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
}
RUN_ON = {
    "cortex-m0": ("portable", "compact", "m0", "runtime"),
    "cortex-m4": ("portable", "compact", "dsp", "runtime"),
}
LEVELS = {"gcc": ("-O2", "-Os"), "clang": ("-O2",), "cortex-m0": ("-O2",), "cortex-m4": ("-O2",)}

# What a kernel may call besides other kernels. A compiler may write these in for a loop.
MEMORY = {"memcpy", "memmove", "memset"}
# Library calls of a Cortex-M0, which has no division, no long multiply and no floats, and where
# they are: never in the innermost loop of a layer.
ON_CORTEX_M0 = {
    "portable/qe_average_pool": {"__aeabi_idiv"},  # once per output
    "portable/qe_fixedpoint": {"__aeabi_lmul"},  # the rare roundings
    "portable/qe_quantize": {"__aeabi_f2iz", "__aeabi_fcmpge", "__aeabi_fcmple", "__aeabi_fdiv"}
    | {"__aeabi_fsub", "__aeabi_i2f"},
    "portable/qe_dequantize": {"__aeabi_fmul", "__aeabi_l2f"},
    "portable/qe_resize_bilinear": {"__aeabi_lmul"},  # int16 alone, once per output
    "portable/qe_transpose_conv": {"__aeabi_idivmod"},  # once per pixel
    "m0/qe_average_pool": {"__aeabi_idiv"},  # once per output
    "m0/qe_depthwise_conv": {"__aeabi_idiv", "__aeabi_idivmod"},  # once per row
    "compact/qe_average_pool": {"__aeabi_idiv"},  # once per output
}
ON_CORTEX_M4 = {"portable/qe_dequantize": {"__aeabi_l2f"}}
DIVISION_OF_64_BITS = r"__aeabi_u?ldivmod|__u?divdi3"
MAX_FRAME = 288  # bytes of stack of one function


def compile_all(folder, compiler, sources, *flags):
    """Compile into `folder`, one object a source; variants of a file get folders of their own."""
    if shutil.which(COMPILERS[compiler][0]) is None:
        pytest.skip(f"{COMPILERS[compiler][0]} is not installed")
    by_folder = {}
    for source in sources:
        by_folder.setdefault(source.parent, []).append(source)
    for parent, members in by_folder.items():
        place = folder / parent.name
        place.mkdir()
        includes = (f"-I{INCLUDE}", f"-I{TEMPLATES / 'runtime'}")
        command = [*COMPILERS[compiler], *STRICT, *flags, *includes, "-c", *map(str, members)]
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=300, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    return sorted(folder.rglob("*.o"))


@pytest.mark.parametrize(
    ("compiler", "level"), [(c, level) for c, levels in LEVELS.items() for level in levels]
)
def test_compiles_quietly(compiler, level, tmp_path):
    objects = compile_all(tmp_path, compiler, SOURCES, level)
    assert len(objects) == len(SOURCES)


@pytest.fixture(scope="module", params=["cortex-m0", "cortex-m4"])
def arm(request, tmp_path_factory):
    """Core and objects of what runs on it, with the compiler's report on stacks beside them."""
    folder = tmp_path_factory.mktemp(request.param)
    flags = ("-O2", "-ffunction-sections", "-fstack-usage")
    sources = [path for path in SOURCES if path.parent.name in RUN_ON[request.param]]
    return request.param, compile_all(folder, request.param, sources, *flags)


def symbols(objects):
    """(object, type letter, name) of every symbol."""
    for path in objects:
        command = ["arm-none-eabi-nm", "-P", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        for line in done.stdout.splitlines():
            name, kind, *_ = line.split()
            yield path, kind, name


def is_kernel(path):
    return path.parent.name != "runtime"


def test_kernels_own_no_memory(arm):
    """No variable that can be written: any number of models may run in any number of threads."""
    _, objects = arm
    writable = [
        (path.name, name)
        for path, kind, name in symbols(objects)
        if kind in "dDbBcC" and is_kernel(path)
    ]
    assert writable == []


def test_kernels_call_nothing_unexpected(arm):
    """No heap, no printing, and no library arithmetic but where it is stated above."""
    core, objects = arm
    stated = ON_CORTEX_M0 if core == "cortex-m0" else ON_CORTEX_M4
    called = {}
    for path, kind, name in symbols(objects):
        if kind == "U" and is_kernel(path) and not name.startswith("qe_") and name not in MEMORY:
            called.setdefault(f"{path.parent.name}/{path.stem}", set()).add(name)
    assert called == stated


def test_nothing_divides_64_bits(arm):
    """Neither kernels nor link; MLPerf's protocol converts a time to text, once an inference."""
    _, objects = arm
    divides = {p.name for p, _, n in symbols(objects) if re.fullmatch(DIVISION_OF_64_BITS, n)}
    assert divides <= {"qe_mlperf.o"}


def test_stack_of_every_function_is_bounded(arm):
    _, objects = arm
    lines = [line for path in objects for line in path.with_suffix(".su").read_text().splitlines()]
    frames = [line.rsplit("\t", 2) for line in lines]
    assert len(frames) > len(objects)
    assert [where for where, _, kind in frames if kind != "static"] == []
    assert [(where, size) for where, size, _ in frames if int(size) > MAX_FRAME] == []


def test_cppcheck_is_quiet():
    if shutil.which("cppcheck") is None:
        pytest.skip("cppcheck is not installed")
    command = ["cppcheck", "--quiet", "--error-exitcode=1", "--std=c99", "--inline-suppr"]
    checks = "--enable=warning,performance,portability"
    files = [str(path) for path in PORTABLE]
    done = subprocess.run(
        [*command, checks, f"-I{INCLUDE}", *files],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


HEADERS = sorted(path.name for path in INCLUDE.glob("*.h"))


@pytest.mark.parametrize(("suffix", "compiler"), [(".c", "gcc"), (".cpp", "g++")])
def test_headers_stand_alone_and_together(suffix, compiler, tmp_path):
    """Each can be included first and twice; all of them into one file, whatever a model needs."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    for number, names in enumerate([*([name, name] for name in HEADERS), HEADERS]):
        probe = tmp_path / f"probe{number}{suffix}"
        probe.write_text("".join(f'#include "{name}"\n' for name in names))
    command = [compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{INCLUDE}"]
    probes = map(str, tmp_path.iterdir())
    done = subprocess.run(
        [*command, *probes], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
