"""Work on many items in many processes, in order, with no more in memory than is being worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 8  # items in work or done and not yet taken


def in_order(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], ahead: int = AHEAD
) -> Iterator[Result]:
    """Give the result of each item, in order; `Executor.map` would hold all that nobody has taken yet.

    Parameters
    ----------
    pool : Executor
    work : callable
        Runs in another process.
    items : iterable
        Read only as far as the work has got.
    ahead : int
        Most items in memory at once.
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
