"""Augmentation: each effect does what its name says, can be switched off, and a copy can be made again exactly."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from convert.augment import Augment, Material, augment, open_material, write_material
from convert.augment.background import Babble, Hiss, Noise, add_babble, add_hiss, add_noise, coloured_noise
from convert.augment.level import Clipping, Gain, change_gain, clip_peaks
from convert.augment.material import NOTHING
from convert.augment.microphone import Codec, Equaliser, Telephone, code, equalise, limit_band, mu_law
from convert.augment.room import Room, add_room, simulate
from convert.augment.voice import (
    Pitch,
    Speed,
    Tempo,
    Tract,
    change_pitch,
    change_speed,
    change_tempo,
    change_tract,
)
from convert.corpora.manifest import read_rows
from convert.corpora.synthetic import SENTENCES, synthesise
from convert.errors import CorpusError

RATE = 16000
VOICE = synthesise(1, "neutral", SENTENCES[0])
FLOATS: NDArray[np.float32] = (VOICE / 32768).astype(np.float32)
MATERIAL = Material(
    np.random.default_rng(5).normal(0, 500, 5 * RATE).astype(np.int16),
    np.concatenate([synthesise(speaker, "neutral", SENTENCES[0]) for speaker in (2, 3, 4)]),
    (np.exp(-np.arange(4000) / 400).astype(np.float32),),
)
EFFECTS = tuple(field.name for field in fields(Augment) if field.name != "silence_seconds")
OFF = replace(
    Augment(),
    silence_seconds=(0.0, 0.0),
    **{name: replace(getattr(Augment(), name), probability=0.0) for name in EFFECTS},
)


def only(name: str) -> Augment:
    """Return options with this one effect, always."""
    return replace(OFF, **{name: replace(getattr(OFF, name), probability=1.0)})


def make(options: Augment, seed: int = 0, pcm: NDArray[np.int16] = VOICE) -> NDArray[np.int16]:
    return augment(pcm, np.random.default_rng(seed), options, MATERIAL, corpus_dbfs=-23.0)


def rms(samples: NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def decibel(ratio: float) -> float:
    return 20 * np.log10(ratio)


def tone(hz: float, seconds: float = 1.0) -> NDArray[np.float32]:
    return (0.25 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def strongest_hz(samples: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE / len(samples))


def test_with_everything_switched_off_a_clip_stays_as_it_is() -> None:
    np.testing.assert_array_equal(make(OFF), VOICE)


@pytest.mark.parametrize("name", EFFECTS)
def test_each_effect_alone_changes_the_clip_and_the_seed_decides_how(name: str) -> None:
    first = make(only(name), seed=1)
    assert first.dtype == np.int16
    assert not np.array_equal(first, VOICE)
    np.testing.assert_array_equal(first, make(only(name), seed=1))
    assert not np.array_equal(first, make(only(name), seed=2))


@pytest.mark.parametrize("name", EFFECTS)
def test_switching_one_effect_off_leaves_the_draws_of_the_others_alone(name: str) -> None:
    # Without this an ablation table would compare different noises and rooms, not the effect.
    states = []
    for options in (OFF, only(name)):
        rng = np.random.default_rng(7)
        augment(VOICE, rng, options, MATERIAL, -23.0)
        states.append(rng.random())
    assert states[0] == states[1]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-32768, 32767), min_size=1, max_size=1500),
    st.integers(1, 40),
    st.sets(st.sampled_from(EFFECTS)),
    st.integers(0, 2**32),
)
def test_any_clip_survives_any_effects(values: list[int], repeat: int, names: set[str], seed: int) -> None:
    pcm = np.tile(np.array(values, np.int16), repeat)
    options = replace(OFF, **{name: getattr(only(name), name) for name in names})
    with np.errstate(invalid="raise", divide="raise", over="raise"):
        made = make(options, seed, pcm)
    assert made.dtype == np.int16
    assert len(pcm) * 0.7 - 200 <= len(made) <= len(pcm) * 1.4 + 200


def test_silence_stays_quiet_unless_it_is_overdriven() -> None:
    everything = replace(Augment(), **{name: getattr(only(name), name) for name in EFFECTS if name != "clipping"})
    made = make(replace(everything, clipping=OFF.clipping), pcm=np.zeros(RATE, np.int16))
    assert 0 < rms(made) < 300, "hiss, and nothing louder"


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 30.0])
@pytest.mark.parametrize("coloured", [0.0, 1.0])
def test_noise_is_as_far_below_the_voice_as_asked(snr_db: float, coloured: float) -> None:
    options = Noise(probability=1.0, snr_db=(snr_db, snr_db), coloured=coloured)
    noisy = add_noise(FLOATS, np.random.default_rng(1), options, rms(FLOATS), MATERIAL.noise)
    assert decibel(rms(FLOATS) / rms(noisy - FLOATS)) == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 30.0])
def test_other_voices_together_are_as_far_below_the_voice_as_asked(snr_db: float) -> None:
    options = Babble(probability=1.0, snr_db=(snr_db, snr_db))
    busy = add_babble(FLOATS, np.random.default_rng(1), options, rms(FLOATS), MATERIAL.voices)
    assert decibel(rms(FLOATS) / rms(busy - FLOATS)) == pytest.approx(snr_db, abs=0.1)


def test_where_nobody_is_recorded_nobody_else_talks() -> None:
    options = Babble(probability=1.0)
    alone = add_babble(FLOATS, np.random.default_rng(1), options, rms(FLOATS), NOTHING.voices)
    np.testing.assert_array_equal(alone, FLOATS)


def test_noise_is_made_where_none_is_recorded() -> None:
    options = Noise(probability=1.0, coloured=0.0)
    noisy = add_noise(FLOATS, np.random.default_rng(1), options, rms(FLOATS), NOTHING.noise)
    assert rms(noisy - FLOATS) > 0


@pytest.mark.parametrize(("slope", "db_per_octave"), [(0.0, 0.0), (1.0, -3.0), (2.0, -6.0)])
def test_coloured_noise_falls_as_its_colour_says(slope: float, db_per_octave: float) -> None:
    noise = coloured_noise(np.random.default_rng(0), 20 * RATE, slope)
    assert rms(noise) == pytest.approx(1.0, rel=1e-3)
    power = np.abs(np.fft.rfft(noise)) ** 2
    hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    octaves = [power[(hz > low) & (hz < 2 * low)].mean() for low in (200, 400, 800, 1600, 3200)]
    assert np.diff(10 * np.log10(octaves)) == pytest.approx([db_per_octave] * 4, abs=0.4)


def test_hiss_has_its_own_level_however_loud_the_voice() -> None:
    hiss = add_hiss(FLOATS * 0, np.random.default_rng(0), Hiss(1.0, (-60.0, -60.0)))
    assert decibel(rms(hiss)) == pytest.approx(-60, abs=0.2)


def test_a_simulated_room_decays_by_60_db_in_its_time() -> None:
    tail = simulate(np.random.default_rng(0), 0.5).astype(float)
    # Schroeder's backward integration; the slope from -5 to -25 dB gives the reverberation time (ISO 3382).
    decay = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / np.sum(tail**2))
    t5, t25 = (int(np.argmax(decay < -level)) for level in (5, 25))
    assert 3 * (t25 - t5) / RATE == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize("measured", [0.0, 1.0])
def test_a_room_keeps_the_direct_sound_and_adds_energy_as_asked(measured: float) -> None:
    click = np.zeros(2 * RATE, np.float32)
    click[100] = 1
    options = Room(1.0, measured, (0.3, 0.3), (6.0, 6.0))
    wet = add_room(click, np.random.default_rng(0), options, MATERIAL.rooms)
    assert len(wet) == len(click)
    assert int(np.abs(wet).argmax()) == 100
    assert wet[100] == pytest.approx(1.0, abs=1e-6)
    tail = np.delete(wet, 100)
    assert -10 * np.log10(np.sum(tail.astype(float) ** 2)) == pytest.approx(6.0, abs=0.1)
    assert np.abs(wet[:100]).max() < 1e-6


def test_gain_brings_a_corpus_to_the_common_level_and_keeps_loud_above_soft() -> None:
    options = Gain(1.0, -26.0, (0.0, 0.0))
    for corpus_dbfs in (-40.0, -17.0):
        changed = change_gain(FLOATS, np.random.default_rng(0), options, corpus_dbfs)
        assert decibel(rms(changed) / rms(FLOATS)) == pytest.approx(-26.0 - corpus_dbfs, abs=1e-3)
    louder = change_gain(FLOATS * 2, np.random.default_rng(0), options, -20.0)
    assert rms(louder) == pytest.approx(
        2 * rms(change_gain(FLOATS, np.random.default_rng(0), options, -20.0)), rel=1e-5
    )


def test_clipping_cuts_off_the_asked_share_at_full_scale() -> None:
    clipped = clip_peaks(FLOATS, np.random.default_rng(0), Clipping(1.0, (0.02, 0.02)))
    assert np.mean(np.abs(clipped) >= 0.9999) == pytest.approx(0.02, rel=0.05)
    assert np.abs(clipped).max() <= 1.0


def test_telephone_keeps_its_band_and_nothing_else() -> None:
    options = Telephone(1.0, (300.0, 300.0), (3400.0, 3400.0))
    kept = {hz: rms(limit_band(tone(hz), np.random.default_rng(0), options)) / rms(tone(hz)) for hz in (60, 1000, 6000)}
    assert decibel(kept[1000]) == pytest.approx(0.0, abs=0.5)
    assert decibel(kept[60]) < -15
    assert decibel(kept[6000]) < -30


def test_equaliser_colours_smoothly_and_by_as_much_as_asked() -> None:
    options = Equaliser(1.0, 5.0, (20.0, 20.0))
    click = np.zeros(RATE, np.float32)
    click[RATE // 2] = 1
    gains = []
    for seed in range(40):
        spectrum = np.abs(np.fft.rfft(equalise(click, np.random.default_rng(seed), options)))
        gains.append(20 * np.log10(spectrum[100:7900]))
    assert 3 < np.std(gains, axis=0).mean() < 6
    assert np.abs(np.diff(gains, axis=1)).max() < 0.5, "dB from one Hz to the next"


def test_mu_law_is_256_levels_whose_error_follows_the_voice() -> None:
    coded = mu_law(FLOATS)
    assert len(np.unique(coded)) <= 256
    assert decibel(rms(FLOATS) / rms(coded - FLOATS)) > 30


def test_codecs_keep_the_voice_in_time() -> None:
    kinds = set()
    for seed in range(12):
        coded = code(FLOATS, np.random.default_rng(seed), Codec(1.0))
        assert len(coded) == len(FLOATS)
        lags = np.correlate(np.abs(coded[4000:12000]), np.abs(FLOATS[4000:12000]), "full")
        assert abs(int(lags.argmax()) - 7999) <= 16, "one millisecond"
        kinds.add(round(decibel(rms(coded - FLOATS) / rms(FLOATS))))
    assert len(kinds) > 2


def test_speed_moves_pitch_and_length_tempo_only_length_pitch_only_pitch() -> None:
    rng, sound = np.random.default_rng, tone(500, 2.0)
    fast = change_speed(sound, rng(0), Speed(1.0, (1.1, 1.1)))
    assert len(fast) == pytest.approx(len(sound) / 1.1, abs=2)
    assert strongest_hz(fast) == pytest.approx(550, abs=2)
    hurried = change_tempo(sound, rng(0), Tempo(1.0, (1.1, 1.1)))
    assert len(hurried) == pytest.approx(len(sound) / 1.1, rel=0.01)
    assert strongest_hz(hurried) == pytest.approx(500, rel=0.01)
    higher = change_pitch(sound, rng(0), Pitch(1.0, (2.0, 2.0)))
    assert len(higher) == len(sound)
    assert strongest_hz(higher) == pytest.approx(500 * 2 ** (2 / 12), rel=0.01)


def test_silence_is_put_around_the_voice() -> None:
    made = make(replace(OFF, silence_seconds=(0.5, 0.5)))
    np.testing.assert_array_equal(made[8000:-8000], VOICE)
    assert not made[:8000].any()
    assert not made[-8000:].any()


def test_without_recordings_everything_is_made(tmp_path: Path) -> None:
    write_material(tmp_path, tmp_path)
    material = open_material(tmp_path)
    assert not len(material.noise)
    made = augment(VOICE, np.random.default_rng(0), replace(OFF, noise=Noise(1.0), room=Room(1.0)), material, -23.0)
    assert not np.array_equal(made, VOICE)


def test_noises_voices_and_rooms_are_those_of_the_folders_without_the_fold_kept_for_judging(
    corpora: Path, tmp_path: Path
) -> None:
    kept_back = [row["file"] for row in read_rows(corpora / "noise-esc10") if "__5-" in row["file"]]
    assert len(kept_back) == 80
    used: list[str] = []

    def watch(files):
        used.extend(path.name for path, _ in files)
        return [next(iter(files))]

    write_material(corpora, tmp_path, watch)
    assert len(used) == 400 - 80 + 6 + 176, "environmental noises without a fold, long noises, people who read"
    assert not set(used) & set(kept_back)
    assert len(open_material(tmp_path).rooms) == 8


def test_a_damaged_noise_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "noise-esc10"
    (folder / "audio").mkdir(parents=True)
    (folder / "audio" / "rain.wav").write_bytes(b"not audio")
    header = "file,speaker,gender,emotion,intensity,statement,language,duration_s,sha256"
    (folder / "manifest.csv").write_text(f"{header}\nrain.wav,,,rain,,,,1.0,\n")
    with pytest.raises(CorpusError, match=r"rain\.wav"):
        write_material(tmp_path, tmp_path)


def test_a_longer_tract_lowers_the_formants_and_leaves_the_pitch() -> None:
    rng = np.random.default_rng(0)
    pulses = np.zeros(32000)
    pulses[::125] = 1.0  # 128 Hz
    voice = signal.lfilter([1.0], np.poly([0.97 * np.exp(2j * np.pi * f / 16000) for f in (800, -800)]).real, pulses)
    voice = (0.1 * voice / np.abs(voice).max() + 1e-5 * rng.normal(size=len(voice))).astype(np.float32)
    moved = change_tract(voice, np.random.default_rng(1), Tract(1.0, (0.8, 0.8)))
    assert moved.shape == voice.shape
    assert peak_hz(moved, 300, 2000) == pytest.approx(640, abs=64)  # to the nearest harmonic
    assert peak_hz(voice, 300, 2000) == pytest.approx(800, abs=64)
    for samples in (voice, moved):
        strength = np.abs(np.fft.rfft(samples))[: 20 * 256 : 2]  # 1 Hz apart
        assert strength[128 * np.arange(2, 8)].min() > 5 * np.median(strength), "harmonics stay"
    before = np.random.default_rng(2)
    np.testing.assert_array_equal(change_tract(voice, before, Tract(0.0)), voice)
    assert before.random() == np.random.default_rng(2).random(), "the draws of the others stay"


def peak_hz(samples: np.ndarray, low: int, high: int) -> float:
    hz, power = signal.welch(samples, 16000, nperseg=4096)
    inside = (hz > low) & (hz < high)
    return float(hz[inside][power[inside].argmax()])
