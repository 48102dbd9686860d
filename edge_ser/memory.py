"""Keeps audio out of core dumps, and out of memory that was freed.

Buffers of ours are overwritten by their owners (`erase`). PortAudio, ALSA and the sound server's client have buffers
too, which they free as they are: what is here is for those, on Linux with glibc; elsewhere it does nothing.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4  # linux/prctl.h
M_PERTURB = -6  # malloc.h of glibc
FREED = 0x55  # what freed bytes are overwritten with
CACHED_BYTES = range(24, 1033, 16)  # sizes of the blocks that glibc keeps for each thread, as they were freed
CACHED_BLOCKS = 8  # of each size: it keeps 7


def protect_process() -> bool:
    """Let no core dump be written of this process, and no other of the same user read its memory.

    On Linux the process is marked as one that must not be dumped (`prctl(PR_SET_DUMPABLE, 0)`), which also holds where
    `core_pattern` pipes dumps to a program, and the limit of core files is 0. Debuggers and profilers of the same user
    cannot attach any more; root can.

    Returns
    -------
    bool
        Whether the process is protected.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    libc = _libc()
    return libc is not None and libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0


def is_protected() -> bool:
    """Say whether this process is marked as one that must not be dumped."""
    libc = _libc()
    return libc is not None and libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0


@contextmanager
def overwriting_freed() -> Iterator[None]:
    """Overwrite whatever any library frees within the block; what was freed before is overwritten or given back."""
    libc = _libc()
    if libc is None or not hasattr(libc, "gnu_get_libc_version"):
        yield
        return
    libc.mallopt(M_PERTURB, FREED)
    try:
        yield
    finally:
        before = os.environ.get("MALLOC_PERTURB_", "")  # how the process was started
        libc.mallopt(M_PERTURB, int(before) if before.isdecimal() else 0)
        _overwrite_cached(libc)
        libc.malloc_trim(ctypes.c_size_t(0))  # whole free pages go back to the system


def _overwrite_cached(libc: Any) -> None:
    """Overwrite the small blocks that this thread has freed: they are those that it gets when it asks for some."""
    for size in CACHED_BYTES:
        blocks = [libc.malloc(size) for _ in range(CACHED_BLOCKS)]
        for block in blocks:
            if block:
                ctypes.memset(block, FREED, size)
                libc.free(block)


@lru_cache(maxsize=1)
def _libc() -> Any:
    """Return the C library; None where it is not Linux's."""
    if sys.platform != "linux":
        return None
    try:
        libc = ctypes.CDLL(None)
    except OSError:
        return None
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    libc.free.restype, libc.free.argtypes = None, (ctypes.c_void_p,)
    return libc
