"""Keep, of what fuzzing kept, the smallest inputs that together reach all of it: `python tests/fuzz/distil.py wav DIR`.

Reached counts which line follows which (and how often, up to `OFTEN`): two inputs that take the same lines in
another order are two.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).parent
WATCHED = (str(HERE.parents[1] / "edge_ser"), "tomllib", "zipfile")
OFTEN = 3
CORPUS_BYTES = 70_000  # of a target at most

Arc = tuple[str, int, int]


def main(target_name: str, folder: str) -> None:
    """Write the inputs into `corpus/TARGET`, in place of what is there."""
    sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]
    target = importlib.import_module(f"fuzz.{target_name}")
    found = {path.read_bytes() for path in Path(folder).iterdir()} - set(target.seeds())
    reached = set().union(*(arcs_of(target.check, seed) for seed in target.seeds()))
    kept: list[bytes] = []
    for data in sorted(found, key=lambda data: (len(data), data)):
        new = arcs_of(target.check, data) - reached
        if new and sum(map(len, kept)) + len(data) < CORPUS_BYTES:
            reached |= new
            kept.append(data)
    corpus = HERE / "corpus" / target_name
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    for data in kept:
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    print(f"{target_name}: {len(kept)} of {len(found)} inputs, {sum(map(len, kept))} bytes")


def arcs_of(check: Callable[[bytes], None], data: bytes) -> set[tuple[Arc, int]]:
    """Return which lines follow which, with how often, while this input is checked."""
    counts: Counter[Arc] = Counter()

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not any(watched in name for watched in WATCHED):
            return None
        before = 0

        def step(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal before
            counts[name, before, frame.f_lineno] += 1
            before = frame.f_lineno
            return step

        return step

    sys.settrace(enter)
    try:
        check(data)
    finally:
        sys.settrace(None)
    return {(arc, min(count, OFTEN)) for arc, count in counts.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
