"""What recordings are spoilt with is what its name says, the same each time, and nothing that training hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from speech import demo

from convert.evaluate.conditions import Condition, babble, conditions, lose_blocks, mix, music
from convert.evaluate.listening import Decisions
from convert.evaluate.robustness import figures, unsteady
from edge_ser.pipeline import Pipeline
from edge_ser.student.model_file import ModelFile

Pcm = NDArray[np.int16]


@pytest.fixture(scope="module")
def voice() -> Pcm:
    return demo()[: 3 * 16000]


@pytest.fixture(scope="module")
def by_name(voice: Pcm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Condition]:
    """All conditions where there is no corpus of noises and rooms."""
    return {each.name: each for each in conditions(tmp_path_factory.mktemp("nothing"), [voice, voice[::-1]])}


def heard(condition: Condition, voice: Pcm, seed: int = 0) -> Pcm:
    return np.concatenate([pcm for pcm, _ in condition.spoil(voice, np.random.default_rng(seed))])


def test_all_that_a_house_does_is_there(by_name: dict[str, Condition]) -> None:
    for kind in ("white noise", "babble", "music", "room", "telephone", "8 kHz", "MP3", "Opus", "gain -30", "clipping",
                 "blocks lost", "DC offset", "44.1 kHz", "48 kHz", "begins", "cut off", "microphones"):  # fmt: skip
        assert any(kind in name for name in by_name), kind
    assert next(iter(by_name)) == "clean"
    assert sum(each.small for each in by_name.values()) >= 4


def test_the_same_seed_spoils_alike_and_every_condition_does_something(
    by_name: dict[str, Condition], voice: Pcm
) -> None:
    for name, condition in by_name.items():
        once, again = heard(condition, voice), heard(condition, voice)
        np.testing.assert_array_equal(once, again, err_msg=name)
        assert once.dtype == np.int16
        assert np.abs(once.astype(int)).max() > 0
        assert (name == "clean") == (len(once) == len(voice) and bool((once == voice).all())), name


def test_a_gain_is_that_gain(by_name: dict[str, Condition], voice: Pcm) -> None:
    quiet = heard(by_name["gain -6 dB"], voice).astype(float)
    assert 20 * np.log10(np.std(quiet) / np.std(voice.astype(float))) == pytest.approx(-6, abs=0.05)


@pytest.mark.parametrize("snr_db", [20.0, 0.0])
def test_noise_is_as_loud_as_it_says_while_the_voice_sounds(voice: Pcm, snr_db: float) -> None:
    real = voice.astype(np.float32) / 32768
    padded = np.pad(real, 16000)  # silence must not make the noise softer
    noise = np.random.default_rng(0).standard_normal(len(padded)).astype(np.float32)
    found = [np.std(mix(x, noise[: len(x)], snr_db) - x) for x in (real, padded)]
    assert 20 * np.log10(found[1] / found[0]) == pytest.approx(0, abs=1.5)
    assert np.std(real) / found[0] == pytest.approx(10 ** (snr_db / 20), rel=0.6)


def test_lost_blocks_are_counted_to_the_sample(voice: Pcm) -> None:
    blocks = lose_blocks(voice, np.random.default_rng(3), 0.2)
    kept, lost = sum(len(pcm) for pcm, _ in blocks), sum(count for _, count in blocks)
    assert len(voice) - 640 <= kept + lost <= len(voice)  # those lost at the very end have nothing after them
    assert 0.05 < lost / len(voice) < 0.4


def test_babble_and_music_fill_any_length(voice: Pcm) -> None:
    for n in (1, 100, 50_000):
        for made in (babble(np.random.default_rng(0), n, [voice]), music(np.random.default_rng(0), n)):
            assert made.shape == (n,)
            assert np.isfinite(made).all()


def test_the_figures_of_a_condition_are_against_the_untouched_recordings(small_corpora: Path) -> None:
    from convert.corpora.manifest import read_corpus

    clips = read_corpus(small_corpora / "small")[1]
    n = len(clips)
    spoken = np.arange(n) % 3
    clean = Decisions(np.eye(3)[spoken], np.ones(n, bool), np.ones(n, bool))
    worse = Decisions(np.eye(3)[np.where(np.arange(n) < n // 2, spoken, 0)], np.arange(n) != n - 1, np.ones(n, bool))
    same = figures("same", True, clean, clean, clips, spoken)
    assert (same.uar, same.change, same.change_low, same.change_high, same.same) == (1.0, 0.0, 0.0, 0.0, 1.0)
    found = figures("worse", True, worse, clean, clips, spoken)
    assert found.change == pytest.approx(found.uar - 1) != 0
    assert found.change_low <= found.change <= found.change_high
    assert found.silent == pytest.approx(1 / n)
    assert found.uar_by_corpus == {"small": pytest.approx(found.uar)}
    assert unsteady([same, found]) == ["worse"]


def test_gaps_of_microphones_reach_the_pipeline(by_name: dict[str, Condition], voice: Pcm) -> None:
    """A recording with lost blocks is judged as the board would judge it: with the flag `gap`."""
    pipeline = Pipeline(ModelFile.load_bundled())
    for pcm, lost in by_name["10% of the 20 ms blocks lost"].spoil(voice, np.random.default_rng(0)):
        pipeline.push(pcm, lost)
    pipeline.flush()
    assert pipeline.recognition().flags.gap
