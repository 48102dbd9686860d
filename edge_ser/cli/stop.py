"""SIGINT and SIGTERM: a quick death while there is nothing to lose, an exception while something is open."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """Somebody wants the process to end."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


@contextmanager
def deadly_signals() -> Iterator[None]:
    """End the process at once where a signal comes.

    While modules are imported an exception would not do: NumPy, for one, makes it a page on how to install NumPy.
    """
    with _handled_by(signal.SIG_DFL):
        yield


@contextmanager
def stopping_signals() -> Iterator[None]:
    """Raise `Stopped` at the first signal, so that what is open is closed; the second ends the process at once."""
    with _handled_by(_stop):
        yield


def _stop(number: int, frame: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    raise Stopped(number)


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return
    before: Mapping[signal.Signals, object] = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, present in before.items():
        # Who starts a command in the background with SIGINT ignored wants it ignored.
        if present is not signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, present in before.items():
            signal.signal(number, present)  # type: ignore[arg-type]
