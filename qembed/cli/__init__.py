"""The command line: parse, call, print. One file a command; this one maps errors to exit codes."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence
from enum import IntEnum

import click

import qembed
from qembed.errors import QembedError


class Exit(IntEnum):
    """What the process's status says. docs/cli.md."""

    DONE = 0
    DIFFERENT = 1
    USAGE = 2
    FAILED = 3
    INTERRUPTED = 130
    NO_READER = 141


COMMANDS = {
    "import": ("import_model", "Turn a network of another tool into a model file."),
    "quantize": ("quantize", "Make integers of a float network, with a sample of its inputs."),
    "compare": ("compare", "Show what each way to quantize a network costs and saves."),
    "analyze": ("analyze", "Show where quantization costs accuracy, and what helps."),
    "info": ("info", "Show a model: layers, quantization, work, memory."),
    "optimize": ("optimize", "Remove what no input can make matter; the outputs keep every byte."),
    "simulate": ("simulate", "Run a model here, byte for byte as the chip will."),
    "diff": ("diff", "Compare with other runtimes: who departs in which layer, and why."),
    "export": ("export", "Write a model as C99, or as a complete firmware."),
    "verify": ("verify", "Prove that a board computes the bytes of the desk."),
    "replay": ("replay", "Judge a recorded verification again, without the board."),
    "demo": ("demo", "The whole path on real digits, from model file to verdict."),
    "bench": ("bench", "Measure an inference on a board, layer by layer."),
    "mlperf": ("mlperf", "Run MLPerf Tiny's two modes over its own serial protocol."),
    "boards": ("boards", "List the boards."),
    "targets": ("targets", "List the targets."),
    "doctor": ("doctor", "Look at compilers, emulators and ports, and say what is missing."),
}
"""Name: module in this package, one line of help. Modules are imported when they are needed."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports only the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"qembed.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog="Exit status: 0 done, or compared and equal; 1 compared and different; 2 wrong usage; "
    "3 no answer could be had. Every command has -h.",
)
@click.version_option(qembed.__version__, prog_name="qembed", message="%(prog)s %(version)s")
def cli() -> None:
    """Bring small neural networks to microcontrollers, with the bytes of the desk."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status. Whatever goes wrong is one line on stderr."""
    try:
        # Not cli.main(): it turns a broken pipe into status 1, which here means "different".
        with cli.make_context(
            "qembed", list(sys.argv[1:] if arguments is None else arguments)
        ) as ctx:
            status = cli.invoke(ctx)
        sys.stdout.flush()
        return int(status or Exit.DONE)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.UsageError as error:
        return _fail(error.format_message(), Exit.USAGE, error.ctx)
    except click.ClickException as error:
        return _fail(error.format_message(), Exit.USAGE)
    except QembedError as error:
        return _fail(str(error), Exit.FAILED)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", Exit.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.NO_READER
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{(error.strerror or str(error)).lower()}", Exit.FAILED)
    except MemoryError:
        return _fail("out of memory", Exit.FAILED)
    except Exception as error:
        if os.environ.get("QEMBED_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        return _fail(
            f"this is a bug in qembed ({what}); please report it with the output of the same "
            "command under QEMBED_DEBUG=1",
            Exit.FAILED,
        )


def _fail(message: str, status: Exit, context: click.Context | None = None) -> Exit:
    """Print a message, for people: one sentence, or a list below one.

    Control characters of foreign files are shown, not obeyed.
    """
    text = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message.strip())
    hint = f" (try: {context.command_path} -h)" if context else ""
    print(f"qembed: {text}{hint}", file=sys.stderr)
    return status
