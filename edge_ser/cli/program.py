"""Reads the arguments, and turns what can go wrong into one line and an exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from edge_ser.cli import (
    aggregate,
    calibrate,
    classify,
    config,
    devices,
    doctor,
    feedback,
    listen,
    model,
    publish,
    record,
    schema,
    serve,
    service,
)  # fmt: skip
from edge_ser.cli.stop import Stopped
from edge_ser.cli.terminal import print_error, write
from edge_ser.errors import BackendError, EdgeSerError

OK, FAILED = 0, 2
SIGNAL_STATUS = 128  # plus the signal's number, as a shell has it

_DESCRIPTION = "Tells how a person is speaking to this device: offline, from the microphone or from files."
_EPILOG = """\
exit status: 0 done (also where the reader of a pipe has seen enough), 1 `doctor` has warnings, 2 wrong arguments or an
error, which is told in one line on stderr, 130 ended by Ctrl-C (SIGINT), 143 ended by SIGTERM.
"""


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status; see `edge_ser.cli.main.main`."""
    _prepare_streams()
    try:
        args = build_parser().parse_args(argv)
        status: int = args.run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except BackendError as error:
        return _fail(f"{error} `edge-ser doctor` looks for the reason.")
    except EdgeSerError as error:
        return _fail(str(error))
    except Stopped as stopped:
        return SIGNAL_STATUS + stopped.signal
    except BrokenPipeError:
        _give_up_stdout()
        return OK
    except OSError as error:  # a full disk behind stdout
        _give_up_stdout()
        return _fail(f"The output cannot be written ({error.strerror}). Make room, or send it to another place.")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="edge-ser", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action=_Version, help="print the version")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in (
        listen, serve, publish, classify, calibrate, record, feedback, aggregate,
        devices, doctor, config, model, service, schema,
    ):  # fmt: skip
        command.add_parser(subparsers)
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        # Takes longer to import than everything else here.
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("edge-ser")
        except PackageNotFoundError:
            found = "(not installed)"
        write(f"edge-ser {found}\n")
        parser.exit()


def _fail(message: str) -> int:
    print_error(message)
    return FAILED


def _prepare_streams() -> None:
    # A file's name need not be text in the terminal's encoding.
    with suppress(AttributeError, ValueError):  # None, or a test's own stream
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _give_up_stdout() -> None:
    # The interpreter flushes stdout once more at its end, and would print a second error.
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
