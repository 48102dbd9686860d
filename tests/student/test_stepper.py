"""The student's steps: state carried exactly, reset exactly, and a wrong network or runtime found out."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_ser.errors import BackendError, ModelFileError
from edge_ser.student.backend import installed_backends
from edge_ser.student.graph import Graph, Tensor
from edge_ser.student.metadata import Golden
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network
from edge_ser.student.stepper import Stepper, check_graph

LONG_SPEECH = "a13600dd4e45d956"  # of the answers of the shipped student; changes with it


def noise(model: ModelFile, steps: int, seed: int = 0) -> NDArray[np.int8]:
    spec = model.metadata.features
    values = np.random.default_rng(seed).normal(
        0, spec.lsb_per_std, (steps, spec.frames_per_step, spec.front_end.n_mfcc)
    )
    return np.clip(np.rint(values), -128, 127).astype(np.int8)


@pytest.mark.parametrize("backend", installed_backends())
def test_each_runtime_answers_as_the_file_says(model: ModelFile, backend: str) -> None:
    stepper = Stepper(model, backend=backend)
    stepper.self_test()
    stepper.self_test()  # again: it leaves no state behind


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_nothing(model: ModelFile, backend: str, threads: int) -> None:
    one, more = Stepper(model, 1, backend), Stepper(model, threads, backend)
    for step in noise(model, 10):
        logits, attention = one(step)
        other_logits, other_attention = more(step)
        np.testing.assert_array_equal(logits, other_logits)
        assert attention == other_attention


def test_answers_are_real_numbers_of_the_int8_ones(model: ModelFile) -> None:
    stepper, network = Stepper(model), Network(model.tflite)
    graph = network.graph
    for step in noise(model, 5):
        logits, attention = stepper(step)
        whole, whole_attention = network(step)
        assert (logits.dtype, logits.shape) == (np.float32, (len(model.metadata.classes),))
        np.testing.assert_allclose(logits, (whole.astype(float) - graph.logits.zero_point) * graph.logits.scale, 1e-6)
        assert attention == (whole_attention - graph.attention.zero_point) * graph.attention.scale


def test_every_int8_logit_has_its_real_number(model: ModelFile, monkeypatch) -> None:
    stepper = Stepper(model)
    whole, tensor = np.arange(-128, 128).astype(np.int8), stepper._network.graph.logits
    monkeypatch.setattr(Network, "__call__", lambda self, features: (whole, 0))
    logits, _ = stepper(noise(model, 1)[0])
    wanted = (whole - np.float32(tensor.zero_point)) * np.float32(tensor.scale)
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, wanted)


@settings(max_examples=20, deadline=None)
@given(before=st.integers(0, 12), seed=st.integers(0, 1000))
def test_reset_forgets_everything(model: ModelFile, before: int, seed: int) -> None:
    used, fresh = Stepper(model), Stepper(model)
    for step in noise(model, before, seed):
        used(step)
    used.reset()
    for step in noise(model, 3, seed + 1):
        np.testing.assert_array_equal(used(step)[0], fresh(step)[0])


def test_state_reaches_the_next_step(model: ModelFile) -> None:
    quiet, loud = Stepper(model), Stepper(model)
    first, other, second = noise(model, 3)
    quiet(first)
    loud(other)
    assert not np.array_equal(quiet(second)[0], loud(second)[0])


def test_features_need_not_be_contiguous(model: ModelFile) -> None:
    step = noise(model, 1)[0]
    plain, strided = Stepper(model), Stepper(model)
    np.testing.assert_array_equal(plain(step)[0], strided(np.repeat(step, 2, axis=1)[:, ::2])[0])


@pytest.mark.parametrize("backend", installed_backends())
def test_each_runtime_gives_the_answers_of_export(model: ModelFile, backend: str) -> None:
    network = Network(model.tflite, backend=backend)
    for step, golden, weight in zip(*model.metadata.golden_arrays(), strict=True):
        logits, attention = network(step)
        assert np.abs(logits.astype(int) - golden).max() <= 1  # int8 step
        assert abs(attention - int(weight)) <= 1
        assert logits.argmax() == golden.argmax()


@pytest.mark.parametrize("backend", installed_backends())
def test_each_runtime_says_the_same_of_long_speech(model: ModelFile, backend: str) -> None:
    """Bytes of 500 steps, the same in each environment that runs this, whichever runtime it has."""
    network = Network(model.tflite, backend=backend)
    digest = hashlib.sha256()
    for step in noise(model, 500):
        logits, attention = network(step)
        digest.update(logits.tobytes() + bytes([attention + 128]))
    assert digest.hexdigest()[:16] == LONG_SPEECH


def with_golden(model: ModelFile, logits_change: int = 0, attention_change: int = 0) -> ModelFile:
    features, logits, attention = (array.copy() for array in model.metadata.golden_arrays())
    logits[-1, 0] += logits_change if logits[-1, 0] < 0 else -logits_change
    attention[-1] += attention_change if attention[-1] < 0 else -attention_change
    metadata = dataclasses.replace(model.metadata, golden=Golden.of(features, logits, attention))
    return dataclasses.replace(model, metadata=metadata)


@pytest.mark.parametrize("wrong", [{"logits_change": 20}, {"attention_change": 20}])
def test_runtime_that_computes_wrongly_is_found(model: ModelFile, wrong: dict[str, int]) -> None:
    Stepper(with_golden(model)).self_test()
    with pytest.raises(BackendError, match="computes wrongly"):
        Stepper(with_golden(model, **wrong)).self_test()


def other_features(model: ModelFile, **changes: object) -> ModelFile:
    spec = model.metadata.features
    features = dataclasses.replace(spec, **changes)  # type: ignore[arg-type]
    zeros = np.zeros((1, features.frames_per_step, spec.front_end.n_mfcc), np.int8)
    golden = Golden.of(zeros, zeros[0, :1, : len(model.metadata.classes)], zeros[0, 0, :1])
    return dataclasses.replace(model, metadata=dataclasses.replace(model.metadata, features=features, golden=golden))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"frames_per_step": 4}, "features are"), ({"lsb_per_std": 30.0}, "another scale")],
)
def test_network_that_does_not_fit_its_metadata_is_refused(
    model: ModelFile, changes: dict[str, object], problem: str
) -> None:
    with pytest.raises(ModelFileError, match=problem):
        Stepper(other_features(model, **changes))


def test_float_network_is_refused(model: ModelFile) -> None:
    graph = Network(model.tflite).graph
    as_float = dataclasses.replace(graph.logits, dtype=np.float32)
    with pytest.raises(ModelFileError, match="not int8"):
        check_graph(dataclasses.replace(graph, logits=as_float), model.metadata)


def test_states_are_zero_at_their_zero_point(model: ModelFile) -> None:
    """Every state's input and output have one scale: else copying bytes would not be copying numbers."""
    graph: Graph = Network(model.tflite).graph
    assert graph.states
    kinds = [[(t.shape, t.dtype, t.scale, t.zero_point) for t in pair] for pair in graph.states]
    assert all(before == after for before, after in kinds)
    assert isinstance(graph.features, Tensor)
    assert graph.features.zero_point == 0
