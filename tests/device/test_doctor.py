"""What is missing is named, with the command that helps."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest

from qembed.boards import list_boards, load_board
from qembed.device import doctor
from qembed.device.transport import permission_remedy
from support.toy import need


def test_on_an_empty_computer_every_board_names_its_packages(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in list_boards():
        board = load_board(name)
        check = doctor.examine_board(board)
        assert not check.ok
        assert board.target.cc in check.detail
        assert check.remedy.startswith("apt-get install ")
        assert set(board.target.packages) < set(check.remedy.split())
        if board.emulator.package and not board.emulator.runner:
            assert board.emulator.package in check.remedy


def test_a_missing_library_of_a_simulator_is_seen(monkeypatch, tmp_path):
    board = need("atmega2560")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # nothing is compiled yet
    broken = dataclasses.replace(board.emulator, libraries=("no-such-library",))
    check = doctor.examine_board(dataclasses.replace(board, emulator=broken))
    assert (check.ok, check.remedy) == (False, "apt-get install libsimavr-dev")


def test_a_board_that_can_be_used_says_where_its_compiler_is():
    board = need("native")
    check = doctor.examine_board(board)
    assert check.ok
    assert not check.remedy
    assert board.target.cc in check.detail


@pytest.mark.parametrize("allowed", [True, False])
def test_a_port_that_one_may_not_open_names_its_group(allowed, monkeypatch, tmp_path):
    device = tmp_path / "ttyUSB7"
    device.touch()
    device.chmod(0o660)
    monkeypatch.setattr(Path, "group", lambda path: "dialout")
    port = SimpleNamespace(device=str(device), description="USB serial")
    monkeypatch.setattr(doctor.list_ports, "comports", lambda: [port])
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: allowed)
    (check,) = doctor.examine_ports()
    assert check.subject == f"port {device}"
    assert check.ok == allowed
    if not allowed:
        assert check.remedy == "sudo usermod -aG dialout $USER, then log in again"


@pytest.mark.parametrize(("group", "mode"), [("root", 0o660), ("plugdev", 0o600)])
def test_a_port_that_no_group_may_open_gets_a_rule(group, mode, monkeypatch, tmp_path):
    device = tmp_path / "ttyACM12"
    device.touch()
    device.chmod(mode)
    monkeypatch.setattr(Path, "group", lambda path: group)
    remedy = permission_remedy(str(device))
    assert remedy.startswith('echo \'KERNEL=="ttyACM[0-9]*", GROUP="dialout", MODE="0660"\' | ')
    assert "/etc/udev/rules.d/" in remedy and "udevadm trigger" in remedy
    assert remedy.endswith("sudo usermod -aG dialout $USER, then log in again")


def test_a_port_that_vanishes_is_reported(monkeypatch, tmp_path):
    port = SimpleNamespace(device=str(tmp_path / "gone"), description="")
    monkeypatch.setattr(doctor.list_ports, "comports", lambda: [port])
    (check,) = doctor.examine_ports()
    assert not check.ok


def test_no_port_is_no_fault(monkeypatch):
    monkeypatch.setattr(doctor.list_ports, "comports", list)
    (check,) = doctor.examine_ports()
    assert check.ok
