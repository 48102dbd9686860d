"""`Hub`: messages from the listening thread to the pages that are open, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

WAITING = 64  # messages for a page that is slow, 5 s; then it loses the oldest
MOST_PAGES = 16


class Hub:
    """Gives each page what is published, through a bounded queue of its own."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pages: list[asyncio.Queue[bytes]] = []

    @property
    def full(self) -> bool:
        """Whether another page would be too many."""
        return len(self._pages) >= MOST_PAGES

    def begin(self) -> None:
        """Publish through the event loop that is running."""
        self._loop = asyncio.get_running_loop()

    def publish(self, kind: str, said: dict[str, Any]) -> None:
        """Tell all pages, from any thread, without waiting; before `begin` nobody is there to be told."""
        if self._loop is not None and self._pages:
            self._send(message(kind, said))

    def end(self) -> None:
        """End all pages' streams, from any thread."""
        self._send(b"")

    async def stream(self, first: bytes) -> AsyncIterator[bytes]:
        """Yield a message for a page that has come just now, then whatever is published."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._pages.append(queue)
        try:
            yield first
            while sent := await queue.get():
                yield sent
        finally:
            self._pages.remove(queue)

    def _send(self, sent: bytes) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: the program ends
                self._loop.call_soon_threadsafe(self._deliver, sent)

    def _deliver(self, sent: bytes) -> None:
        for queue in self._pages:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(sent)


def message(kind: str, said: dict[str, Any]) -> bytes:
    r"""Return a server-sent event (HTML Living Standard, 9.2).

    Examples
    --------
    >>> message("capture", {"state": "muted"})
    b'event: capture\ndata: {"state": "muted"}\n\n'
    """
    return f"event: {kind}\ndata: {json.dumps(said)}\n\n".encode()
