"""Looks for a recording in the memory of a running process."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STRETCH = 32  # samples, 2 ms: so many in a row are not found by chance
STRIDE = 16  # from one stretch that is searched for to the next
PAGE = 4096  # bytes
HASH, HASH_SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(48)
FORMS = (np.int16, np.float64)  # in which samples are kept anywhere
MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ \S+ *(.*)")


def stretches_in_memory(pid: int, recording: NDArray[np.int16]) -> Counter[str]:
    """Return how many stretches of a recording are in each writable mapping of a process."""
    found: Counter[str] = Counter()
    wanted = [_Stretches(recording, form) for form in FORMS]
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            match = MAPPING.match(line)
            first, last, rights, name = int(match[1], 16), int(match[2], 16), match[3], match[4]
            if "w" not in rights or name.startswith(("[vvar", "/dev/dri")):
                continue
            memory.seek(first)
            try:
                content = memory.read(last - first)
            except OSError:  # not to be read by anybody
                continue
            for part in _without_zeros(content):
                for stretches in wanted:
                    if count := stretches.count_in(part):
                        found[f"{name or 'anonymous'} {stretches.form.__name__}"] += count
    return found


def _without_zeros(content: bytes) -> list[bytes]:
    """Return the runs of pages that hold anything: most of what is mapped was never written to."""
    used = np.frombuffer(content, np.uint64).reshape(-1, PAGE // 8).any(axis=1)
    edges = np.flatnonzero(np.diff(used, prepend=False, append=False))
    return [content[first * PAGE : last * PAGE] for first, last in edges.reshape(-1, 2)]


class _Stretches:
    """Pieces of a recording in one form, found by their first 8 bytes."""

    def __init__(self, recording: NDArray[np.int16], form: type[np.generic]) -> None:
        self.form = form
        samples = recording.astype(form)
        starts = np.arange(0, len(samples) - STRETCH, STRIDE)
        # Silence is everywhere, and so are small numbers: only what begins loudly.
        starts = starts[np.abs(recording[starts].astype(int)) > 300]
        self._pieces = [samples[start : start + STRETCH].tobytes() for start in starts]
        keys = np.array([piece[:8] for piece in self._pieces], "S8").view(np.uint64)
        self._keys = np.sort(keys)
        self._possible = np.zeros(1 << 16, bool)  # by a hash: most places are none at the first look
        self._possible[self._keys * HASH >> HASH_SHIFT] = True
        self._known = set(self._pieces)

    def count_in(self, content: bytes) -> int:
        """Return how many places hold one of the stretches."""
        size = len(self._pieces[0])
        count = 0
        for offset in range(0, 8, self.form().itemsize):
            usable = (len(content) - offset) // 8 * 8
            words = np.frombuffer(content, np.uint64, usable // 8, offset)
            places = np.flatnonzero(self._possible[words * HASH >> HASH_SHIFT])
            places = places[np.isin(words[places], self._keys)]
            for place in places.tolist():
                start = offset + 8 * place
                count += content[start : start + size] in self._known
        return count
