"""`edge-ser service`: a command of edge-ser as a systemd service."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edge_ser.cli.terminal import one_line, write
from edge_ser.errors import OutputError, ServiceError, SettingsError

if TYPE_CHECKING:
    from edge_ser.integrations.systemd_unit import Network

DEFAULT_COMMAND = ("listen", "--metrics-file", "/run/edge-ser/edge-ser.prom")

_COMMANDS_THAT_LAST = ("listen", "publish", "serve")

_EPILOG = """\
examples:
  sudo edge-ser service install                                   counts for node_exporter, no network
  sudo edge-ser service install -- publish --mqtt broker.local    as `edge-ser publish` does
  edge-ser service show --network local -- listen --metrics 9500  look first
settings come from /etc/edge-ser.toml (`edge-ser config --toml` prints one to start from)
"""

_STATUS_PROPERTIES = {
    "LoadState": "unit",
    "ActiveState": "state",
    "SubState": "in detail",
    "Result": "last result",
    "StatusText": "it says",
    "ActiveEnterTimestamp": "since",
    "NRestarts": "restarts",
    "WatchdogTimestamp": "last sign of life",
    "MemoryCurrent": "memory, bytes",
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "service",
        help="run as a systemd service",
        description="Run a command of edge-ser as a hardened systemd service, from the start of the machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print the unit", description="Print what `install` would write.")
    install = actions.add_parser("install", help="write the unit and start it", description="Write the unit, start it.")
    for action in (show, install):
        action.add_argument(
            "--network", choices=("none", "local", "any"), help="how far it may reach (what the command needs)"
        )
        action.add_argument(
            "arguments",
            nargs="*",
            metavar="COMMAND",
            help=f"after --: what edge-ser is to do ({' '.join(DEFAULT_COMMAND)})",
        )
    uninstall = actions.add_parser("uninstall", help="stop and remove it", description="Stop the service, remove it.")
    for action in (install, uninstall):
        action.add_argument(
            "--root", metavar="DIR", type=Path, help="in the system below this folder, which does not run: an image"
        )
    status = actions.add_parser(
        "status",
        help="whether it runs and hears",
        description="Say whether the service runs and hears. Exit status: 0 it runs, 1 it does not.",
    )
    show.set_defaults(run=run_show)
    install.set_defaults(run=run_install)
    uninstall.set_defaults(run=run_uninstall)
    status.set_defaults(run=run_status)


def run_show(args: argparse.Namespace) -> int:
    """Print the unit."""
    for path, text in _files(args).items():
        write(f"# /{path}\n{text}\n")
    return 0


def run_install(args: argparse.Namespace) -> int:
    """Write the unit; start it, unless it is for a system that does not run."""
    from edge_ser.integrations.systemd_unit import NAME, NETWORK_FILE, closed_folder

    files = _files(args)
    closed = closed_folder()
    if closed is not None:
        cure = "Install edge-ser where all may read, for example with `python3 -m venv /opt/edge-ser`, and run it there"
        raise ServiceError(f"The service's own user may not enter {closed}, where edge-ser is installed", cure)
    root = args.root or Path("/")
    for path, text in files.items():
        _write(root / path, text)
    if NETWORK_FILE not in files:
        _remove(root / NETWORK_FILE)
    if args.root is None:
        _systemctl("daemon-reload")
    _systemctl("enable", NAME, root=args.root)
    if args.root is None:
        _systemctl("restart", NAME)
    where = f" into {args.root}" if args.root else " and started; `edge-ser service status` says how it is"
    write(f"{NAME} is installed{one_line(where)}\n")
    return 0


def run_uninstall(args: argparse.Namespace) -> int:
    """Stop the service and remove what `install` wrote; what others put beside it stays."""
    from edge_ser.integrations.systemd_unit import NAME, NETWORK_FILE, UNIT_FILE

    root = args.root or Path("/")
    if not (root / UNIT_FILE).exists():
        raise ServiceError(f"There is no {root / UNIT_FILE}", "Nothing is left to remove")
    if args.root is None:
        _systemctl("stop", NAME)
    _systemctl("disable", NAME, root=args.root)
    _remove(root / UNIT_FILE)
    _remove(root / NETWORK_FILE)
    with suppress(OSError):  # it holds somebody's own drop-in, or is not there
        (root / NETWORK_FILE).parent.rmdir()
    if args.root is None:
        _systemctl("daemon-reload")
    write(f"{NAME} is removed\n")
    return 0


def run_status(args: argparse.Namespace) -> int:
    """Print what systemd knows of it; say by the exit status whether it runs."""
    from edge_ser.integrations.systemd_unit import NAME

    shown = _systemctl("show", NAME, f"--property={','.join(_STATUS_PROPERTIES)}")
    found = parse_status(shown)
    width = max(map(len, _STATUS_PROPERTIES.values()))
    for name, title in _STATUS_PROPERTIES.items():
        if found.get(name):
            write(f"{title:{width}}  {one_line(found[name])}\n")
    return 0 if found.get("ActiveState") == "active" else 1


def parse_status(shown: str) -> dict[str, str]:
    r"""Return the properties that `systemctl show` printed.

    Examples
    --------
    >>> parse_status("ActiveState=active\nStatusText=a=b\n")
    {'ActiveState': 'active', 'StatusText': 'a=b'}
    """
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def _files(args: argparse.Namespace) -> dict[Path, str]:
    """Return what is to be written: the unit, and what opens the network where that is needed."""
    from edge_ser.integrations.systemd_unit import NETWORK_FILE, UNIT_FILE, network, network_of, unit

    arguments = args.arguments or DEFAULT_COMMAND
    parsed = _parsed(arguments)
    reach: Network = args.network or network_of(parsed)
    files = {UNIT_FILE: unit(arguments)}
    if reach != "none":
        files[NETWORK_FILE] = network(reach)
    return files


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the arguments as `edge-ser` would read them; wrong ones are told now, not by a service that fails."""
    from edge_ser.cli.program import build_parser

    if arguments[0] not in _COMMANDS_THAT_LAST:
        cure = f"Name one of {', '.join(_COMMANDS_THAT_LAST)} after --"
        raise SettingsError(f"{arguments[0]!r} is no command that a service can run", cure)
    parsed = build_parser().parse_args(arguments)
    if getattr(parsed, "metrics", None) or getattr(parsed, "metrics_file", None):
        from edge_ser.integrations.prometheus import load_client

        load_client()
    return parsed


def _systemctl(*arguments: str, root: Path | None = None) -> str:
    """Run systemctl and return what it prints.

    Raises
    ------
    ServiceError
        It is not there, or fails.
    """
    program = shutil.which("systemctl")
    if program is None:
        raise ServiceError("There is no systemctl here", "Run `edge-ser listen` by what starts services on this system")
    command = [program, *([f"--root={root}"] if root else []), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if ended.returncode:
        reason = ended.stderr.strip().split("\n")[0].rstrip(".")
        cure = "Run it with sudo" if os.geteuid() else "Look with `journalctl -u edge-ser`; systemd must be running"
        raise ServiceError(f"`systemctl {arguments[0]}` failed ({reason})", cure)
    return ended.stdout


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror})", "Run it with sudo") from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be removed ({error.strerror})", "Run it with sudo") from error
