"""Whether a Raspberry Pi gives the same bytes and the same decisions as this machine, without a Raspberry Pi.

A Debian of each kind of Arm board is made in a folder and run under qemu: the features of silence, square waves and
noise from -60 dBFS into clipping, in blocks of 10 and 100 ms; every resampled rate; the network's answers to its golden
vector; the events of the embedded recording. It proves results, not speed: emulated times are not a board's.

The runtimes' int8 kernels for Arm round some sums otherwise than those for x86, by one int8 step. So a confidence that
lies that near to the threshold may be enough on one machine and not on the other: such near ties are counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.boards.digest import digest
from benchmarks.boards.system import BLAS_FOLDERS, BOARDS, Board, build, digest_on
from benchmarks.report import Cell, Report, Table

COLUMNS = (
    "board", "runtime", "BLAS", "Python", "NumPy", "features", "resampled", "decisions", "network off by",
    "probabilities off by", "s",
)  # fmt: skip
SAME, DIFFERENT = "same", "DIFFERENT"
NEAR = 0.02  # of a probability, to the threshold: what one int8 step comes to
EXACT = ("features", "resampled", "decisions")


def run(folder: Path, quick: bool = False) -> Report:
    """Make the boards in this folder where they are not there yet, and compare each with this machine.

    Parameters
    ----------
    folder : Path
        Some 400 MB a board are kept there.
    quick : bool
        One BLAS on each board.
    """
    here = digest()
    rows: list[tuple[Cell, ...]] = []
    figures: dict[str, float] = {}
    began = time.perf_counter()
    for board in BOARDS:
        started = time.perf_counter()
        root = build(board, folder.resolve())
        figures[f"{board.name}.build_s"] = time.perf_counter() - started
        for runtime, blas in _combinations(board, quick):
            started = time.perf_counter()
            there = digest_on(board, root, runtime, blas)
            seconds = time.perf_counter() - started
            compared = compare(here, there)
            key = f"{board.name}.{runtime}.{blas.replace(' ', '_')}"
            figures |= {f"{key}.{name}": value for name, value in compared.items()} | {f"{key}.run_s": seconds}
            verdicts = [SAME if not compared[f"{name}_different"] else DIFFERENT for name in EXACT]
            if 0 < compared["decisions_different"] == compared["near_ties"]:
                verdicts[-1] = f"{SAME} but {compared['near_ties']:.0f} near tie(s) of {len(here['decisions'])}"
            distances = (int(compared["network_lsb"]), f"{compared['probabilities_difference']:.0e}", round(seconds, 1))
            rows.append((board.name, runtime, blas, there["python"], there["numpy"], *verdicts, *distances))
    figures["all_s"] = time.perf_counter() - began
    title = f"Emulated boards beside this machine ({here['machine']}, NumPy {here['numpy']})"
    return Report("boards", (Table(title, COLUMNS, tuple(rows)),), figures)


def compare(here: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, float]:
    """Return how many features, rates and decisions differ, and how far off network and probabilities are."""
    network = max(int(np.abs(np.subtract(here[name], there[name])).max()) for name in ("logits", "attention"))
    found: dict[str, float] = {f"{name}_different": _different(here[name], there[name]) for name in EXACT}
    found["network_lsb"] = network
    same_length = len(here["probabilities"]) == len(there["probabilities"])
    far = np.abs(np.subtract(here["probabilities"], there["probabilities"])).max() if same_length else 1.0
    return found | {"probabilities_difference": float(far), "near_ties": float(_near_ties(here, there))}


def _near_ties(here: Mapping[str, Any], there: Mapping[str, Any]) -> int:
    """Return how many events name an emotion on one side alone, with a confidence that lies at the threshold."""
    found = 0
    events = zip(here["decisions"], here["probabilities"], there["decisions"], there["probabilities"], strict=False)
    for decision, probabilities, other, others in events:
        near = min(abs(max(each) - here["uncertain_below"]) for each in (probabilities, others)) <= NEAR
        found += decision != other and {decision[1], other[1]} == {"uncertain", "emotion"} and near
    return found


def _different(here: Any, there: Any) -> int:
    """Return how many entries of two mappings, or of two lists, differ."""
    if isinstance(here, Mapping):
        here, there = sorted(here.items()), sorted(there.items())
    return sum(bool(a != b) for a, b in zip_longest(here, there))


def _combinations(board: Board, quick: bool) -> Iterator[tuple[str, str]]:
    for runtime, _ in board.runtimes:
        for blas in list(BLAS_FOLDERS)[: 1 if quick else None]:
            yield runtime, blas
