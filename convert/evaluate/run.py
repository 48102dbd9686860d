"""The evaluation stage of a run."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from convert.calibration import read_decision
from convert.errors import RecipeError
from convert.evaluate.judge import STREAMING, Judged, ask_all, judge
from convert.evaluate.report import from_plain, to_plain
from convert.evaluate.students import Answers
from convert.packing import FLOAT, pack
from convert.prepare import Prepared
from convert.protocols import SPEAKER
from convert.stages import code_digest, run_stage

CODE = (
    *(f"convert/evaluate/{file}.py" for file in ("judge", "measures", "students")),
    "convert/segments.py",
    *(f"edge_ser/{part}" for part in ("pipeline.py", "segmenter.py", "decision", "features", "student")),
)
"""What the figures depend on."""

EVALUATION, ANSWERS = "evaluation.json", "answers.npz"


def evaluate_student(prepared: Prepared, exported: Path, decision: Path, out: Path) -> Path:
    """Judge the student on the held-out speakers; return the stage's folder, which `read_evaluation` reads.

    Parameters
    ----------
    prepared : Prepared
    exported, decision : Path
        Folders of the export and of the calibration.
    out : Path
        Folder of the run.

    Raises
    ------
    RecipeError
        There are no held-out speakers.
    """
    clips = prepared.split.held_out
    if not len(clips):
        raise RecipeError("There are no held-out speakers to judge the student with", "Name some in data.held_out")
    inputs = {
        "exported": exported.name,
        "decision": asdict(read_decision(decision)),
        "clips": clips.tolist(),
        "code": code_digest(*CODE),
    }

    def make(folder: Path) -> None:
        model = pack(prepared, exported, read_decision(decision), {}, "")
        recordings = prepared.recordings
        answers = ask_all(model, (exported / FLOAT).read_bytes(), [recordings.pcm(clip) for clip in clips])
        judged = judge(model, answers, [recordings.clips[clip] for clip in clips], recordings.classes_of_corpus)
        if (protocol := prepared.recipe.data.split) != SPEAKER:
            judged = [replace(each, name=f"{each.name}, {protocol} split") for each in judged]
        (folder / EVALUATION).write_text(json.dumps(to_plain(judged), indent=1), encoding="utf-8")
        streaming = answers[STREAMING]
        np.savez(folder / ANSWERS, logits=streaming.logits, heard=streaming.heard)

    return run_stage(out, "evaluation", inputs, make)


def read_evaluation(folder: Path) -> list[Judged]:
    """Return what `evaluate_student` found."""
    return from_plain(json.loads((folder / EVALUATION).read_text(encoding="utf-8")))


def read_answers(folder: Path) -> Answers:
    """Return what the student answered as it listens, on the held-out clips in their order."""
    with np.load(folder / ANSWERS) as saved:
        return Answers(saved["logits"], saved["heard"])
