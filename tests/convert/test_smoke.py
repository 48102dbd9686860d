"""The whole toolchain on a tiny synthetic corpus: from recordings to a verified file that listens.

One run serves all tests. It is killed once on the way, as a power cut would, and started again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from convert.calibration import COVERAGES
from convert.cli import main
from convert.corpora.audio import read_pcm
from convert.corpora.manifest import read_corpus
from convert.corpora.synthetic import SENTENCES, make_corpus
from convert.evaluate.judge import FLOAT, INT8, STREAMING
from convert.evaluate.report import from_plain, to_plain
from convert.evaluate.students import ask, probabilities, streaming_student
from convert.terminal import LOG
from edge_ser.decision.degradation import degrade
from edge_ser.pipeline import Pipeline
from edge_ser.student.model_file import ModelFile

REPOSITORY = Path(__file__).parents[2]
KILL_AFTER_SECONDS = 400.0  # at the latest; the run has then begun to train, or is too slow to be tested

CLASSES = ("neutral", "calm", "sad", "angry")

RECIPE = """
name = "tiny"
version = "0.1.0"
description = "A test"
licence = "CC0-1.0"
classes = ["neutral", "calm", "sad", "angry"]
label_of_class = {calm = "neutral"}

[data]
corpora = ["synthetic"]
variants = 1
held_out = {synthetic = ["01", "02"]}
validation = {synthetic = ["03", "04"]}

[features]
extras = ["log_energy", "pitch"]

[augment]
speed = {probability = 0.0}
tempo = {probability = 0.0}
pitch = {probability = 0.0}
gain = {decibel = [-3.0, 3.0]}
noise = {snr_db = [20.0, 30.0]}

[[teachers]]
architecture = "cnn"
options = {channels = [6, 12], embedding = 16}
training = {epochs = 40, batch_size = 4, averaging = 0.9}

[student]
architecture = "streaming_cnn"
options = {channels = [6, 8, 12], pools = [2, 2, 2], embedding = 16}
training = {epochs = 80, batch_size = 4, averaging = 0.9}

[distillation]
alpha = 0.3
temperature = 2.0

[pruning]
sparsity = 0.3
training = {epochs = 3, batch_size = 4, learning_rate = 0.001, averaging = 0.0}

[quantisation]
representative_clips = 32
training = {epochs = 2, batch_size = 4, learning_rate = 0.0003, averaging = 0.0}
"""


@dataclass(frozen=True)
class Run:
    """A run that was killed once and then ended."""

    corpora: Path
    out: Path
    done_before_kill: list[str]

    @property
    def model(self) -> Path:
        return self.out / "tiny.tflite"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("smoke")
    corpora, out, recipe = folder / "corpora", folder / "out", folder / "tiny.toml"
    make_corpus(corpora / "synthetic", range(1, 7), CLASSES, SENTENCES[:2])
    recipe.write_text(RECIPE, encoding="utf-8")
    command = ["run", str(recipe), "--corpora", str(corpora), "--out", str(out)]
    done = _kill_in_training([sys.executable, "-m", "convert.cli", *command], out)
    assert main(command) == 0
    return Run(corpora, out, done)


def _kill_in_training(command: list[str], out: Path) -> list[str]:
    """Start a run, kill it once the first network is trained for an epoch; return the stages that were done."""
    child = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + KILL_AFTER_SECONDS
    try:
        while not any(out.glob("teacher-*/epochs.csv")) and time.monotonic() < limit and child.poll() is None:
            time.sleep(0.1)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert any(out.glob("teacher-*/epochs.csv"))
    return sorted(path.parent.name for path in out.glob("*/done"))


def test_a_killed_run_goes_on_with_what_was_done(run: Run) -> None:
    kinds = {name.rsplit("-", 1)[0] for name in run.done_before_kill}
    assert {"recordings", "material", "log_mels", "features"} <= kinds
    log = (run.out / LOG).read_text(encoding="utf-8")
    assert log.count("log_mels: begins") == 1
    assert log.count("log_mels: kept") == 1
    assert log.count("teacher-cnn: done") == 1


def test_another_run_finds_everything_done(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = run.model.read_bytes()
    began = len((run.out / LOG).read_text(encoding="utf-8"))
    recipe = run.out.parent / "tiny.toml"
    assert main(["run", str(recipe), "--corpora", str(run.corpora), "--out", str(run.out)]) == 0
    log = (run.out / LOG).read_text(encoding="utf-8")[began:]
    assert "begins" not in log
    assert run.model.read_bytes() == before
    assert "tiny.tflite" in capsys.readouterr().out


def test_the_file_is_whole_and_says_where_it_is_from(run: Run) -> None:
    model = ModelFile.load(run.model)
    metadata = model.metadata
    assert metadata.provenance.held_out == ("synthetic/01", "synthetic/02")
    assert [(corpus.name, corpus.licence) for corpus in metadata.provenance.corpora] == [("synthetic", "CC0-1.0")]
    assert metadata.labels == ("neutral", "sad", "angry")
    assert metadata.features.extras == ("log_energy", "pitch")
    assert metadata.features.n_features == len(metadata.features.mean) == 44
    assert metadata.metrics["synthetic, 3 labels: UAR"] > 0
    assert 0 < metadata.decision.uncertain_below < 1
    assert metadata.decision.stated_coverage == 0.8
    assert [each.coverage for each in metadata.decision.thresholds] == list(COVERAGES)
    assert metadata.decision.threshold_at(0.8) == metadata.decision.uncertain_below


def test_it_has_learnt_the_voices_that_it_was_trained_on(run: Run) -> None:
    """Two voices teach little about others; but with labels, scales or statistics mixed up it would not know these."""
    model = ModelFile.load(run.model)
    classes = model.metadata.classes
    _, clips = read_corpus(run.corpora / "synthetic", classes)
    taught = [clip for clip in clips if clip.speaker in ("synthetic/05", "synthetic/06")]
    recordings = [read_pcm(run.corpora / "synthetic" / "audio" / clip.file) for clip in taught]
    answers = ask(streaming_student(model), recordings, len(classes))
    right = [classes[best] == clip.emotion for best, clip in zip(answers.logits.argmax(axis=1), taught, strict=True)]
    assert np.mean(right) >= 0.6  # chance is 0.25


def test_evaluate_gives_the_figures_on_the_card(run: Run, tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    assert main(["evaluate", str(run.model), "--corpora", str(run.corpora), "--json", str(written)]) == 0
    found = json.loads(written.read_text(encoding="utf-8"))
    assert found["protocol"] == "speaker"
    assert found["sets"] == json.loads((run.out / "tiny.json").read_text(encoding="utf-8"))
    card = (run.out / "tiny.md").read_text(encoding="utf-8")
    for name, forms in found["sets"].items():
        assert f"| {name} | {forms[STREAMING]['recordings']} |" in card
        assert f"**{100 * forms[STREAMING]['uar']:.1f}**" in card


def test_int8_as_it_listens_is_int8_on_utterances_and_near_float(run: Run) -> None:
    judged = from_plain(json.loads((run.out / "tiny.json").read_text(encoding="utf-8")))
    for each in judged:
        assert set(each.measures) == {FLOAT, INT8, STREAMING}
        assert each.measures[STREAMING].confusion == each.measures[INT8].confusion
        # The board turns logits into real numbers in float32, the other in float64.
        assert each.measures[STREAMING].nll == pytest.approx(each.measures[INT8].nll, abs=1e-6)
        assert abs(each.measures[FLOAT].nll - each.measures[INT8].nll) < 0.1
    assert to_plain(judged) == json.loads((run.out / "tiny.json").read_text(encoding="utf-8"))


def test_the_judge_asks_the_student_that_ships(run: Run) -> None:
    """Its own labels from the pipeline as a user has it are those that the evaluation derives from classes."""
    model = ModelFile.load(run.model)
    _, clips = read_corpus(run.corpora / "synthetic", model.metadata.classes)
    pcm = read_pcm(run.corpora / "synthetic" / "audio" / clips[0].file)
    pipeline = Pipeline(model)
    pipeline.push(pcm)
    pipeline.flush()
    said = pipeline.recognition()
    asked = streaming_student(model)(pcm)
    assert asked is not None
    naming = dict(model.metadata.label_of_class)
    shares, _ = probabilities(asked[None], model.metadata.decision.temperature, list(model.metadata.classes), naming)
    np.testing.assert_allclose(degrade(shares[0].tolist(), said.flags), list(said.probabilities.values()), atol=1e-12)


def test_the_card_has_its_plots_and_is_in_the_file(run: Run) -> None:
    card = (run.out / "tiny.md").read_text(encoding="utf-8")
    assert ModelFile.load(run.model).card == card
    for plot in ("confusion", "reliability", "risk"):
        assert f"(tiny.{plot}.png)" in card
        assert (run.out / f"tiny.{plot}.png").read_bytes().startswith(b"\x89PNG")
    assert "| CC0-1.0 | nobody's voice |" in card
    assert "$" not in card


def test_unheard_corpora_are_those_it_was_not_trained_on(run: Run, small_corpora: Path, tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    command = ["evaluate", str(run.model), "--protocol", "corpus", "--json", str(written)]
    assert main([*command, "--corpora", str(small_corpora)]) == 0
    sets = json.loads(written.read_text(encoding="utf-8"))["sets"]
    assert {name.split(",")[0] for name in sets} == {"small"}
    assert main([*command, "--corpora", str(run.corpora)]) == 2
