"""All forms of a student on the same recordings, measured side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.corpora.manifest import Clip
from convert.evaluate.measures import Measures, measure
from convert.evaluate.students import (
    Answers,
    Pcm,
    ask,
    float_student,
    int8_student,
    probabilities,
    streaming_student,
)
from convert.progress import track
from convert.segments import Segmentation
from edge_ser.student.model_file import ModelFile

FLOAT, INT8, STREAMING = "float", "int8", "int8 streaming"
ALL = "all"
COMMON = ("neutral", "happy", "sad", "angry")
"""Labels that most corpora have, so that figures on corpora never heard can be compared."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One set of recordings and what each form of the student made of it."""

    name: str
    """Corpus and labels."""

    measures: Mapping[str, Measures]
    """By form of the student."""


def ask_all(model: ModelFile, float_tflite: bytes | None, recordings: Sequence[Pcm]) -> dict[str, Answers]:
    """Return the answers of each form of the student.

    Parameters
    ----------
    model : ModelFile
    float_tflite : bytes, optional
        The float student; left out where there is none.
    recordings : sequence of int16 (n,)
        16 kHz, mono.
    """
    spec, decision = model.metadata.features, model.metadata.decision
    segmentation = Segmentation(spec.frames_per_step, round(decision.hangover_seconds / spec.step_seconds))
    students = {
        INT8: int8_student(model.tflite, spec, segmentation),
        STREAMING: streaming_student(model),
    }
    if float_tflite is not None:
        students = {FLOAT: float_student(float_tflite, spec, segmentation), **students}
    count = len(model.metadata.classes)
    return {name: ask(student, track(name)(recordings), count) for name, student in students.items()}


def judge(
    model: ModelFile,
    answers: Mapping[str, Answers],
    clips: Sequence[Clip],
    told_apart: Mapping[str, Sequence[str]],
) -> list[Judged]:
    """Return the figures: of all corpora together and of each, by label, and by class where those differ.

    Where a corpus tells fewer labels apart than the student names, a set 'of its own labels' leaves the others out of
    the choice, as published figures do; the first figure for it does not, for nobody tells the board what not to say.
    A set 'of common labels' leaves out all others, from the recordings and from the choice. So does one for each set of
    labels in the model file, which has a temperature of its own.

    Parameters
    ----------
    model : ModelFile
        For classes, labels and temperature.
    answers : mapping
        From `ask_all`, on the recordings of `clips`.
    clips : sequence of Clip
    told_apart : mapping
        Classes that each corpus tells apart.
    """
    metadata = model.metadata
    corpus = np.array([clip.corpus for clip in clips])
    by_label, by_class = dict(metadata.label_of_class), {name: name for name in metadata.classes}
    everything = np.arange(len(clips))
    sets = [(f"{ALL}, {len(metadata.labels)} labels", everything, by_label, None)] if len(set(corpus)) > 1 else []
    for name in dict.fromkeys(corpus.tolist()):
        chosen, own = np.flatnonzero(corpus == name), told_apart[name]
        sets.append((f"{name}, {len(metadata.labels)} labels", chosen, by_label, None))
        if len({by_label[c] for c in own}) < len(metadata.labels):
            sets.append((f"{name}, of its own {len(own)} classes", chosen, by_class, own))
        elif len(metadata.classes) > len(metadata.labels):
            sets.append((f"{name}, {len(metadata.classes)} classes", chosen, by_class, None))
        common = [each for each in metadata.classes if by_label[each] in COMMON]
        if set(COMMON) <= {by_label[c] for c in own} and len(metadata.labels) > len(COMMON):
            of_common = [place for place in chosen if clips[place].emotion in common]
            sets.append((f"{name}, of {len(COMMON)} common labels", np.array(of_common), by_label, common))
    judged = [
        Judged(name, {form: _measure(model, each, clips, chosen, naming, own) for form, each in answers.items()})
        for name, chosen, naming, own in sets
    ]
    return judged + _judge_label_sets(model, answers, clips)


def _judge_label_sets(model: ModelFile, answers: Mapping[str, Answers], clips: Sequence[Clip]) -> list[Judged]:
    """Return the figures of each set of labels of the model file, calibrated for itself, of all corpora together."""
    found = []
    for name in model.metadata.decision.label_sets or {}:
        among = model.among(name)
        naming = dict(among.metadata.label_of_class)
        chosen = np.flatnonzero([clip.emotion in naming for clip in clips])
        measures = {form: _measure(among, each, clips, chosen, naming, list(naming)) for form, each in answers.items()}
        found.append(Judged(f"{ALL}, its set of labels `{name}`", measures))
    return found


def _measure(
    model: ModelFile,
    answers: Answers,
    clips: Sequence[Clip],
    chosen: NDArray[np.intp],
    naming: dict[str, str],
    own: Sequence[str] | None,
) -> Measures:
    classes = model.metadata.classes
    compared = [place for place, name in enumerate(classes) if own is None or name in own]
    logits, names = answers.logits[np.ix_(chosen, compared)], [classes[place] for place in compared]
    shares, labels = probabilities(logits, model.metadata.decision.temperature, names, naming)
    members = [clips[place] for place in chosen]
    spoken = np.array([labels.index(naming[clip.emotion]) for clip in members], np.intp)
    speakers, genders = [clip.speaker for clip in members], [clip.gender for clip in members]
    return measure(shares, spoken, labels, speakers, genders, answers.heard[chosen])
