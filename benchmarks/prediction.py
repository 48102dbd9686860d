"""What a step should cost on boards that are not here: a prediction from arithmetic and published peaks.

The student's step takes as long as its multiplications at a fraction of the core's int8 peak, or as long as its bytes
from memory, whichever is longer. What is Python and NumPy takes as much longer than here as the core is slower in
general code. It stays a prediction until somebody who has the board sends what `edge-ser-bench board-report` writes.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import pipeline
from benchmarks.operations import work_of
from benchmarks.report import Cell, Figure, Report, Table
from edge_ser.student.model_file import ModelFile

EFFICIENCY = (0.5, 0.2)
"""Of the int8 peak, at best and at worst: what TFLite's convolutions of a few dozen channels reach."""

US_PER_S, US_PER_MS = 1e6, 1e3
Range = tuple[float, float]
"""At best, at worst."""


@dataclass(frozen=True, slots=True)
class Core:
    """A core that is found in boards."""

    name: str
    board: str
    ghz: float
    macs_per_cycle: int
    """int8, of one core."""

    instruction: str
    """That does them: by Arm's software optimisation guides of A72 and A76, for A53 by its 64-bit data path."""

    gigabytes_per_second: float
    """Peak of the board's memory, for all cores together."""

    slower: Range
    """Than a core of this machine in Python and NumPy."""


CORES = (
    Core("Cortex-A53", "Raspberry Pi Zero 2 W", 1.0, 4, "SMLAL, 8 in two cycles", 3.6, (10.0, 20.0)),
    Core("Cortex-A72", "Raspberry Pi 4", 1.8, 8, "SMLAL, 8 a cycle", 12.8, (5.0, 8.0)),
    Core("Cortex-A76", "Raspberry Pi 5", 2.4, 32, "SDOT, 16 on each of two pipes", 17.1, (2.0, 3.0)),
)
NOTES = (
    "a prediction: none of these boards was measured",
    "assumed: int8 convolutions reach 20 to 50 % of the peak; no byte stays in a cache between two steps (LPDDR2-900, "
    "LPDDR4-3200 and LPDDR4X-4267 of 32 bits, whose peaks these are); one core, no throttling",
    "assumed: Python and NumPy are slower than on this machine by the factor given, from public single-core results of "
    "Geekbench 6, which lie around 100 to 150, 300 to 350 and 750 to 900, against some 1500 to 2000 of a server's core",
)


def run(quick: bool = False) -> Report:
    """Predict from what the student computes and what the rest of the pipeline takes here."""
    model = ModelFile.load_bundled()
    work = work_of(model.tflite)
    step_us = model.metadata.features.step_seconds * US_PER_S
    rest_us = pipeline.rest_us(quick)
    figures: dict[str, Figure] = {"rest_here_us": rest_us}
    rows: list[tuple[Cell, ...]] = []
    for core in CORES:
        peak = core.ghz * core.macs_per_cycle
        student = predicted_us(core, work.macs, work.moved_bytes)
        rest = (rest_us * core.slower[0], rest_us * core.slower[1])
        whole = (student[0] + rest[0], student[1] + rest[1])
        key = core.name.replace("-", "_").lower()
        figures |= {
            f"{key}_student_best_us": student[0], f"{key}_student_worst_us": student[1],
            f"{key}_step_best_us": whole[0], f"{key}_step_worst_us": whole[1],
            f"{key}_real_time_factor_worst": whole[1] / step_us,
        }  # fmt: skip
        share = _text((100 * whole[0] / step_us, 100 * whole[1] / step_us))
        in_ms = [_text((low / US_PER_MS, high / US_PER_MS)) for low, high in (student, rest, whole)]
        rows.append((core.name, core.board, f"{peak:g}", core.instruction, *in_ms, share))
    columns = ("core", "board", "GMAC/s at most", "by", "student, ms", "the rest, ms", "a step, ms", "% of one core")
    title = f"Predicted, from {work.macs / 1e6:.2f} million multiplications and {work.moved_bytes / 1e3:.0f} kB a step"
    return Report("prediction", (Table(title, columns, tuple(rows)),), figures, NOTES)


def predicted_us(core: Core, macs: int, moved_bytes: int) -> Range:
    """Return the time of a network on a core, at best and at worst.

    Examples
    --------
    >>> predicted_us(Core("", "", 1.0, 4, "", 1.0, (1, 1)), macs=1_000_000, moved_bytes=1000)
    (500.0, 1250.0)
    """
    memory = moved_bytes / core.gigabytes_per_second / 1e3
    best, worst = (max(macs / (core.ghz * core.macs_per_cycle * share) / 1e3, memory) for share in EFFICIENCY)
    return best, worst


def _text(values: Range) -> str:
    return " to ".join(f"{value:.2g}" for value in values)
