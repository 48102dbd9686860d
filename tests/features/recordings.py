"""Reading the corpora that the tests listen to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

SAMPLE_RATE = 16000  # Hz, of all the corpora
FRAME_DB_FLOOR = 1e-3  # LSB^2, keeps the logarithm of digital silence finite


def some(corpus: Path, count: int, containing: str = "") -> list[Path]:
    """Return so many of a corpus's files, evenly spread over the sorted names; skip where the corpus is missing."""
    paths = sorted(path for path in (corpus / "audio").glob("*") if containing in path.name)
    if not paths:
        pytest.skip(f"no recordings in {corpus}/audio")
    return [paths[i * len(paths) // count] for i in range(min(count, len(paths)))]


def read(path: Path) -> NDArray[np.int16]:
    """Return a recording (n,) as int16, 16 kHz, mono."""
    soundfile = pytest.importorskip("soundfile")
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == SAMPLE_RATE
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)


def is_speech(pcm: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return by frame whether a clean recording holds speech there, by its level alone.

    A frame counts that is less than 30 dB under the loud frames (95th percentile) and 6 dB over the quiet ones (5th);
    a majority of five frames decides.
    """
    samples = np.concatenate([np.zeros(240), pcm.astype(np.float64)])
    energy = np.concatenate([[0], np.cumsum(samples**2)])
    start = np.arange(pcm.size // 160) * 160
    level = 10 * np.log10((energy[start + 400] - energy[start]) / 400 + FRAME_DB_FLOOR)
    loud = level > max(np.percentile(level, 95) - 30, np.percentile(level, 5) + 6)
    return np.convolve(loud, np.ones(5), "same") >= 3
