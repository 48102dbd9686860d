"""Work on many items in many processes, in order, with no more in memory than is being worked on."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 8  # items in work or done and not yet taken


def workers(count: int | None, prepare: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()) -> Executor:
    """Return so many processes to work in; they end when this one does, even if it is killed.

    Parameters
    ----------
    count : int, optional
        One for each core without it.
    prepare : callable, optional
        Runs first in each of them.
    arguments : tuple
        For `prepare`.
    """
    return ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_begin, initargs=(prepare, arguments)
    )


def _begin(prepare: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    # A pool's process waits for work on a pipe of which it holds the other end too, so it would wait for ever.
    Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare(*arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


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
