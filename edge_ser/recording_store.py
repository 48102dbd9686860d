"""Recordings that somebody agreed to: each with who agreed, to what, and when it is deleted.

A recording is `ID.wav` beside `ID.json`, readable by its owner alone. The JSON is on the disk before the first sample
is, so that a recording that is cut short by a power cut is deleted in time like any other. What has no readable JSON
has no known consent and is deleted at once. Time is kept by a clock of the store's own, see `lasting_clock.py`.
"""

from __future__ import annotations

import os
import secrets
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_ser.capture.source import Source
from edge_ser.data_folder import OWNER_ONLY, data_folder, write_durably
from edge_ser.errors import OutputError, SettingsError
from edge_ser.lasting_clock import moment_now, move_on
from edge_ser.student.strict import StrictError, from_json, to_json

FORMAT = 1
DAY_SECONDS = 86_400
MAX_RETENTION_DAYS = 365.0
MAX_SECONDS = 3600.0
CLOCK = "clock.json"

CONSENT = (
    "This records the sound of everybody who can be heard here. It is kept on this device alone, in {folder}, readable "
    "by this user alone, for {days:g} days, and then deleted. It is sent nowhere. Everybody who can be heard must know "
    "this and agree beforehand. Whoever changes their mind can have it deleted at once: edge-ser record --delete ID"
)
"""What is to be agreed to; a recording keeps it as it was shown."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a recording."""

    format: int
    """`FORMAT`."""

    consent_given_by: str
    """Who agreed, or says that all who can be heard did."""

    consent_text: str
    """To what."""

    started: float
    """Wall clock, seconds since 1970."""

    expires: float
    """Wall clock."""

    expires_at: float
    """Seconds of the store's own clock."""


class RecordingStore:
    """The folder of recordings; making one deletes what has expired.

    Parameters
    ----------
    folder : Path, optional
        `edge-ser/recordings` in the user's data folder where it is not given.
    now : callable
        See `edge_ser.lasting_clock.moment_now`.

    Raises
    ------
    OutputError
        The folder cannot be written to, or something in it cannot be deleted.
    """

    def __init__(self, folder: Path | None = None, now: Callable[[], tuple[float, str, float]] = moment_now) -> None:
        self.folder = data_folder() / "recordings" if folder is None else folder
        self._now = now
        self.deleted: tuple[str, ...] = ()
        """IDs of what had expired."""
        self.latest = ""
        """ID of what was recorded last."""
        if self.folder.is_dir():
            self._delete_expired()

    def recordings(self) -> dict[str, Kept]:
        """Return what is kept, by ID, the oldest first."""
        found = {path.stem: _read(path) for path in sorted(self.folder.glob("*.json")) if path.name != CLOCK}
        return {name: kept for name, kept in found.items() if kept is not None}

    def delete(self, name: str) -> None:
        """Delete a recording now.

        Raises
        ------
        SettingsError, OutputError
            There is none of this ID; it cannot be deleted.
        """
        if name not in self.recordings():
            raise SettingsError(f"There is no recording {name!r}", "See `edge-ser record --list`")
        self._delete(name)

    def record(
        self,
        source: Source,
        seconds: float,
        retention_days: float,
        consent_given_by: str,
        progress: Callable[[float], None] = lambda seconds: None,
    ) -> str:
        """Record a source, at its own rate, mono; return the ID. Where this is interrupted, what there is is kept.

        Parameters
        ----------
        source : Source
            Read until so many seconds were heard, it ends, or its microphone goes away; not closed.
        seconds : float
            At most `MAX_SECONDS`.
        retention_days : float
            At most `MAX_RETENTION_DAYS`.
        consent_given_by : str
            Who agreed to `consent_text`.
        progress : callable
            Told the seconds so far.

        Raises
        ------
        SettingsError, OutputError
            Nobody agreed, or a number is impossible; the disk is full.
        """
        check(seconds, retention_days, consent_given_by)
        wanted = round(seconds * source.sample_rate)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            path = self._begin(retention_days, consent_given_by.strip())
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
            with os.fdopen(descriptor, "wb") as stream, wave.open(stream, "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(source.sample_rate)
                written = 0
                while written < wanted and (block := source.read()) is not None and not block.away:
                    lost = np.zeros(min(block.lost, wanted - written), np.int16)  # time goes on
                    samples = np.concatenate((lost, block.samples))[: wanted - written]
                    file.writeframes(samples.astype("<i2").tobytes())
                    written += len(samples)
                    if getattr(source, "private", False):
                        block.samples[:] = samples[:] = 0
                    progress(written / source.sample_rate)
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written to ({error.strerror})", _CURE) from error
        return self.latest

    def _begin(self, retention_days: float, consent_given_by: str) -> Path:
        """Write down what is known of a recording that begins now; return its file."""
        moment = move_on(self.folder / CLOCK, self._now())
        retention = retention_days * DAY_SECONDS
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(moment.wall))}-{secrets.token_hex(2)}"
        text = consent_text(self.folder, retention_days)
        kept = Kept(FORMAT, consent_given_by, text, moment.wall, moment.wall + retention, moment.seconds + retention)
        write_durably(self.folder / f"{name}.json", to_json(kept))
        self.latest = name
        return self.folder / f"{name}.wav"

    def _delete_expired(self) -> None:
        try:
            moment = move_on(self.folder / CLOCK, self._now())
            names = {path.stem for pattern in ("*.wav", "*.json") for path in self.folder.glob(pattern)} - {"clock"}
            for name in sorted(names):
                kept = _read(self.folder / f"{name}.json")
                if kept is None or moment.wall >= kept.expires or moment.seconds >= kept.expires_at:
                    self._delete(name)
                    self.deleted = (*self.deleted, name)
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written to ({error.strerror})", _CURE) from error

    def _delete(self, name: str) -> None:
        """Overwrite a recording, as far as the disk lets us, and remove it; its description goes last."""
        path = self.folder / f"{name}.wav"
        try:
            if path.is_file() and not path.is_symlink():
                with path.open("r+b") as stream:
                    left = path.stat().st_size
                    while left > 0:
                        left -= stream.write(bytes(min(left, 1 << 20)))
                    stream.flush()
                    os.fsync(stream.fileno())
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{path} cannot be deleted ({error.strerror})", _CURE) from error


_CURE = "Check the folder's owner and the space on the disk"


def consent_text(folder: Path, retention_days: float) -> str:
    """Return what is to be agreed to."""
    return CONSENT.format(folder=folder, days=retention_days)


def check(seconds: float, retention_days: float, consent_given_by: str) -> None:
    """Refuse a recording that nobody agreed to, or that would have no end.

    Raises
    ------
    SettingsError
        Naming what is wrong.
    """
    if not consent_given_by.strip():
        raise SettingsError("Nobody has agreed to being recorded", "Give --consent-given-by NAME, or type the name")
    if not 0 < seconds <= MAX_SECONDS:
        raise SettingsError(f"seconds is {seconds:g}", f"Give more than 0 and at most {MAX_SECONDS:g}")
    if not 0 < retention_days <= MAX_RETENTION_DAYS:
        cure = f"Give more than 0 and at most {MAX_RETENTION_DAYS:g}: a recording must not be kept for ever"
        raise SettingsError(f"retention_days is {retention_days:g}", cure)


def _read(path: Path) -> Kept | None:
    """Return what is known of a recording; None where that cannot be read."""
    try:
        kept = from_json(path.read_text(encoding="utf-8"), Kept)
    except (OSError, StrictError, UnicodeDecodeError):
        return None
    return kept if kept.format == FORMAT else None
