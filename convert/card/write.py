"""The last stage of a run: the model file, its card and plots, and the float student beside it."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from convert.baseline import voices_of
from convert.calibration import read_decision, read_reference
from convert.card.plots import plot_confusion, plot_reliability, plot_risk_coverage
from convert.card.text import Plots, card_text
from convert.drift import with_reference
from convert.errors import ConvertError
from convert.evaluate.adapted import Adapted, judge_adapted, sessions_of
from convert.evaluate.candidates import judge_candidates
from convert.evaluate.judge import STREAMING, Judged
from convert.evaluate.report import to_plain
from convert.evaluate.run import read_answers, read_evaluation
from convert.evaluate.students import probabilities
from convert.packing import FLOAT, FLOAT_SUFFIX, INT8, pack
from convert.prepare import Prepared
from edge_ser.student.metadata import Decision
from edge_ser.student.model_file import ModelFile

log = logging.getLogger(__name__)


def write_card(prepared: Prepared, exported: Path, decision: Path, evaluation: Path, out: Path) -> Path:
    """Write the finished files into the folder of the run; return the model file.

    `NAME.tflite`, `NAME.float.tflite`, `NAME.md` (the card, which is also inside the model file), three plots and
    `NAME.json` (all figures).
    """
    name, chosen, judged = prepared.recipe.name, read_decision(decision), read_evaluation(evaluation)
    plots = Plots(*(f"{name}.{plot}.png" for plot in ("confusion", "reliability", "risk")))
    draw(prepared, chosen, judged, evaluation, plots, out)
    reference = read_reference(decision)
    tflite = (exported / INT8).read_bytes()
    student = pack(prepared, exported, chosen, {}, "", reference)
    adapted = know_speakers(prepared, student, evaluation)
    clips = [prepared.recordings.clips[clip] for clip in prepared.split.held_out]
    candidates = judge_candidates(student.metadata, read_answers(evaluation), clips)
    card = card_text(prepared, chosen, judged, adapted, candidates, tflite, plots)
    (out / f"{name}.md").write_text(card, encoding="utf-8")
    (out / f"{name}.json").write_text(json.dumps(to_plain(judged), indent=1), encoding="utf-8")
    shutil.copyfile(exported / FLOAT, out / f"{name}{FLOAT_SUFFIX}")
    path = out / f"{name}.tflite"
    model = pack(prepared, exported, chosen, metrics(judged), card, reference)
    know_drift(prepared, model).write(path)
    return path


def know_drift(prepared: Prepared, model: ModelFile) -> ModelFile:
    """Return the model file with what its recordings are like; as it is where they are too few to tell."""
    recordings = prepared.recordings
    known = np.concatenate((prepared.split.train, prepared.split.validation)).tolist()
    place = {recordings.clips[clip].name: clip for clip in known}
    try:
        clips = [recordings.clips[clip] for clip in place.values()]
        return with_reference(model, clips, lambda clip: recordings.pcm(place[clip.name]))
    except ConvertError as error:
        log.warning("no reference for drift: %s", error)
        return model


def know_speakers(prepared: Prepared, model: ModelFile, evaluation: Path) -> list[Adapted]:
    """Return what the baseline is worth to the held-out speakers."""
    recordings, held_out = prepared.recordings, prepared.split.held_out
    clips = [recordings.clips[clip] for clip in held_out]
    pcm = [recordings.pcm(clip) for clip in held_out]
    voices = voices_of(pcm, model.metadata.features, prepared.recipe.segmentation)
    by_corpus = sessions_of(model.metadata, clips, read_answers(evaluation).logits, voices)
    return [one for name, sessions in by_corpus.items() for one in judge_adapted(model.metadata, sessions, name)]


def draw(
    prepared: Prepared, decision: Decision, judged: Sequence[Judged], evaluation: Path, plots: Plots, out: Path
) -> None:
    """Draw the plots of all held-out recordings together."""
    recipe, answers = prepared.recipe, read_answers(evaluation)
    shares, labels = probabilities(answers.logits, decision.temperature, recipe.classes, recipe.label_of_class)
    clips = [prepared.recordings.clips[clip] for clip in prepared.split.held_out]
    spoken = np.array([labels.index(recipe.label_of_class.get(clip.emotion, clip.emotion)) for clip in clips])
    right, confidence = (shares.argmax(axis=1) == spoken) & answers.heard, shares.max(axis=1)
    plot_confusion(judged[0].measures[STREAMING], out / plots.confusion)
    plot_reliability(confidence, right, out / plots.reliability)
    plot_risk_coverage(confidence, right, out / plots.risk)


def metrics(judged: Sequence[Judged]) -> Mapping[str, float]:
    """Return the figures that the model file carries, by name; the card has all of them."""
    return {f"{each.name}: UAR": round(each.measures[STREAMING].uar, 4) for each in judged}
