"""The board's student says what the trained one says, and where it cannot, nothing is shipped."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_optimization as tfmot
from numpy.typing import NDArray
from speech import STEP, demo, utterance
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.streaming_cnn import StreamingCnn
from convert.export.converter import CALIBRATION, SAVED_MODEL, SIGNATURE
from convert.export.errors import ConversionError, ParityError
from convert.export.parity import check_parity, compare, shipped_logits, trained_logits
from convert.export.streaming_step import StreamingStep, streaming_step
from convert.export.tflite import calibration, run_converter, to_tflite
from convert.export.untrained import LSB_PER_STD, extract, fit_features, random_model, untrained_student
from convert.export.weights import folded_weights
from edge_ser.recognizer import Recognizer
from edge_ser.segmenter import Segmenter
from edge_ser.student.backend import build_interpreter
from edge_ser.student.metadata import Features
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network
from edge_ser.student.stepper import Stepper

SMALL: dict[str, Any] = {"channels": (4, 6, 8, 10), "embedding": 12}
EXTRAS = ("log_energy", "pitch")  # four columns
EVERYTHING = StreamingCnn(**SMALL, spectral=True, n_mfcc=20, n_bands=24, n_extras=4, convolutions=2, dilations=(1, 2))
SIZES = {
    "plain": StreamingCnn(**SMALL),
    "narrow": StreamingCnn(**SMALL, n_mfcc=13, dilations=(3,)),
    "stride": StreamingCnn(**SMALL, downsample="stride"),
    "extras": StreamingCnn(**SMALL, n_mfcc=13, n_extras=4),
    "everything": EVERYTHING,
    "everything, stride": dataclasses.replace(EVERYTHING, downsample="stride"),
}

Int8 = NDArray[np.int8]


def speech() -> list[NDArray[np.int16]]:
    """Return a few recordings."""
    return list(np.array_split(demo(), 6))


def heard_by(network: StreamingCnn) -> list[Int8]:
    features: Features = fit_features(network, speech(), EXTRAS if network.n_extras else ())
    return [extract(features, pcm) for pcm in speech()]


def whole(model: keras.Model, features: Int8) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return logits (steps, n_classes) and attention (steps,) of the trained model, all at once."""
    logits, attention = model(features.astype(np.float32)[None, :, :, None] / LSB_PER_STD, training=False)
    return logits.numpy()[0], attention.numpy()[0]


def stepwise(step: StreamingStep, features: Int8) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the same of the streaming student."""
    outputs = [output for _, output in step.roll(features.astype(np.float32) / LSB_PER_STD)]
    return np.concatenate([o["logits"] for o in outputs]), np.concatenate([o["attention"][:, 0] for o in outputs])


def assert_same(model: keras.Model, step: StreamingStep, features: Int8) -> None:
    for found, wanted in zip(stepwise(step, features), whole(model, features), strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-5)


@pytest.mark.parametrize("name", SIZES)
def test_step_by_step_equals_all_at_once(name: str) -> None:
    network = SIZES[name]
    heard = heard_by(network)
    model = random_model(network, heard, seed=1)
    assert_same(model, streaming_step(network, model), heard[0])


def test_pruned_weights_stay_zero() -> None:
    """The optimiser's last step moves pruned weights away from zero; the export must not."""
    network = SIZES["plain"]
    heard = heard_by(network)
    schedule = tfmot.sparsity.keras.ConstantSparsity(0.75, begin_step=0, frequency=1)
    pruned = tfmot.sparsity.keras.prune_low_magnitude(random_model(network, heard, seed=1), schedule)
    pruned.compile(keras.optimizers.SGD(0.1), "mse")
    batch = np.stack([features[:64] for features in heard]).astype(np.float32)[..., None] / LSB_PER_STD
    targets = [np.zeros((len(heard), 8, 8), np.float32), np.zeros((len(heard), 8), np.float32)]
    updates = tfmot.sparsity.keras.UpdatePruningStep()
    updates.on_epoch_end = lambda *_: None  # a run that is stopped within an epoch
    pruned.fit(batch, targets, callbacks=[updates], verbose=0)
    convolution = next(operation for operation in network.plan() if getattr(operation, "name", "") == "block_2_1")
    layer = pruned.get_layer("prune_low_magnitude_block_2_1")
    assert (layer.get_weights()[0] == 0).mean() < 0.7
    assert (folded_weights(pruned, convolution).kernel == 0).mean() == pytest.approx(0.75, abs=0.01)
    assert_same(tfmot.sparsity.keras.strip_pruning(masked(pruned)), streaming_step(network, pruned), heard[0])


def masked(pruned: keras.Model) -> keras.Model:
    for layer in pruned.layers:
        if hasattr(layer, "pruning_obj"):
            layer.pruning_obj.weight_mask_op()
    return pruned


def test_quantisation_aware_weights_are_those_that_were_trained() -> None:
    network = SIZES["everything"]
    heard = heard_by(network)
    model = random_model(network, heard, seed=1)
    aware = tfmot.quantization.keras.quantize_model(model)
    assert_same(model, streaming_step(network, aware), heard[0])
    aware.compile("adam", "mse")
    batch = heard[0][None, :64, :, None].astype(np.float32) / LSB_PER_STD
    aware.fit(batch, [np.ones((1, 8, 8), np.float32), np.ones((1, 8), np.float32)], verbose=0)
    changed = np.abs(stepwise(streaming_step(network, aware), heard[0])[0] - whole(model, heard[0])[0]).max()
    assert changed > 1e-4


def test_model_of_another_configuration_is_refused() -> None:
    with pytest.raises(ConversionError, match="no layer 'temporal_1'"):
        streaming_step(SIZES["narrow"], StreamingCnn(**SMALL, n_mfcc=13).build())


class Exported:
    """One student, converted once for all the tests below."""

    def __init__(self) -> None:
        self.network = EVERYTHING
        self.heard = heard_by(self.network)
        self.model = random_model(self.network, self.heard, seed=1)
        self.step = streaming_step(self.network, self.model)
        self.tflite = to_tflite(self.step, self.heard, LSB_PER_STD)


@pytest.fixture(scope="module")
def exported() -> Exported:
    return Exported()


def test_int8_file_is_int8_throughout_and_keeps_the_contract(exported: Exported) -> None:
    network = Network(exported.tflite)
    graph = network.graph
    assert graph.features.shape == (1, 8, 24, 1)
    assert (graph.features.zero_point, graph.features.scale) == (0, pytest.approx(1 / LSB_PER_STD, rel=1e-5))
    tensors = [graph.features, graph.logits, graph.attention, *(tensor for pair in graph.states for tensor in pair)]
    assert {tensor.dtype for tensor in tensors} == {np.int8}
    assert [before.shape for before, _ in graph.states] == list(exported.step.states.values())
    details = build_interpreter(exported.tflite).get_tensor_details()  # type: ignore[attr-defined]
    assert not [detail["name"] for detail in details if np.issubdtype(detail["dtype"], np.floating)]


def test_parity_gate_lets_a_good_student_pass(exported: Exported) -> None:
    results = check_parity(exported.model, exported.tflite, exported.heard, LSB_PER_STD, min_agreement=0.0)
    for result in results:
        assert result.recordings == len(exported.heard)
        assert 0 < result.logit_error < 0.15
        assert 0 < result.probability_error < 0.05


def test_parity_gate_stops_another_student(exported: Exported) -> None:
    other = random_model(exported.network, exported.heard, seed=2)
    with pytest.raises(ParityError, match="not what was trained"):
        check_parity(other, exported.tflite, exported.heard, LSB_PER_STD)


def test_parity_gate_stops_a_badly_calibrated_student(exported: Exported) -> None:
    """Scales from near silence: whatever is louder is cut off."""
    quiet = [np.zeros_like(features) for features in exported.heard]
    tflite = to_tflite(exported.step, quiet, LSB_PER_STD)
    with pytest.raises(ParityError):
        check_parity(exported.model, tflite, exported.heard, LSB_PER_STD)


def test_float_file_says_what_was_trained(exported: Exported) -> None:
    tflite = to_tflite(exported.step, None, LSB_PER_STD)
    network = Network(tflite)
    logits, _ = whole(exported.model, exported.heard[0])
    steps = (exported.heard[0].astype(np.float32) / LSB_PER_STD).reshape(-1, 8, 24)
    np.testing.assert_allclose(np.stack([network(step)[0] for step in steps]), logits, atol=1e-4)  # type: ignore[arg-type]


def test_calibration_holds_rolled_states_and_both_ends_of_the_range(exported: Exported) -> None:
    examples = calibration(exported.step, exported.heard, LSB_PER_STD, seed=0)
    assert set(examples) == {"features", *exported.step.states}
    ends = [examples["features"].min() * LSB_PER_STD, examples["features"].max() * LSB_PER_STD]
    assert ends == pytest.approx([-128, 127])
    for name in exported.step.states:
        assert examples[name].std() > 0
    np.testing.assert_array_equal(
        examples["state_0"], calibration(exported.step, exported.heard, LSB_PER_STD, 0)["state_0"]
    )


def test_nothing_to_calibrate_on_is_an_error(exported: Exported) -> None:
    with pytest.raises(ConversionError, match="as long as one step"):
        calibration(exported.step, [exported.heard[0][:7]], LSB_PER_STD, seed=0)


def test_measures_of_parity() -> None:
    trained = np.array([[1.0, 0.0, -1.0], [0.0, 2.0, -2.0]])
    same = compare("tflite", trained, trained + 7.0)  # added to all logits, it changes no probability
    assert (same.agreement, same.logit_error, same.probability_error) == (1.0, pytest.approx(0), pytest.approx(0))
    half = compare("tflite", trained, trained * [[1.0], [-1.0]])
    assert (half.agreement, half.logit_error) == (0.5, pytest.approx(2 * np.sqrt(8 / 10)))


def test_pooled_logits_are_those_of_training(exported: Exported) -> None:
    network = Network(exported.tflite)
    for features in exported.heard:
        trained = trained_logits(exported.model, features, LSB_PER_STD)
        np.testing.assert_allclose(shipped_logits(network, features), trained, atol=0.2 * trained.std())


def save_gru(folder: Path) -> None:
    """Save a GRU, whose loop TensorFlow's int8 converter does not survive."""
    gru = keras.layers.GRU(4, return_sequences=True)
    gru.build((1, 8, 3))
    module = tf.Module()
    module.gru = gru
    spec = tf.TensorSpec((1, 8, 3), tf.float32, name="features")
    function = tf.function(lambda features: {"logits": gru(features)}).get_concrete_function(spec)
    tf.saved_model.save(module, str(folder / SAVED_MODEL), signatures={SIGNATURE: function})
    np.savez(folder / CALIBRATION, features=np.random.default_rng(0).normal(size=(4, 1, 8, 3)).astype(np.float32))


def test_converter_that_crashes_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    save_gru(tmp_path)
    with pytest.raises(ConversionError, match=r"crashed \(SIG"):
        run_converter(tmp_path)


def test_converter_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"failed: .*saved_model"):
        run_converter(tmp_path)


def test_untrained_student_runs_from_pcm_to_file(tmp_path: Path) -> None:
    path = tmp_path / "student.tflite"
    untrained_student(SIZES["plain"], [utterance()]).write(path)
    loaded = ModelFile.load(path)
    assert loaded.metadata.version == "0.0.0-untrained"
    assert loaded.metadata.classes[:2] == ("neutral", "calm")
    assert set(loaded.metadata.affect) == set(loaded.metadata.labels)
    Stepper(loaded).self_test()


def test_student_with_extras_listens_to_them(tmp_path: Path) -> None:
    path = tmp_path / "student.tflite"
    untrained_student(StreamingCnn(**SMALL, n_mfcc=13, n_extras=4), [utterance()], extras=EXTRAS).write(path)
    model = ModelFile.load(path)
    assert model.metadata.features.extras == EXTRAS
    segmenter = Segmenter(model.metadata.features, 0.8)
    heard = [segmenter(step).features for step in np.split(utterance(), len(utterance()) // STEP)]
    assert {each.shape for step in heard for each in step} == {(8, 17)}
    with Recognizer(model) as recognizer:
        assert recognizer.recognize(utterance(), sample_rate=16000).speech_seconds > 1
