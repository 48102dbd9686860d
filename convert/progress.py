"""Progress bars with the time left, for stages that iterate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from typing import TypeVar

from rich.progress import track as rich_track

T = TypeVar("T")


def track(description: str, total: int | None = None) -> Callable[[Iterable[T]], Iterable[T]]:
    """Return a wrapper that shows a bar while what it wraps is iterated over; it vanishes at the end.

    Parameters
    ----------
    description : str
        Shown beside the bar.
    total : int, optional
        Number of items; the length of what is wrapped where it has one.
    """

    def wrap(items: Iterable[T]) -> Iterable[T]:
        count = total if total is not None else (len(items) if isinstance(items, Sized) else None)
        return rich_track(items, description, total=count, transient=True)

    return wrap
