"""`Finding`: what one check found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge_ser.errors import EdgeSerError

Status = Literal["ok", "warn", "fail", "unknown"]
"""Fine; works, but not well; does not work; could not be determined here, which is nobody's fault."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    status: Status

    check: str
    """What was looked at, in a word or two."""

    found: str
    """What is so; ASCII but for names that come from outside."""

    cure: str = ""
    """What to do about it, commands in backquotes; empty where there is nothing to do."""

    @classmethod
    def of_error(cls, check: str, error: EdgeSerError, status: Status = "fail") -> Finding:
        """Return an error as what a check found."""
        return cls(status, check, error.problem, error.cure)


def unknown(check: str, found: str = "not readable here") -> Finding:
    """Return that something could not be determined."""
    return Finding("unknown", check, found)
