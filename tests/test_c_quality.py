"""What the device C promises beyond its bytes: quiet compilers, no hidden calls, small stacks."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qembed.targets import LEVELS as LEVELS_OF_TARGETS
from qembed.targets import list_targets, load_target

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
    "cortex-m55": (*ARM, "-mcpu=cortex-m55", "-mfloat-abi=hard"),
}
RUN_ON = {
    "cortex-m0": ("portable", "compact", "m0", "runtime"),
    "cortex-m4": ("portable", "compact", "dsp", "runtime"),
    "cortex-m55": ("mve",),
}
LEVELS = {
    "gcc": ("-O2", "-Os"),
    "clang": ("-O2",),
    "cortex-m0": ("-O2",),
    "cortex-m4": ("-O2",),
    "cortex-m55": ("-O2", "-Os"),  # its asm statements take nearly all registers at any level
}

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
    "portable/qe_conv_integer": {"__aeabi_idiv"},  # once per output
    "portable/qe_row_sums": {"__aeabi_idiv", "__aeabi_lmul"},  # once per output, once per layer
    "portable/qe_dynamic_quantize": {"__aeabi_f2iz", "__aeabi_fadd", "__aeabi_fcmpeq"}
    | {"__aeabi_fcmpgt", "__aeabi_fcmplt", "__aeabi_fdiv", "__aeabi_fsub", "__aeabi_i2f"},
    "m0/qe_average_pool": {"__aeabi_idiv"},  # once per output
    "m0/qe_depthwise_conv": {"__aeabi_idiv", "__aeabi_idivmod"},  # once per row
    "compact/qe_average_pool": {"__aeabi_idiv"},  # once per output
}
RARE_LIBRARY_CALLS = {
    "portable/qe_fixedpoint": {"__aeabi_lmul"},
    "portable/qe_resize_bilinear": {"__aeabi_lmul"},
    "portable/qe_row_sums": {"__aeabi_lmul"},
}
"""Of a Cortex-M0: as above."""
ON_CORTEX_M4 = {"portable/qe_dequantize": {"__aeabi_l2f"}}
DIVISION_OF_64_BITS = r"__aeabi_u?ldivmod|__u?(div|mod|divmod)di[34]"
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


@pytest.fixture(scope="module", params=list(RUN_ON))
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
    stated = {"cortex-m0": ON_CORTEX_M0, "cortex-m4": ON_CORTEX_M4}.get(core, {})
    called = {}
    for path, kind, name in symbols(objects):
        if kind == "U" and is_kernel(path) and not name.startswith("qe_") and name not in MEMORY:
            called.setdefault(f"{path.parent.name}/{path.stem}", set()).add(name)
    assert called == stated


# What any target's own compiler may call: float kernels, and divisions once per pixel or output.
FLOATS = {"qe_quantize", "qe_dequantize", "qe_dynamic_quantize"}
DIVIDING = {"qe_average_pool", "qe_conv_integer", "qe_row_sums", "qe_transpose_conv"} | {
    "qe_depthwise_conv"  # of the Cortex-M0: once per row
}
ARITHMETIC = r"__(aeabi_[a-z0-9]+|[a-z]*(add|sub|mul|div|mod|shl|shr|ashl|ashr|float|fix|cmp)\w*)"
LIBRARY_OF_32_BITS = {"avr"}
"""Cores of 8 bits multiply, add and compare 32 bits by library; they too never divide 64."""
MAX_FRAME_ANYWHERE = 448
STACK_REPORT = "-fstack-usage"


def kernels_of(name):
    """Kernels that a target's levels may choose from."""
    variants = {v for level in LEVELS_OF_TARGETS for v in load_target(name, level).variants}
    folders = {variant.partition("_")[0] for variant in variants}
    return [path for path in SOURCES if path.parent.name in folders]


def built(target, folder):
    """What a target's own compiler makes of its kernels, with its own flags."""
    has_report = not target.compiler.startswith("clang")
    # Where there is no C library the boards bring the few functions that a kernel may call.
    more = (STACK_REPORT,) if has_report else (f"-I{TEMPLATES / 'boards/_common'}",)
    objects = []
    for source in kernels_of(target.name):
        objects.append(folder / f"{source.parent.name}-{source.stem}.o")
        command = [target.cc, "-std=c99", *target.cflags, *more, f"-I{INCLUDE}", "-c", source]
        subprocess.run([*command, "-o", objects[-1]], timeout=120, check=True)
    return objects


def undefined(target, path):
    """Names that an object file needs from elsewhere."""
    nm = shutil.which(f"{target.toolchain}nm") or "nm"
    done = subprocess.run([nm, "-P", "-u", path], capture_output=True, text=True, timeout=60)
    return {line.split()[0] for line in done.stdout.splitlines()}


def check_calls(target, path):
    """No arithmetic by library, but where it is stated above."""
    stem = path.stem.partition("-")[2]
    called = {name for name in undefined(target, path) if re.fullmatch(ARITHMETIC, name)}
    assert not {name for name in called if re.fullmatch(DIVISION_OF_64_BITS, name)}, path.name
    if target.name in LIBRARY_OF_32_BITS or stem in FLOATS:
        return
    divides = {name for name in called if "div" in name}
    assert not divides or stem in DIVIDING, f"{path.name}: {divides}"
    rare = RARE_LIBRARY_CALLS.get(path.stem.replace("-", "/"), set())
    assert called - divides <= rare, f"{path.name}: {called - divides}"


def check_stack(path):
    """Every function has a bound, from the compiler's own report."""
    for line in path.with_suffix(".su").read_text().splitlines():
        where, size, kind = line.rsplit("\t", 2)
        assert kind in ("static", "dynamic,bounded"), where
        assert int(size) <= MAX_FRAME_ANYWHERE, where


@pytest.mark.parametrize("name", list_targets())
def test_no_target_computes_by_library_in_an_inner_loop(name, tmp_path):
    """And the stack of every kernel is bounded, if the compiler tells."""
    target = load_target(name)
    if shutil.which(target.cc) is None:
        pytest.skip(f"{target.cc} is not installed")
    objects = built(target, tmp_path)
    assert len(objects) > 40
    for path in objects:
        check_calls(target, path)
        if not target.compiler.startswith("clang"):
            check_stack(path)


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
