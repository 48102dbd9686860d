"""The same recipe under honest and dishonest protocols, side by side: what a published figure hangs on."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from convert.card.text import table
from convert.evaluate.measures import recalls
from convert.evaluate.report import percent
from convert.evaluate.students import ask, int8_student
from convert.packing import INT8, student_features
from convert.protocols import LEAKING, PROTOCOLS, RANDOM, SPEAKER
from convert.recipe import Recipe

TRIED = (LEAKING, RANDOM, SPEAKER)


@dataclass(frozen=True, slots=True)
class Row:
    """One protocol."""

    protocol: str
    recordings: int
    """That were judged."""

    speakers: int
    """Who speaks in them."""

    heard_before: int
    """Of these, those who were trained on."""

    wa: float
    uar: float
    seconds: float
    """Of training and judging, less what an earlier run had done."""


def judge_protocol(recipe: Recipe, protocol: str, corpora: Path, out: Path) -> Row:
    """Train a recipe under a protocol and judge its int8 student.

    Parameters
    ----------
    recipe : Recipe
        Its held-out speakers are those of the protocol `speaker`; the others draw recordings by chance.
    protocol : str
        One of `TRIED`.
    corpora, out : Path
        As in `convert.run.run`.

    Raises
    ------
    EdgeSerError
        As `convert.run.run`.
    """
    # Imported here: TensorFlow is needed only now.
    from convert.export.run import export
    from convert.run import compress, learn

    began = time.monotonic()
    data = replace(recipe.data, split=protocol)
    decision = replace(recipe.decision, offsets=False)  # which would need validation speakers
    learnt = learn(replace(recipe, data=data, decision=decision, ships=False), corpora, out)
    prepared = learnt.prepared
    exported = export(prepared, compress(learnt, out), out)
    judged = prepared.split.held_out
    recordings, clips = prepared.recordings, [prepared.recordings.clips[clip] for clip in judged]
    student = int8_student((exported / INT8).read_bytes(), student_features(prepared), recipe.segmentation)
    answers = ask(student, [recordings.pcm(clip) for clip in judged], len(recipe.classes))
    known = {name: recordings.classes_of_corpus[name] for name in recordings.classes_of_corpus}
    allowed = np.array([[name in known[clip.corpus] for name in recipe.classes] for clip in clips])
    spoken = np.array([recipe.classes.index(clip.emotion) for clip in clips])
    right = (np.where(allowed, answers.logits, -np.inf).argmax(axis=1) == spoken) & answers.heard
    speakers = {clip.speaker for clip in clips}
    taught = {recordings.clips[clip].speaker for clip in prepared.split.train}
    return Row(
        protocol,
        len(clips),
        len(speakers),
        len(speakers & taught),
        float(right.mean()),
        float(np.mean(list(recalls(right, spoken).values()))),
        round(time.monotonic() - began, 1),
    )


def write_rows(rows: Sequence[Row], recipe: Recipe, command: str, prefix: Path) -> None:
    """Write `prefix`.json and `prefix`.md."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    plain = {"command": command, "recipe": recipe.name, "protocols": [asdict(row) for row in rows]}
    prefix.with_suffix(".json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    prefix.with_suffix(".md").write_text(markdown(rows, recipe, command), encoding="utf-8")


def markdown(rows: Sequence[Row], recipe: Recipe, command: str) -> str:
    """Return the table and what it means."""
    head = ("protocol", "accuracy", "UAR", "recordings", "speakers (heard before)", "seconds")
    cells = [
        (row.protocol, percent(row.wa), percent(row.uar), str(row.recordings), f"{row.speakers} ({row.heard_before})",
         f"{row.seconds:.0f}")
        for row in rows
    ]  # fmt: skip
    meaning = [f"- `{row.protocol}`: {PROTOCOLS[row.protocol]}." for row in rows]
    lines = (
        f"# {recipe.name}: one recipe, {len(rows)} protocols",
        "",
        f"Made by `{command}`. The int8 student, one seed; per cent of the recordings that were held out. Network,",
        "training, augmentation and seed are the same: only who is held out differs.",
        "",
        table(head, cells),
        "",
        *meaning,
        "",
        "Only `speaker` says how a stranger will be heard.",
    )
    return "\n".join(lines) + "\n"
