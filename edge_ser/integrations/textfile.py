"""A file of metrics for the textfile collector of node_exporter: a service without a network can be scraped too."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from edge_ser.errors import OutputError
from edge_ser.events import Event

FILE_SECONDS = 10.0  # between writings; Prometheus asks node_exporter every 15 or so


class MetricsFile:
    """The file, replaced at once so that nobody reads half of it.

    It is written as events come: where audio no longer comes through, or the disk is full, it grows old, which
    node_exporter tells as `node_textfile_mtime_seconds`.

    Parameters
    ----------
    path : Path
        Must end in .prom, or node_exporter does not read it.
    text : callable
        Returns the metrics in Prometheus's text format.
    clock : callable
        Seconds.

    Raises
    ------
    OutputError
        It cannot be written now, or has another ending.
    """

    def __init__(self, path: Path, text: Callable[[], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        if path.suffix != ".prom":
            raise OutputError(f"{path} does not end in .prom", "Name it so: node_exporter reads no other files")
        self._path = path
        self._text = text
        self._clock = clock
        self.write()

    def kept(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the events as they are; write the file as time goes on, and at the end."""
        try:
            for event in events:
                if self._clock() - self._written_at >= FILE_SECONDS:
                    self._write_again()
                yield event
        finally:
            self._write_again()

    def write(self) -> None:
        """Write it now.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        self._written_at = self._clock()
        try:
            _replace(self._path, self._text())
        except OSError as error:
            cure = "Name a folder that exists and may be written to"
            raise OutputError(f"Metrics cannot be written to {self._path} ({error.strerror})", cure) from error

    def _write_again(self) -> None:
        with suppress(OutputError):  # listening matters more than being watched
            self.write()


def _replace(path: Path, content: bytes) -> None:
    # Not prometheus-client's write_to_textfile, which leaves the permissions to the umask, strict in a service.
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o644)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
