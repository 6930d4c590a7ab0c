"""verify over cables: rates, plugs that are pulled, hours, interruptions, others' firmware."""

import contextlib
import dataclasses
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from qembed import container
from qembed.device import session
from qembed.device.build import build_firmware
from qembed.device.elf import read_elf
from qembed.device.emulator import boot
from qembed.export.firmware import export_firmware
from qembed.resources import PACKAGE
from support.link_board import Board, compile_link
from support.toy import need
from support.wire import Cable


@pytest.fixture(scope="module")
def firmware():
    board = need("native")
    graph = container.load(PACKAGE / "data" / "digits.npz")
    with tempfile.TemporaryDirectory() as folder:
        project = export_firmware([graph], board, Path(folder) / "firmware")
        yield build_firmware(project, build_dir=Path(folder) / "build")


@pytest.fixture
def port(firmware, qembed, digits):
    """A board whose export is known here."""
    assert qembed("export", digits, "--board", "native").status == 0
    with boot(firmware) as running:
        yield running.port_url


@pytest.mark.parametrize("bauds", ["auto", "57600,230400"])
def test_the_rate_is_found(bauds, qembed, port, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "PROBE_SECONDS", 0.2)
    with Cable(port, tmp_path / "tty", baud=230_400) as cable:
        result = qembed("verify", "--port", cable.link, "--baud", bauds, "--samples", "3")
    assert result.status == 0, result.stderr
    assert 230_400 in cable.tried and len(cable.tried) > 1


def test_a_wrong_rate_says_what_was_tried(qembed, port, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(session, "HELLO_TIMEOUT", 0.3)
    with Cable(port, tmp_path / "tty", baud=9_600) as cable:
        one = qembed("verify", "--port", cable.link, "--baud", "115200")
        several = qembed("verify", "--port", cable.link, "--baud", "115200,57600")
    assert one.status == 3 and "115200 baud" in one.sentence and "--baud auto" in one.sentence
    assert several.status == 3 and "at any of 115200, 57600 baud" in several.sentence


@pytest.mark.parametrize("bauds", ["", "fast", "115200,", "0", "-9600", "١١٥٢٠٠", "9" * 5000])
def test_rates_that_are_none(bauds, qembed):
    result = qembed("verify", "--port", "x", "--baud", bauds)
    assert result.status == 2 and "neither auto nor rates" in result.sentence


def test_hours_of_samples_with_the_plug_pulled(qembed, port, tmp_path):
    """A fraction of an hour; the board is unplugged in the middle and plugged in again."""

    def disturb():
        time.sleep(1)
        cable.unplug()
        time.sleep(0.5)
        cable.plug_in()

    with Cable(port, tmp_path / "tty") as cable:
        hand = threading.Thread(target=disturb)
        hand.start()
        result = qembed(
            "verify", "--port", cable.link, "--soak", str(5 / 3600), "--samples", "50",
            "--record", "said.journal", "--json",
        )  # fmt: skip
        hand.join()
    assert result.status == 0, result.stderr
    (report,) = result.document["reports"]
    assert report["verdict"] == "equal"
    assert report["passes"] > 1 and report["samples"] >= 50 * report["passes"]
    assert report["line"]["reconnects"] == 1
    assert report["cost"]["least"] <= report["cost"]["quantiles"][5] <= report["cost"]["most"]
    replayed = qembed("replay", "said.journal", "--json")
    assert replayed.status == 0 and replayed.document["reports"][0]["samples"] == 50


def test_soak_on_a_board_of_this_computer_and_what_it_goes_without(qembed, digits, port):
    result = qembed("verify", digits, "--board", "native", "--samples", "5", "--soak", "0.0002")
    assert result.status == 0 and " passes, 10 layers" in result.stdout
    both = qembed("verify", "--port", "x", "--soak", "1", "--stress")
    assert both.status == 2 and "--soak" in both.sentence
    assert qembed("verify", "--port", "x", "--soak", "0").status == 2


def test_progress_of_a_long_run_is_said_without_a_terminal(qembed, port, monkeypatch):
    monkeypatch.setattr("qembed.cli._verification.SAY_AFTER", 0.1)
    result = qembed("verify", "--port", port, "--samples", "5", "--soak", "0.0002")
    line = result.stderr.splitlines()[0]
    assert "of 0.00 h: " in line and "samples, 0 different, 0 resets, 0 reconnects" in line


def test_ctrl_c_leaves_the_terminal_as_it_was(port, qembed):
    """On a terminal of its own: the cursor is shown again, the port can be opened at once."""
    command = [sys.executable, "-m", "qembed", "verify", "--port", port, "--soak", "1"]
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        shown = b""
        while b"passes" not in shown:
            assert select.select([master], [], [], 60)[0]
            shown += os.read(master, 4096)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # a terminal that everybody has left
            while more := os.read(master, 4096):
                shown += more
        assert process.wait(timeout=30) == 130
    os.close(master)
    assert shown.count(b"\x1b[?25h") >= shown.count(b"\x1b[?25l") > 0
    assert b"--resume goes on from here" in shown and b"Traceback" not in shown
    assert qembed("verify", "--port", port, "--resume").status == 0


@pytest.mark.parametrize(
    "script",
    [
        "while read -r -d % c; do printf 'e-[Unknown command: %s]\\r\\nm-ready\\r\\n' x; done",
        "while read -r c; do echo 'OK'; done",
        "printf '\\300\\001\\002\\300'; cat >/dev/null",
    ],
)
def test_the_firmware_of_another_tool(script, qembed, digits, monkeypatch):
    monkeypatch.setattr(session, "HELLO_TIMEOUT", 0.5)
    master, slave = pty.openpty()
    with subprocess.Popen(["bash", "-c", script], stdin=master, stdout=master) as process:
        result = qembed("verify", digits, "--port", os.ttyname(slave))
        process.kill()
    os.close(master)
    os.close(slave)
    assert result.status == 3 and "qembed" in result.sentence


def test_several_models_on_one_board(qembed, digits, tmp_path):
    """One firmware, one port; each model is found by its hash, its layers by its export."""
    graph = container.load(digits)
    front = dataclasses.replace(graph, name="front", nodes=graph.nodes[:4], outputs=(4,))
    container.save(front, tmp_path / "front.npz")
    for model in (digits, "front.npz"):
        assert qembed("export", model, "--board", "native").status == 0
    project = export_firmware([graph, front], need("native"), tmp_path / "both")
    with boot(build_firmware(project)) as running:
        unsaid = qembed("verify", "--port", running.port_url)
        assert unsaid.status == 3 and "holds 2 models ('digits', 'front')" in unsaid.sentence
        for model, layers in ((digits, 10), ("front.npz", 4), (digits, 10)):
            result = qembed("verify", model, "--port", running.port_url, "--samples", "4", "--json")
            (report,) = result.document["reports"]
            assert (report["verdict"], len(report["layers"])) == ("equal", layers)


def test_a_firmware_of_an_older_version(qembed, digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("old")
    with Board(compile_link(folder / "old", "-DQE_LINK_VERSION=1")) as board:
        result = qembed("verify", digits, "--port", board.url)
    assert result.status == 3
    assert "version 1 of the link, this qembed version 2" in result.sentence


def test_a_wrong_byte_of_flash_is_told_with_its_address(qembed, digits, firmware, tmp_path):
    """A bit of a weight is flipped in the linked file."""
    qembed("export", digits, "--board", "native")
    elf = read_elf(firmware.elf)
    (symbol,) = [s for s in elf.symbols if s.name == "digits_5_conv_weights"]
    section = elf.sections[symbol.section]
    raw = bytearray(firmware.elf.read_bytes())
    at = symbol.address + 77
    raw[section.offset + at - section.address] ^= 0x20
    bad = tmp_path / "bad.elf"
    bad.write_bytes(raw)
    bad.chmod(0o755)
    with Board(bad) as board:
        result = qembed("verify", "--port", board.url, "--elf", bad, "--json")
        text = qembed("verify", "--port", board.url, "--elf", bad).stdout
        nothing = qembed("verify", "--port", board.url, "--elf", digits)
    assert result.status == 1
    first = result.document["reports"][0]["first"]
    assert first["name"] == "wide2"
    (site,) = first["causes"][0]["sites"]
    assert site == {"symbol": "digits_5_conv_weights", "offset": 77, "address": at}
    assert f"{at:#010x}, digits_5_conv_weights + 77" in text
    assert nothing.status == 3 and "not an intact ELF file" in nothing.sentence
    assert json.dumps(first)
