"""The table: every combination compressed, judged and timed; what is done is kept, so that a stopped one goes on."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from convert.compressions.measure import Figures, figures, hop_times
from convert.compressions.plan import Combination, name_of
from convert.compressions.steps import Student, Workshop, compress, reach
from convert.errors import RecipeError, StageError
from convert.progress import track
from convert.stages import code_digest, run_stage
from edge_ser.errors import EdgeSerError

TFLITE, FIGURES = "student.tflite", "figures.json"
CODE = (
    "convert/compress",
    *(f"convert/compressions/{file}.py" for file in ("steps", "measure")),
    *(f"convert/export/{file}.py" for file in ("converter", "run", "streaming_step", "tflite", "weights")),
    "convert/balance.py",
)

log = logging.getLogger(__name__)


def measure_all(
    workshop: Workshop, begin: Student, combinations: Sequence[Combination], other_python: Path | None = None
) -> list[Figures]:
    """Return the figures of all combinations that can be made; of the others the log says why not.

    Parameters
    ----------
    workshop : Workshop
    begin : Student
        The float student.
    combinations : sequence of Combination
    other_python : Path, optional
        Interpreter of another environment, whose TFLite runtimes are timed as well.

    Raises
    ------
    RecipeError, StageError
        There are no validation speakers; no combination could be made.
    """
    if not len(workshop.prepared.split.validation):
        raise RecipeError("There are no validation speakers to choose a combination by", "Name some in data.validation")
    workshop.students[()] = begin
    folders = []
    for combination in track("combinations", len(combinations))(combinations):
        try:
            folders.append(_stage(workshop, begin, combination))
        except EdgeSerError as error:
            log.error("%s: left out: %s", name_of(combination), error)
    if not folders:
        raise StageError("No combination could be made", "See the log for the reason of each")
    times = hop_times([(folder / TFLITE).read_bytes() for folder in folders], other_python)
    found = []
    for row, folder in enumerate(folders):
        plain = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
        hop_us = {runtime: 1e6 * seconds[row] for runtime, seconds in times.items()}
        found.append(replace(Figures(**plain), hop_us=hop_us))
    return found


def pareto(found: Sequence[Figures]) -> list[str]:
    """Return the combinations that no other beats: at least as good in accuracy, size and times, and better in one."""
    return [
        one.name
        for one in found
        if not any(
            all(a <= b for a, b in zip(_costs(other), _costs(one), strict=True)) and _costs(other) != _costs(one)
            for other in found
        )
    ]


def _costs(one: Figures) -> tuple[float, ...]:
    return (-one.uar_validation, one.gzip_bytes, *one.hop_us.values())


def _stage(workshop: Workshop, begin: Student, combination: Combination) -> Path:
    trainings = [asdict(each) for each in (workshop.channels, workshop.sparse, workshop.rounding)]
    recipe = workshop.prepared.recipe
    inputs = {
        "begin": begin.digest,
        "steps": name_of(combination),
        "trainings": trainings,
        "features": workshop.prepared.digest,
        "soft": workshop.soft,
        "representative": recipe.quantisation.representative_clips,
        "seed": recipe.seed,
        "code": code_digest(*CODE),
    }

    def make(folder: Path) -> None:
        tflite = compress(workshop, combination)
        (folder / TFLITE).write_bytes(tflite)
        parameters = sum(each.size for each in reach(workshop, combination[:-1]).weights)
        found = asdict(figures(workshop.prepared, name_of(combination), tflite, parameters))
        (folder / FIGURES).write_text(json.dumps(found, indent=1), encoding="utf-8")

    return run_stage(workshop.out, "compressed", inputs, make)
