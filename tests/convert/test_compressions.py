"""Smaller students: what is taken away is gone, what is kept says the same, combinations are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from speech import demo
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.streaming_cnn import StreamingCnn
from convert.cli import main
from convert.compress import copy_kept, narrowed, prune
from convert.compressions.measure import Figures, kernels, zeros
from convert.compressions.plan import DEFAULT, name_of, parse
from convert.compressions.report import write
from convert.compressions.table import pareto
from convert.corpora.synthetic import SENTENCES, make_corpus
from convert.errors import RecipeError
from convert.export import micro
from convert.export.streaming_step import streaming_step
from convert.export.tflite import to_tflite
from convert.export.untrained import LSB_PER_STD, extract, fit_features, random_model
from convert.hop_time import time_steps
from edge_ser.errors import SettingsError
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network

WIDE = StreamingCnn(spectral=True, n_bands=24, channels=(8, 12), pools=(4, 2), convolutions=2, embedding=12,
                    dilations=(1,), n_classes=4)  # fmt: skip


def figures(name: str, uar: float, size: int, hop_us: float = 100.0) -> Figures:
    return Figures(name, uar, uar, 0.0, 1.0, 1, size, size, 0.0, None, {"runtime": hop_us})


def test_pruned_weights_are_zero_even_if_no_step_of_the_training_is_left_to_do() -> None:
    """A run that was killed behind the last epoch finds masks, and weights that the last step moved."""
    pruned = prune(WIDE.build(), 0.5, 10)
    for layer in pruned.model.layers:
        for weight, mask, _ in getattr(layer, "pruning_vars", ()):
            mask.assign(np.arange(mask.shape.num_elements()).reshape(mask.shape) % 2)
            weight.assign(tf.ones_like(weight))
    for layer in pruned.strip().layers:
        if isinstance(layer, keras.layers.Conv2D):
            assert np.count_nonzero(layer.kernel) == layer.kernel.shape.num_elements() // 2


@pytest.mark.parametrize("text", DEFAULT)
def test_a_combination_is_read_as_it_is_written(text: str) -> None:
    assert name_of(parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "qat + prune:0.5", "prune:0.5", "prune:0.5 + prune:0.3 + qat", "prune + qat", "prune:1.5 + qat", "qat:3",
     "cluster:1 + ptq", "shrink:0.5 + qat", "prune:half + qat", "prune:0.5 + float"],
)  # fmt: skip
def test_a_combination_that_cannot_be_is_refused_with_its_cure(text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(text)
    assert caught.value.cure


def test_channels_that_do_nothing_can_go_and_nothing_changes() -> None:
    heard = [extract(fit_features(WIDE, [demo()]), demo()[:32000])]
    model = random_model(WIDE, heard, seed=1)
    for layer in model.layers:  # silence a third of each block's channels, at both ends of its residual sums
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            silent = np.arange(len(gamma)) % 3 == 0
            gamma[silent], beta[silent] = 0, 0
            layer.set_weights([gamma, beta, mean, variance])
    narrow, kept = narrowed(WIDE, model, 1 / 3)
    assert (narrow.channels, narrow.embedding) == ((8, 8), 8)  # of 8 channels 5.3 are left, rounded up to 8
    small = narrow.build()
    copy_kept(WIDE, model, kept, small)
    assert small.count_params() < 0.75 * model.count_params()
    batch = heard[0][None, :, :, None].astype(np.float32) / LSB_PER_STD
    for found, wanted in zip(small(batch), model(batch), strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), atol=1e-4)


def test_the_heaviest_channels_stay() -> None:
    heard = [extract(fit_features(WIDE, [demo()]), demo()[:32000])]
    model = random_model(WIDE, heard, seed=1)
    layer = model.get_layer("block_2_1")
    kernel = layer.get_weights()[0]
    kernel[..., [2, 3, 5, 7]] *= 100
    layer.set_weights([kernel])
    _, kept = narrowed(WIDE, model, 0.66)
    assert kept["block_2_1"].tolist() == kept["block_2_2"].tolist() == [2, 3, 5, 7]
    with pytest.raises(SettingsError, match="channels"):
        narrowed(WIDE, model, 1.0)


def test_the_front_is_what_nothing_beats_and_choosing_never_looks_at_the_held_out() -> None:
    found = [figures("small", 0.5, 10), figures("good", 0.7, 30), figures("worse", 0.6, 30), figures("big", 0.7, 40)]
    assert pareto(found) == ["small", "good"]
    slow = figures("slow", 0.7, 30, hop_us=500.0)
    assert pareto([*found, slow]) == ["small", "good"]


def test_the_table_is_written_for_people_and_programs(tmp_path: Path) -> None:
    paths = write([figures("float", 0.7, 90_000), figures("qat", 0.6, 30_000)], tmp_path / "c", ["Why."], {"seed": 0})
    assert [path.suffix for path in paths] == [".json", ".md", ".png"]
    assert "| qat | 60.0 |" in paths[1].read_text(encoding="utf-8")
    assert paths[2].read_bytes().startswith(b"\x89PNG")


def test_time_and_zeros_of_the_shipped_student_are_measured() -> None:
    tflite = ModelFile.load_bundled().tflite
    for seconds in time_steps([tflite], rounds=2).values():
        assert 0 < seconds[0] < 1
    assert zeros(tflite) == pytest.approx(0.3, abs=0.001)  # its card says 30 per cent


def test_zeros_are_counted_among_weights_alone_and_are_as_many_as_were_asked_for() -> None:
    """Neither biases nor what is computed count, whatever lies in the interpreter's memory."""
    sparsity = 0.5
    heard = [extract(fit_features(WIDE, [demo()]), demo()[:32000])]
    model = random_model(WIDE, heard, seed=1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, *bias = layer.get_weights()
            flat = np.sign(kernel.ravel()) * (0.5 + np.abs(kernel.ravel()))  # none rounds to zero by itself
            flat[np.argsort(np.abs(flat))[: round(sparsity * flat.size)]] = 0
            layer.set_weights([flat.reshape(kernel.shape), *bias])
    tflite = to_tflite(streaming_step(WIDE, model), heard, LSB_PER_STD)
    wanted = {layer.name: layer.get_weights()[0] for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    del wanted["attention"]  # a single filter
    assert sorted(each.size for each in kernels(tflite)) == sorted(each.size for each in wanted.values())
    for kernel in kernels(tflite):
        assert (kernel == 0).sum() == round(sparsity * kernel.size)
    assert zeros(tflite) == pytest.approx(sparsity, abs=0.01)
    assert zeros(to_tflite(streaming_step(WIDE, model), None, LSB_PER_STD)) is None


def test_a_microcontroller_says_what_the_board_says_and_needs_little_memory() -> None:
    pytest.importorskip("tflite_micro", reason="pip install tflite-micro")
    model = ModelFile.load_bundled()
    assert micro.arena_bytes(model.tflite) < 100_000
    board, small = Network(model.tflite), micro.MicroNetwork(model.tflite)
    for step in model.metadata.golden_arrays()[0]:
        (logits, attention), (small_logits, small_attention) = board(step), small(step)
        assert np.abs(logits.astype(int) - small_logits).max() <= 2
        assert abs(attention - small_attention) <= 2


def test_a_recipe_is_compressed_from_nothing_to_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every method at once: channels, zeros, shared values, rounding; then the same command finds all of it done."""
    make_corpus(tmp_path / "small", (1, 2, 3), ("neutral", "happy", "angry"), SENTENCES[:2])
    recipe = tmp_path / "small.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    command = ["compressions", str(recipe), "--corpora", str(tmp_path), "--out", str(tmp_path / "out"), "--epochs", "1",
               "--representative", "4", "--combination", "channels:0.5 + prune:0.5 + cluster:4 + qat"]  # fmt: skip
    assert main(command) == 0
    assert "cluster:4" in capsys.readouterr().out
    (tflite,) = (tmp_path / "out").glob("compressed-*/student.tflite")
    large = [each for each in kernels(tflite.read_bytes()) if each.size > 200]
    assert large
    for kernel in large:  # (filters, ...): a filter has one scale, so at most as many integers as values
        assert max(len(np.unique(row)) for row in kernel.reshape(len(kernel), -1)) <= 5
    assert (zeros(tflite.read_bytes()) or 0) > 0.3
    log = (tmp_path / "out" / "run.log").read_text(encoding="utf-8")
    assert main(command) == 0
    assert "begins" not in (tmp_path / "out" / "run.log").read_text(encoding="utf-8")[len(log) :]


RECIPE = """
name = "small"
version = "0"
description = "A test"
licence = "CC0-1.0"
ships = false
classes = ["neutral", "happy", "angry"]
label_of_class = {}
data = {corpora = ["small"], variants = 0, held_out = {small = ["01"]}, validation = {small = ["02"]}}
[student]
architecture = "streaming_cnn"
options = {channels = [8, 12], pools = [4, 2], embedding = 12}
training = {epochs = 1, batch_size = 4, averaging = 0.0}
[pruning]
training = {epochs = 1, batch_size = 4, averaging = 0.0}
[quantisation]
training = {epochs = 1, batch_size = 4, averaging = 0.0}
"""
