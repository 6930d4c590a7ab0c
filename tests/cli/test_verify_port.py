"""verify --port: a board that somebody else flashed, found by the hash it reports."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from qembed import container
from qembed.boards import load_board
from qembed.device import session
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.export.firmware import export_firmware


@pytest.fixture(scope="module")
def firmware():
    import shutil

    if not (shutil.which("gcc") and shutil.which("make")):
        pytest.skip("not installed: gcc, make")
    from qembed.resources import PACKAGE

    graph = container.load(PACKAGE / "data" / "digits.npz")
    with tempfile.TemporaryDirectory() as folder:
        project = export_firmware([graph], load_board("native"), Path(folder) / "firmware")
        yield build_firmware(project, build_dir=Path(folder) / "build")


@pytest.fixture
def port(firmware):
    with boot(firmware) as running:
        yield running.port_url


def test_the_board_is_asked_which_model_it_runs(qembed, digits, port):
    unknown = qembed("verify", "--port", port)
    assert unknown.status == 3
    assert "was not exported on this computer" in unknown.sentence
    assert qembed("export", digits, "--board", "native").status == 0
    result = qembed("verify", "--port", port, "--samples", "20", "--json")
    assert result.status == 0
    (report,) = result.document["reports"]
    assert (report["model"], report["samples"], report["verdict"]) == ("digits", 20, "equal")


def test_a_port_stays_usable(qembed, digits, port):
    qembed("export", digits, "--board", "native")
    for _ in range(3):
        assert qembed("verify", "--port", port, "--samples", "3").status == 0


def test_an_export_from_elsewhere(qembed, digits, port, tmp_path):
    nothing = qembed("verify", digits, "--port", port)
    assert nothing.status == 3 and "--export" in nothing.sentence
    qembed("export", digits, "--target", "native", "-o", "out")
    manifest = tmp_path / "out/digits.json"
    document = json.loads(manifest.read_text())
    result = qembed("verify", digits, "--port", port, "--export", manifest, "--samples", "5")
    assert result.status == 0, result.stderr
    document["hash"] = "0" * 64
    for content in (json.dumps(document), "[]", "{", "[" * 100_000):
        manifest.write_text(content)
        result = qembed("verify", digits, "--port", port, "--export", manifest)
        assert result.status == 3 and "is not the .json of an export" in result.sentence
    assert "no such file" in qembed("verify", digits, "--port", port, "--export", "x.json").sentence


def test_several_boards_at_once(qembed, digits, firmware):
    qembed("export", digits, "--board", "native")
    with boot(firmware) as one, boot(firmware) as other:
        result = qembed(
            "verify", "--port", one.port_url, "--port", other.port_url, "--samples", "9", "--json"
        )
    assert result.status == 0
    assert [r["port"] for r in result.document["reports"]] == [one.port_url, other.port_url]
    assert all(r["samples"] == 9 and r["verdict"] == "equal" for r in result.document["reports"])


def test_corners_and_reports(qembed, digits, port, tmp_path):
    qembed("export", digits, "--board", "native")
    result = qembed(
        "verify", "--port", port, "--vectors", "all", "--samples", "20",
        "--junit", "r.xml", "--html", "r.html",
    )  # fmt: skip
    assert result.status == 0
    suite = ElementTree.parse(tmp_path / "r.xml").getroot().find("testsuite")
    assert suite.get("tests") == "10" and suite.get("failures") == "0"
    page = (tmp_path / "r.html").read_text()
    for words in ("Equal in every byte", "depthwise_conv", "upper clamp", "nanoseconds", "<svg"):
        assert words in page


@contextlib.contextmanager
def terminal(answer=b""):
    """A port behind which nobody, or somebody else, speaks."""
    master, slave = pty.openpty()
    try:
        os.write(master, answer)
        yield os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("chatter", [b"", b"U-Boot 2024.01\r\n=> " * 20, bytes(range(256)) * 4])
def test_a_port_without_our_firmware(chatter, qembed, digits, monkeypatch):
    monkeypatch.setattr(session, "HELLO_TIMEOUT", 0.5)
    with terminal(chatter) as port:
        result = qembed("verify", digits, "--port", port)
    assert result.status == 3
    assert port in result.sentence


@pytest.mark.parametrize("port", ["/dev/ttyNONE7", "socket://127.0.0.1:1", "nonsense://x", "."])
def test_ports_that_cannot_be_opened(port, qembed, digits):
    result = qembed("verify", digits, "--port", port)
    assert result.status == 3
    assert port in result.sentence


def test_a_busy_port(qembed, digits, port):
    from qembed.device.transport import open_port

    with contextlib.closing(open_port(port)):
        result = qembed("verify", digits, "--port", port)
    assert result.status == 3 and port in result.sentence


def test_either_a_port_or_a_board(qembed, digits):
    for arguments in ((), ("--port", "x", "--board", "native")):
        result = qembed("verify", digits, *arguments)
        assert result.status == 2 and "either --port PORT or --board BOARD" in result.sentence


def test_a_recording_is_judged_again_without_the_board(qembed, digits, firmware, tmp_path):
    qembed("export", digits, "--board", "native")
    with boot(firmware) as running:
        verified = qembed(
            "verify",
            "--port",
            running.port_url,
            "--samples",
            "12",
            "--record",
            "said.journal",
            "--json",
        )
    for arguments in ((), (digits,)):
        replayed = qembed("replay", "said.journal", *arguments, "--json", "--html", "again.html")
        assert replayed.status == 0
        (before,), (after,) = verified.document["reports"], replayed.document["reports"]
        for name in ("verdict", "samples", "layers", "layer_bytes", "cost", "hash", "agreement"):
            assert before[name] == after[name], name
    assert "recorded in said.journal" in qembed("replay", "said.journal").stdout
    assert "Equal in every byte" in (tmp_path / "again.html").read_text()


def test_recordings_that_cannot_be_judged(qembed, digits, port, tmp_path):
    qembed("verify", digits, "--board", "native", "--samples", "3", "--record", "said.journal")
    unknown = qembed("replay", "said.journal")
    assert unknown.status == 3 and "was not exported on this computer" in unknown.sentence
    raw = (tmp_path / "said.journal").read_bytes()
    (tmp_path / "cut.journal").write_bytes(raw[:5])
    (tmp_path / "other.journal").write_bytes(b"something else")
    for name in ("cut.journal", "other.journal", "absent.journal"):
        result = qembed("replay", name, digits)
        assert result.status == 3 and name in result.sentence
    assert qembed("verify", digits, "--board", "native", "--record", "no/such/file").status == 3
    several = qembed("verify", "--port", "a", "--port", "b", "--record", "x")
    assert several.status == 2 and "--record goes with one board" in several.sentence


def test_a_run_goes_on_where_it_was_interrupted(qembed, digits, port, tmp_path):
    qembed("export", digits, "--board", "native")
    few = ("verify", "--port", port, "--samples", "5", "--record", "said.journal")
    assert qembed(*few).status == 0
    size = (tmp_path / "said.journal").stat().st_size
    more = qembed(*few[:4], "20", *few[5:], "--resume", "--json")
    assert more.status == 0 and more.document["reports"][0]["samples"] == 20
    assert (tmp_path / "said.journal").stat().st_size > 3 * size
    other = qembed(*few, "--resume", "--vectors", "random")
    assert other.status == 3 and "other samples" in other.sentence
    fresh = qembed(*few, "--vectors", "random")
    assert fresh.status == 0
    by_default = qembed("verify", "--port", port, "--samples", "6", "--json")
    assert by_default.status == 0
    again = qembed("verify", "--port", port, "--samples", "9", "--resume", "--json")
    assert again.document["reports"][0]["samples"] == 9


def test_interrupting_keeps_the_journal_and_frees_the_port(qembed, digits, port, tmp_path):
    (quantized,) = container.load(digits).samples.inputs
    np.save(tmp_path / "many.npy", np.concatenate([quantized] * 30))
    qembed("export", digits, "--board", "native")
    arguments = ["verify", "--port", port, "-i", "many.npy", "--record", "said.journal"]
    command = [sys.executable, "-m", "qembed", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        journal = tmp_path / "said.journal"
        while time.monotonic() < deadline and not (
            journal.exists() and journal.stat().st_size > 1e5
        ):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert "--resume goes on from here" in process.stderr.read()
    result = qembed(*arguments, "--resume", "--json")
    assert result.status == 0
    assert result.document["reports"][0]["samples"] == 15_000
    assert result.document["reports"][0]["line"]["sent_frames"] < 17_000
