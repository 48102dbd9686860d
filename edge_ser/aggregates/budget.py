"""`Budget`: what may still be said about an hour's decisions, kept where neither a restart nor a power cut loses it.

A release is paid for before its noise is drawn, and nothing is ever paid back: who is killed in between has paid for
nothing. An hour is paid for once, so a restart or a clock that goes back cannot release it twice.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_ser.data_folder import OWNER_ONLY, write_durably
from edge_ser.errors import OutputError, SettingsError
from edge_ser.student.strict import StrictError, from_json, to_json

FORMAT = 1
MICRO = 1_000_000  # units of an epsilon of 1: sums of whole numbers are exact
HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class Spent:
    """What the file says."""

    format: int
    """`FORMAT`."""

    last_hour: int
    """That was paid for, in hours since 1970; no hour up to here is ever released again."""

    today_micro: int
    """Paid in the day (UTC) of `last_hour`, in millionths."""

    total_micro: int
    """Paid since the file began."""


class Budget:
    """A ledger of epsilon.

    Parameters
    ----------
    path : Path
        Its file; its folder is made where it is missing.
    per_day : float
        Epsilon of all releases of a day (UTC) together.
    """

    def __init__(self, path: Path, per_day: float) -> None:
        self._path = path
        self._per_day_micro = micro(per_day)

    def spent(self) -> Spent:
        """Return what was paid so far.

        Raises
        ------
        SettingsError
            The file cannot be read: it must not be taken for an empty one.
        """
        try:
            spent = from_json(self._path.read_text(encoding="utf-8"), Spent)
        except FileNotFoundError:
            return Spent(FORMAT, -1, 0, 0)
        except (OSError, StrictError, UnicodeDecodeError) as error:
            raise SettingsError(f"What was spent cannot be read from {self._path} ({error})", _CURE) from error
        if spent.format != FORMAT or min(spent.today_micro, spent.total_micro) < 0:
            raise SettingsError(f"{self._path} is of another edge-ser, or was changed", _CURE)
        return spent

    def pay(self, hour: int, epsilon: float) -> bool:
        """Pay for the release of an hour; it is on the disk when this returns.

        Parameters
        ----------
        hour : int
            In hours since 1970.
        epsilon : float

        Returns
        -------
        bool
            False, and nothing was paid: the day's budget does not suffice, or the hour or a later one was paid for.

        Raises
        ------
        SettingsError, OutputError
            The file cannot be read or written; nothing may be released then.
        """
        try:
            with self._locked():
                spent = self.spent()
                if hour <= spent.last_hour:
                    return False
                same_day = spent.last_hour >= 0 and hour // HOURS_A_DAY == spent.last_hour // HOURS_A_DAY
                today = (spent.today_micro if same_day else 0) + micro(epsilon)
                if today > self._per_day_micro:
                    return False
                write_durably(self._path, to_json(Spent(FORMAT, hour, today, spent.total_micro + micro(epsilon))))
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written ({error.strerror})", _CURE) from error
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from paying at the same time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


_CURE = "Restore it or correct its permissions; to delete it would promise anew what was promised already"


def micro(epsilon: float) -> int:
    """Return an epsilon in millionths.

    Raises
    ------
    SettingsError
        It is not a positive number of whole millionths up to 1000.
    """
    if not 0 < epsilon <= 1000 or abs(epsilon * MICRO - round(epsilon * MICRO)) > 1e-3:
        raise SettingsError(f"epsilon is {epsilon!r}", "Give a number over 0, with six decimals at most, such as 0.5")
    return round(epsilon * MICRO)
