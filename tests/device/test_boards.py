import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from qembed.boards import list_boards, load_board
from qembed.device.build import build_firmware
from qembed.device.counts import boot_counting, count_instructions
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.errors import DeviceError, QembedError, ToolError
from qembed.resources import firmware_templates
from support.toy import toy_output, toy_project

INPUT = bytes(range(120, 128))
BOARDS = ("native", "mps2-an386")
NATIVE = firmware_templates() / "boards" / "native"
COUNTED = tuple(b for b in list_boards() if load_board(b).emulator.plugin_option)

OVERFLOW_CYCLES = 41
"""Of the interrupt that widens the AVR's counter."""

STRICT = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Wcast-qual",
    "-Wstrict-prototypes",
    "-Wundef",
    "-Werror",
]


def build(board, folder, *prefixes, extra_cflags=()):
    """Build for a board; all that is ours passes every compiler without a warning."""
    project = toy_project(board, folder / "src", *prefixes)
    return build_firmware(project, extra_cflags=[*STRICT, *extra_cflags])


def infer(url, data=INPUT, model=0):
    port = open_port(url)
    try:
        (seen,) = Session(port).infer_many(model, [data], ticks=True)
        return seen.record
    finally:
        port.close()


# ---- the descriptions --------------------------------------------------------------------------


def test_every_board_loads_and_says_what_it_is():
    assert set(BOARDS) <= set(list_boards())
    for name in list_boards():
        board = load_board(name)
        assert board.name == name
        assert board.description
        assert {path.suffix for path in board.files} >= {".c"}


def test_an_unknown_board_names_the_nearest():
    with pytest.raises(QembedError, match=r"no board 'mps2-an368'; did you mean .*mps2-an386"):
        load_board("mps2-an368")


def test_a_folder_of_ones_own_is_a_board(tmp_path):
    own = tmp_path / "mine"
    shutil.copytree(NATIVE, own)
    board = load_board(str(own))
    assert (board.name, board.files) == ("mine", load_board("native").files)
    with pytest.raises(QembedError, match=r"holds no board\.toml"):
        load_board(str(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('target = "native"', "", "target must be of type str, it is missing"),
        ('target = "native"', "target = 3", "target must be of type str, it is int"),
        ("per_tick = [1, 1]", "per_tick = [1, 0]", "not a pair of positive integers"),
        ("window_bytes = 4096", "window_bytes = -1", "link.window_bytes is negative"),
        ("[link]", "speed = 9\n[link]", "unknown key 'emulator.speed'"),
        ("[link]", "[link", "line "),
        ('shared = ["posix_port.c"]', 'shared = ["x.c"]', "'x.c' is not in"),
        ('target = "native"', 'target = "native"\nlinker_script = "x"', "no linker script 'x'"),
        ('command = ["{elf}"]', "command = []", "emulator.command is empty"),
        ('command = ["{elf}"]', "command = [1]", "emulator.command must be a list of strings"),
    ],
)
def test_a_wrong_description_is_refused_with_file_and_key(tmp_path, old, new, complaint):
    own = tmp_path / "mine"
    shutil.copytree(NATIVE, own)
    text = (own / "board.toml").read_text()
    assert old in text
    (own / "board.toml").write_text(text.replace(old, new))
    with pytest.raises(QembedError) as caught:
        load_board(str(own))
    assert complaint in str(caught.value)
    assert "board.toml" in str(caught.value)


# ---- building ----------------------------------------------------------------------------------


@pytest.mark.parametrize("board", [*BOARDS, "atmega2560"])
def test_sizes_are_those_of_the_linked_file(board, tmp_path):
    firmware = build(board, tmp_path)
    sizes = firmware.sizes
    assert sizes.weights == 8
    assert sizes.arena == 16 + 32
    assert sizes.ram >= sizes.arena
    assert sizes.flash == sizes.code + sizes.weights
    assert board == "atmega2560" or 0 < sizes.stack < 256  # its compiler is too old to tell
    if board != "native":
        image = tmp_path / "image.bin"
        objcopy = f"{firmware.board.target.toolchain}objcopy"
        command = [objcopy, "-O", "binary", firmware.elf, image]
        subprocess.run(command, check=True)
        assert abs(image.stat().st_size - sizes.flash) < 8  # padding between sections


def test_what_was_built_once_is_not_built_again(tmp_path):
    first = build("native", tmp_path)
    changed = first.elf.stat().st_mtime_ns
    again = build("native", tmp_path / "elsewhere")
    assert again.elf == first.elf
    assert again.elf.stat().st_mtime_ns == changed
    other = build("native", tmp_path, extra_cflags=["-DOTHER"])
    assert other.elf != first.elf


@pytest.mark.parametrize("board", BOARDS)
def test_the_same_sources_give_the_same_bytes_anywhere(board, tmp_path):
    first, second = (
        build_firmware(toy_project(board, tmp_path / name), build_dir=tmp_path / f"{name}.out").elf
        for name in ("here", "there")
    )
    assert first.read_bytes() == second.read_bytes()


def test_a_damaged_cache_is_built_again(tmp_path):
    elf = build("native", tmp_path).elf
    intact = elf.read_bytes()
    elf.write_bytes(intact[: len(intact) // 2])
    assert build("native", tmp_path).elf.read_bytes() == intact


@pytest.mark.parametrize("board", BOARDS)
def test_a_missing_compiler_comes_with_its_package(board, tmp_path, monkeypatch):
    project = toy_project(board, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(
        ToolError, match=r"gcc'.*is not installed; install it with: apt-get install "
    ):
        build_firmware(project)


def test_an_error_of_the_compiler_is_told_in_one_line(tmp_path):
    project = toy_project("native", tmp_path / "src")
    (project.folder / "model" / "toy.c").write_text("int x = y;\n")
    with pytest.raises(ToolError, match=r"failed: model/toy\.c:1:9: error: .*y") as caught:
        build_firmware(project, build_dir=tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ram_bytes": 1024}, r"'mps2-an386': it needs \d{4} bytes of RAM, the board has 1024"),
        ({"ram_bytes": 4096}, "its data leave less than 4096 of 4096 bytes of RAM for the stack"),
        ({"flash_bytes": 2048}, r"'mps2-an386': it needs \d{4} bytes of FLASH, the board has 2048"),
    ],
)
def test_a_firmware_larger_than_the_board_does_not_link(tmp_path, change, complaint):
    board = load_board("mps2-an386")
    small = dataclasses.replace(board, memory=dataclasses.replace(board.memory, **change))
    with pytest.raises(ToolError, match=complaint):
        build(small, tmp_path)


def test_an_export_costs_no_file_of_ones_own(tmp_path):
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    with pytest.raises(QembedError, match=r"holds 'notes\.txt', which no export wrote"):
        toy_project("native", tmp_path)
    assert mine.read_text() == "mine"
    project = toy_project("native", tmp_path / "src", "one")
    assert (project.folder / "model" / "one.c").is_file()
    project = toy_project("native", tmp_path / "src", "two")
    assert not (project.folder / "model" / "one.c").exists()


def test_two_models_of_one_name_are_refused(tmp_path):
    with pytest.raises(QembedError, match="different prefixes"):
        build("native", tmp_path, "toy", "toy")


# ---- running -----------------------------------------------------------------------------------


@pytest.mark.parametrize("board", list_boards())
def test_a_booted_board_answers_as_often_as_it_is_opened(board, tmp_path):
    with boot(build(board, tmp_path)) as running:
        for _ in range(2):
            assert infer(running.port_url).outputs == toy_output(INPUT)


@pytest.mark.parametrize("board", BOARDS)
def test_two_models_live_in_one_firmware(board, tmp_path):
    with boot(build(board, tmp_path, "one", "two")) as running:
        for model in (0, 1, 0):
            assert infer(running.port_url, model=model).outputs == toy_output(INPUT)


def test_the_native_board_runs_under_sanitizers(tmp_path):
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    with boot(build("native", tmp_path, extra_cflags=flags)) as running:
        assert infer(running.port_url).outputs == toy_output(INPUT)


@pytest.mark.parametrize(("board", "fate"), [("native", "SIGILL"), ("mps2-an386", "status 1")])
def test_a_crash_of_the_firmware_is_called_a_crash(board, fate, tmp_path):
    project = toy_project(board, tmp_path / "src")
    source = project.folder / "model" / "toy.c"
    trap = "if (arena[0] == 120) { __builtin_trap(); }\n    QE_LAYER_DONE(0,"
    source.write_text(source.read_text().replace("QE_LAYER_DONE(0,", trap, 1))
    firmware = build_firmware(project)
    with (
        pytest.raises(DeviceError, match=rf"'{board}' stopped running.*{fate}"),
        boot(firmware) as running,
    ):
        infer(running.port_url)


def test_a_missing_emulator_comes_with_its_package(tmp_path, monkeypatch):
    firmware = build("mps2-an386", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get install qemu-system-arm"), boot(firmware):
        pass


def test_a_board_without_emulator_asks_for_a_port(tmp_path):
    firmware = build("mps2-an386", tmp_path)
    bare = dataclasses.replace(firmware.board, emulator=None)
    with (
        pytest.raises(ToolError, match="--port"),
        boot(dataclasses.replace(firmware, board=bare)),
    ):
        pass


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("board", BOARDS)
def test_an_exception_ends_the_child(board, tmp_path):
    with pytest.raises(KeyboardInterrupt), boot(build(board, tmp_path)) as running:
        raise KeyboardInterrupt
    assert not alive(running.process.pid)


PARENT = """
import sys, time
from support.toy import toy_project
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from pathlib import Path
with boot(build_firmware(toy_project(sys.argv[1], Path(sys.argv[2])))) as running:
    print(running.process.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_never_outlives_us(board, end, tmp_path):
    build(board, tmp_path)
    paths = os.pathsep.join(str(Path(__file__).parents[n]) for n in (1, 2))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, board, str(tmp_path / "src")],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with parent:
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.send_signal(end)
        parent.wait(timeout=10)
        wait_until(lambda: not alive(child))


# ---- counting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("board", COUNTED)
def test_counts_are_exact_and_repeat(board, tmp_path):
    firmware = build(board, tmp_path)
    runs = []
    for _ in range(2):
        with boot_counting(firmware) as counting:
            record = infer(counting.running.port_url)
            counts = counting.take()[-1]
        runs.append(counts)
    assert runs[0] == runs[1]
    # Each layer's loop turns eight times: its body is the addresses that ran eight times, or seven
    # where one turn is peeled off. Clang unrolls it.
    for layer in counts.layers if firmware.board.target.compiler == "gcc" else ():
        body = [n for n in layer.executed.values() if n in (7, 8)]
        assert 2 <= len(body) <= 24
        assert layer.instructions - sum(body) < 32
        assert sorted(layer.taken.values())[-1] in (7, 8)  # the jump back
        assert 7 <= sum(layer.taken.values()) <= 12
    # The firmware's own counter sees the same, and the few instructions of reading it.
    counter = firmware.board.counter
    for ticks, exact in zip(record.layer_ticks, counts.per_layer, strict=True):
        if counter.unit == "instructions":
            assert exact <= round(ticks * counter.per_tick) <= exact + 60


def test_counting_in_folders_with_commas(tmp_path, monkeypatch):
    firmware = build("mps2-an386", tmp_path)
    odd = tmp_path / "a,b"
    odd.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(odd))
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    first, second = count_instructions(firmware, [INPUT, INPUT])
    assert first == second


@pytest.mark.parametrize(
    "board", [b for b in list_boards() if load_board(b).counter.unit in ("instructions", "cycles")]
)
def test_the_firmware_s_own_counter_repeats_exactly(board, tmp_path):
    firmware = build(board, tmp_path)
    seen = set()
    with boot(firmware) as running:
        for _ in range(5):
            ticks = infer(running.port_url).layer_ticks
            seen.add(tuple(round(t * firmware.board.counter.per_tick) for t in ticks))
    # A counter that an interrupt widens counts that interrupt, wherever it happens.
    own = OVERFLOW_CYCLES if firmware.board.counter.unit == "cycles" else 0
    for layer in zip(*seen, strict=True):
        assert {ticks - min(layer) for ticks in layer} <= {0, own}


def test_what_is_no_qemu_cannot_be_counted(tmp_path):
    with (
        pytest.raises(ToolError, match="cannot count instructions"),
        boot_counting(build("native", tmp_path)),
    ):
        pass


@pytest.mark.parametrize("board", [b for b in list_boards() if load_board(b).link.stack_low])
def test_the_stack_is_measured_where_the_linker_knows_its_end(board, tmp_path):
    """A call that keeps a kilobyte, or on the smallest boards less, is seen."""
    used = {}
    room = 200 if load_board(board).memory is None else 800
    for kept in (0, room):
        project = toy_project(board, tmp_path / f"src{kept}")
        source = project.folder / "model" / "toy.c"
        deep = f"volatile uint8_t kept[{kept + 1}]; kept[0] = kept[{kept}] = 1; (void)kept[0];"
        text = source.read_text()
        start = text.index("{", text.index("qe_status toy_invoke(void)")) + 1
        source.write_text(f"{text[:start]} {deep} {text[start:]}")
        with boot(build_firmware(project)) as running:
            used[kept] = infer(running.port_url).stack_bytes
    assert 0 < used[0] < 400
    assert room - 32 <= used[room] - used[0] <= room + 32
