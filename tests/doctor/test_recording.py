"""What a recording tells of its microphone: real speech is fine, and each fault is told apart from the others."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from speech import demo, silence

from edge_ser.doctor.recording import RECORD_SECONDS, Recording, judge, level_dbfs

RATE = 16000
SAMPLES = round(RECORD_SECONDS * RATE)


def statuses(samples: NDArray[np.float64] | NDArray[np.int16], lost: int = 0, rate: int = RATE) -> dict[str, str]:
    pcm = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return {finding.check: finding.status for finding in judge(Recording(pcm, rate, lost))}


def faults(samples: NDArray[np.float64] | NDArray[np.int16], lost: int = 0) -> set[str]:
    return {check for check, status in statuses(samples, lost).items() if status != "ok"}


@lru_cache(maxsize=1)
def loud_part() -> NDArray[np.float64]:
    """Return the second and a half of the recording in which there is most speech."""
    speech = demo().astype(float)
    energy = np.concatenate([[0.0], np.cumsum(speech**2)])
    start = int((energy[SAMPLES:] - energy[:-SAMPLES]).argmax())
    return speech[start : start + SAMPLES]


def white(rms: float) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(0, rms, SAMPLES)


@pytest.mark.parametrize("gain_db", [-30, -12, 0])
def test_speech_is_fine_at_any_usual_level_however_little_pause_it_has(gain_db: float) -> None:
    assert faults(loud_part() * 10 ** (gain_db / 20)) == set()


def test_a_quiet_room_is_fine() -> None:
    assert faults(silence(20)) == set()


@pytest.mark.parametrize("value", [0, -1, 32767])
def test_one_value_throughout_is_no_signal_and_nothing_else_is_said(value: int) -> None:
    assert statuses(np.full(SAMPLES, value)) == {"signal": "fail"}


def test_a_microphone_that_is_turned_down_is_told() -> None:
    assert faults(white(0.7)) == {"level"}


def test_clipping_is_told_and_noise_is_not_judged_by_it() -> None:
    found = statuses(loud_part() * 40)
    assert found["clipping"] == "warn"
    assert "noise" not in found


def test_a_recording_normalised_to_its_peak_does_not_clip() -> None:
    speech = loud_part()
    assert "clipping" not in faults(speech * 32767 / np.abs(speech).max())


@pytest.mark.parametrize("sign", [1, -1])
def test_an_offset_is_told_and_does_not_count_as_level(sign: int) -> None:
    assert faults(loud_part() / 4 + sign * 3000) == {"DC offset"}
    assert faults(white(0.7) + sign * 3000) == {"DC offset", "level"}


def test_loud_noise_is_told_from_speech() -> None:
    assert faults(white(1000)) == {"noise"}
    assert faults(white(100)) == set()


def test_lost_samples_are_told() -> None:
    assert faults(loud_part(), lost=1) == {"losses"}


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_the_rate_of_the_device_does_not_matter(rate: int) -> None:
    repeated = np.repeat(loud_part(), 3)[:: round(3 * RATE / rate) or 1]
    assert set(statuses(repeated, rate=rate).values()) == {"ok"}


def test_level_is_that_of_the_definition() -> None:
    square = np.tile(np.array([16384, -16384], np.int16), 800)
    assert level_dbfs(square) == pytest.approx(-6.02, abs=0.01)
    assert level_dbfs(np.zeros(8, np.int16)) == -120
