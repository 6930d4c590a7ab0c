"""What all commands have in common: help, exit codes, one sentence for every error."""

import importlib
import os
import subprocess
import sys
import time

import click
import pytest

import qembed as package
from qembed import cli
from qembed.errors import ToolError


def commands():
    return [
        (name, importlib.import_module(f"qembed.cli.{m}").command)
        for name, (m, _) in cli.COMMANDS.items()
    ]


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_has_help_json_and_its_name(name, command, qembed):
    assert command.name == name
    result = qembed(name, "-h")
    assert result.status == 0
    assert result.stdout.startswith(f"Usage: qembed {name} ")
    assert "--json" in result.stdout
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts} has no help"


def test_help_and_version(qembed):
    assert qembed("--version").stdout == f"qembed {package.__version__}\n"
    help_text = qembed("-h").stdout
    assert all(name in help_text and line in help_text for name, (_, line) in cli.COMMANDS.items())
    nothing = qembed()
    assert nothing.status == 2 and "Usage: qembed" in nothing.stderr and nothing.stdout == ""


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from qembed.cli import run; run(['-h']); "
        "print([m for m in ('numpy', 'rich', 'serial', 'jinja2') if m in sys.modules])"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("simulat",), "No such command 'simulat'"),
        (("info", "--colour"), "No such option"),
        (("simulate", "--form", "fast"), "is not one of"),
        (("simulate", "--threads", "0"), "0 is not in the range"),
        (("info",), "no model file (.npz) in this folder"),
        (("import",), "Missing argument 'FILE'"),
    ],
)
def test_wrong_usage(arguments, words, qembed):
    result = qembed(*arguments)
    assert result.status == 2
    assert words in result.sentence and "-h)" in result.sentence


def test_several_models_are_not_guessed_between(qembed, digits, tmp_path):
    for name in ("a.npz", "b.npz"):
        (tmp_path / name).write_bytes(digits.read_bytes())
    result = qembed("info")
    assert result.status == 2
    assert "several: a.npz, b.npz" in result.sentence


def test_inputs_are_no_model(qembed, digits, tmp_path):
    """The only model in the folder is found among other archives."""
    import numpy as np

    (tmp_path / "net.npz").write_bytes(digits.read_bytes())
    np.savez(tmp_path / "data.npz", x=np.zeros(3))
    (tmp_path / "junk.npz").write_bytes(b"junk")
    assert qembed("info", "--json").document["name"] == "digits"


@pytest.fixture
def failing(monkeypatch):
    """Make a command raise; return a function that says what."""

    def fail_with(error):
        @click.command("info")
        def command():
            raise error

        module = importlib.import_module("qembed.cli.info")
        monkeypatch.setattr(module, "command", command)

    return fail_with


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ToolError("a \x1b[31m of\ttext"), 3, "a \\x1b[31m of\\ttext"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 3, "out of memory"),
        (PermissionError(13, "Permission denied", "/x"), 3, "/x: permission denied"),
        (OSError(28, "No space left on device"), 3, "no space left on device"),
        (ZeroDivisionError("oh"), 3, "a bug in qembed (ZeroDivisionError: oh)"),
    ],
)
def test_every_error_is_one_sentence(error, status, words, failing, qembed):
    failing(error)
    result = qembed("info")
    assert result.status == status
    assert words in result.sentence


def test_bugs_show_themselves_on_request(failing, qembed, monkeypatch):
    monkeypatch.setenv("QEMBED_DEBUG", "1")
    failing(ZeroDivisionError("oh"))
    with pytest.raises(ZeroDivisionError):
        qembed("info")


def test_a_reader_that_goes_away_is_no_error(digits):
    """As in: qembed info ... | head -1."""
    command = [sys.executable, "-m", "qembed", "info", str(digits)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == cli.Exit.NO_READER


def test_terminals_without_unicode(digits):
    command = [sys.executable, "-m", "qembed", "simulate", str(digits), "--no-saturation"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
    assert b"accuracy 98.40%" in done.stdout and done.stdout.isascii() and done.stderr == b""
