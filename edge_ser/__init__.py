"""Tells a robot or a kiosk how it is being spoken to: speech emotion recognition on the board, offline, in real time.

Three lines do it::

    from edge_ser import Recognizer
    for event in Recognizer().listen():
        print(event.time, event.state, event.emotion)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_ser.errors import EdgeSerError
from edge_ser.events import Event, Flags, Recognition
from edge_ser.settings import Settings

if TYPE_CHECKING:
    from edge_ser.recognizer import Recognizer

    __version__: str

__all__ = ["EdgeSerError", "Event", "Flags", "Recognition", "Recognizer", "Settings", "__version__"]


def __getattr__(name: str) -> Any:
    """Import what costs time when it is first asked for."""
    if name == "Recognizer":
        from edge_ser.recognizer import Recognizer

        return Recognizer
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("edge-ser")
        except PackageNotFoundError:  # run from a checkout that was never installed
            return "0+unknown"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
