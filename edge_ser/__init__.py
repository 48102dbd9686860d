"""Tells a robot or a kiosk how it is being spoken to: speech emotion recognition on the board, offline, in real time.

Three lines do it::

    from edge_ser import Recognizer
    for event in Recognizer().listen():
        print(event.time, event.state, event.emotion)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_ser.errors import EdgeSerError
    from edge_ser.events import Event, Flags, Recognition
    from edge_ser.recognizer import Recognizer
    from edge_ser.settings import Settings

    __version__: str

__all__ = ["EdgeSerError", "Event", "Flags", "Recognition", "Recognizer", "Settings", "__version__"]


LATER = {
    "EdgeSerError": "errors",
    "Event": "events",
    "Flags": "events",
    "Recognition": "events",
    "Recognizer": "recognizer",
    "Settings": "settings",
}
"""Module of each name: importing the front end alone must not cost the rest."""


def __getattr__(name: str) -> Any:
    """Import what costs time when it is first asked for."""
    if name in LATER:
        from importlib import import_module

        return getattr(import_module(f"edge_ser.{LATER[name]}"), name)
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("edge-ser")
        except PackageNotFoundError:  # run from a checkout that was never installed
            return "0+unknown"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
