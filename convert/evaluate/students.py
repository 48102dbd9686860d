"""The student in its three forms, asked about recordings: float, int8 on cut-out utterances, int8 as it listens.

All three give class logits up to what is common to all classes, so that temperatures and labels can be applied after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.features import utterance
from convert.segments import Segmentation, segments
from edge_ser.decision.pooling import Pooling
from edge_ser.segmenter import to_int8
from edge_ser.student.backend import build_interpreter
from edge_ser.student.graph import read_graph
from edge_ser.student.metadata import Features
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network

BLOCK = 1600  # samples pushed at a time, 100 ms

Pcm = NDArray[np.int16]
"""(n,), mono, 16 kHz."""

Student = Callable[[Pcm], "NDArray[np.float64] | None"]
"""Returns class logits (n_classes,) of a recording, or None where it heard no speech."""

OnUtterances = Callable[[Sequence[NDArray[np.int8]]], "NDArray[np.float64] | None"]
"""The same, of the int8 features (frames, n_features) of a recording's utterances."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a student said of some recordings, in their order."""

    logits: NDArray[np.float64]
    """(n, n_classes); zeros where nothing was heard."""

    heard: NDArray[np.bool_]
    """(n,)."""


def ask(student: Student, recordings: Iterable[Pcm], n_classes: int) -> Answers:
    """Return a student's answers."""
    found = [student(pcm) for pcm in recordings]
    logits = [np.zeros(n_classes) if each is None else each for each in found]
    return Answers(np.reshape(logits, (-1, n_classes)), np.array([each is not None for each in found], bool))


def int8_student(tflite: bytes, spec: Features, segmentation: Segmentation) -> Student:
    """Return the int8 student on utterances that are cut out first, as in training."""
    answer = int8_on_utterances(tflite)
    return lambda pcm: answer(utterances(pcm, spec, segmentation))


def float_student(tflite: bytes, spec: Features, segmentation: Segmentation) -> Student:
    """Return the float32 student, which gives the same a step at a time as all at once."""
    answer = float_on_utterances(tflite, spec.lsb_per_std)
    return lambda pcm: answer(utterances(pcm, spec, segmentation))


def int8_on_utterances(tflite: bytes) -> OnUtterances:
    """Return the int8 student, asked about what it is fed."""
    network = Network(tflite)
    graph = network.graph

    def answer(heard: Sequence[NDArray[np.int8]]) -> NDArray[np.float64] | None:
        pooling = Pooling(graph.logits.shape[1])
        for each in heard:
            network.reset()
            for step in _steps(each, graph.features.shape[1]):
                logits, attention = network(step)
                real = (logits.astype(np.float64) - graph.logits.zero_point) * graph.logits.scale
                pooling.add(real.tolist(), (attention - graph.attention.zero_point) * graph.attention.scale)
        return np.array(pooling.mean()) if pooling.steps else None

    return answer


def float_on_utterances(tflite: bytes, lsb_per_std: float) -> OnUtterances:
    """Return the float32 student, asked about what the int8 one is fed."""
    run = build_interpreter(tflite)
    graph = read_graph(run)

    def answer(heard: Sequence[NDArray[np.int8]]) -> NDArray[np.float64] | None:
        pooling = Pooling(graph.logits.shape[1])
        for each in heard:
            for before, _ in graph.states:
                run.set_tensor(before.index, np.zeros(before.shape, np.float32))
            for step in _steps(each, graph.features.shape[1]):
                real = step.astype(np.float32).reshape(graph.features.shape) / np.float32(lsb_per_std)
                run.set_tensor(graph.features.index, real)
                run.invoke()
                for before, after in graph.states:
                    run.set_tensor(before.index, run.get_tensor(after.index))
                logits, attention = (run.get_tensor(t.index) for t in (graph.logits, graph.attention))
                pooling.add(logits[0].tolist(), float(attention[0, 0]))
        return np.array(pooling.mean()) if pooling.steps else None

    return answer


def streaming_student(model: ModelFile) -> Student:
    """Return the recogniser's own pipeline, fed in blocks of 100 ms."""
    # Imported here: the other two work without the decision side of the board.
    from edge_ser.pipeline import Pipeline
    from edge_ser.settings import Settings

    pipeline = Pipeline(model, Settings())

    def answer(pcm: Pcm) -> NDArray[np.float64] | None:
        pipeline.reset()
        for first in range(0, len(pcm), BLOCK):
            pipeline.push(pcm[first : first + BLOCK])
        pipeline.flush()
        pooled = pipeline.pooled_logits()
        return None if pooled is None else np.array(pooled)

    return answer


def utterances(pcm: Pcm, spec: Features, segmentation: Segmentation) -> list[NDArray[np.int8]]:
    """Return what the student is fed of a recording: int8 (frames, n_features) for each utterance."""
    frames_to_int8 = to_int8(spec)
    heard = segments(pcm, segmentation, spec.extras)
    return [utterance(each.log_mel, frames_to_int8, spec.frames_per_step) for each in heard]


def probabilities(
    logits: NDArray[np.float64], temperature: float, classes: Sequence[str], label_of_class: dict[str, str]
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the probability of each label (n, n_labels), and the labels.

    Parameters
    ----------
    logits : float64 (n, n_classes)
    temperature : float
        That they are divided by.
    classes : sequence of str
    label_of_class : dict
        A label's probability is the sum of its classes'; a class that is missing is its own label.
    """
    of_class = [label_of_class.get(name, name) for name in classes]
    labels = list(dict.fromkeys(of_class))
    scaled = logits / temperature
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares = weights / weights.sum(axis=1, keepdims=True)
    summed = np.zeros((len(shares), len(labels)))
    for place, label in enumerate(of_class):
        summed[:, labels.index(label)] += shares[:, place]
    return summed, labels


def _steps(heard: NDArray[np.int8], size: int) -> list[NDArray[np.int8]]:
    return [np.ascontiguousarray(heard[first : first + size]) for first in range(0, len(heard), size)]
