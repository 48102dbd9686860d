"""`edge-ser serve`: a local web page of what is heard, with a button that stops the capture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.stop import stopping_signals
from edge_ser.cli.terminal import tell_passed_over, write
from edge_ser.errors import AudioDeviceError, SettingsError

if TYPE_CHECKING:
    from socket import socket

PORT = 8765
LEAST_TOKEN = 16  # characters: too many to be guessed

_EPILOG = """\
examples:
  edge-ser serve                                      http://127.0.0.1:8765/, the default microphone
  edge-ser serve --source demo                        the embedded recording
  edge-ser serve --address 0.0.0.0 --token-file FILE  for the whole network
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "serve",
        help="show on a local web page what is heard",
        description="Show on a local web page what is heard: decision, level, timeline, counters.\n"
        "It can be muted there, which closes the microphone.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--source", metavar="FILE", help="file instead of a microphone; `demo` for the embedded recording"
    )
    parser.add_argument("--rate", type=int, metavar="HZ", help="sample rate to open the microphone at")
    parser.add_argument(
        "--address", default="127.0.0.1", metavar="IP", help="address to answer at (%(default)s, this machine alone)"
    )
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help="port (%(default)s); 0 for a free one")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="file with the token that a page must know; needed elsewhere"
    )
    parser.add_argument("--muted", action="store_true", help="begin muted: listen when somebody says so on the page")
    parser.add_argument("--page", type=Path, metavar="DIR", help="folder of a page of your own, with index.html")
    add_settings_flags(parser)
    parser.set_defaults(run=run, fast=False)


def run(args: argparse.Namespace) -> int:
    """Serve the page until somebody stops it."""
    token = _token(args)
    if args.source == "-":
        raise SettingsError("A pipe cannot be muted", "Name a microphone with --device, or a file with --source")
    if args.page is not None and not (args.page / "index.html").is_file():
        raise SettingsError(f"There is no {args.page / 'index.html'}", "Name the folder of a page with --page")
    settings = configuration_of(args).settings
    # Imported here: other commands must start without NumPy, the student and the web server.
    try:
        from edge_ser.integrations.page.server import STATIC, build_app, serve
    except ImportError as error:
        raise SettingsError(f"The page needs {error.name}", "Run: pip install 'edge-ser[serve]'") from error
    from edge_ser.cli.listen import open_audio
    from edge_ser.integrations.page.hub import Hub
    from edge_ser.integrations.page.listening import Listening
    from edge_ser.integrations.systemd import Watchdog, manager_of
    from edge_ser.recognizer import Recognizer

    hub = Hub()
    recognizer = Recognizer(settings=settings)
    tell_passed_over(recognizer.passed_over)
    manager = manager_of()
    watchdog = None if manager is None else Watchdog(manager)
    listening = Listening(recognizer, lambda: open_audio(args, settings), hub.publish, watchdog)
    app = build_app(recognizer, listening, hub, token=token, folder=args.page or STATIC)
    with _listener(args.address, args.port) as listener, stopping_signals():
        try:
            listening.start(args.muted)
        except AudioDeviceError as error:
            raise AudioDeviceError(error.problem, f"{error.cure}; `edge-ser doctor` looks for the reason") from error
        try:
            write(f"The page is at {_url(listener)}\n")
            serve(app, hub, listener)
        finally:
            listening.stop()
            if watchdog is not None:
                watchdog.close()
    return 0


def read_token(path: Path) -> str:
    """Return the token in a file.

    Raises
    ------
    SettingsError
        It cannot be read, or is too short.
    """
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The token file {path} cannot be read ({error})", _make_token(path)) from error
    if len(token) < LEAST_TOKEN or not token.isprintable() or set(token) & set(' ;,"\\'):
        raise SettingsError(f"The token in {path} is too short, or has spaces or quotes", _make_token(path))
    return token


def _token(args: argparse.Namespace) -> str | None:
    """Return the token; none is needed where this machine alone is let in."""
    if args.token_file is not None:
        return read_token(args.token_file)
    if not _is_loopback(args.address):
        raise SettingsError(
            f"At {args.address} the whole network could look on, and there is no token",
            f"{_make_token(Path('FILE'))} and give --token-file FILE, or leave --address out",
        )
    return None


def _make_token(path: Path) -> str:
    return f"Run: (umask 077; python3 -c 'import secrets; print(secrets.token_urlsafe())' > {path})"


def _is_loopback(address: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _listener(address: str, port: int) -> socket:
    import socket

    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a port is 0 to 65535"
        raise SettingsError(
            f"The page cannot be at {address}, port {port} ({reason})", "Choose another with --address or --port"
        ) from error


def _url(listener: socket) -> str:
    address, port = listener.getsockname()[:2]
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"
