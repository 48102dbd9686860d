"""Speech for tests of the whole path: the recording that is part of the package."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.source import open_source
from edge_ser.recordings import DEMO

STEP = 1280  # samples at 16 kHz, 80 ms


@lru_cache(maxsize=1)
def demo() -> NDArray[np.int16]:
    """Return the embedded recording, int16 (n,) at 16 kHz: three utterances with pauses."""
    with open_source(DEMO) as source:
        assert source.sample_rate == 16000
        pieces = []
        while (block := source.read()) is not None:
            pieces.append(block.samples)
    return np.concatenate(pieces)


def utterance() -> NDArray[np.int16]:
    """Return the recording's first utterance with some silence before and none after; whole steps."""
    return demo()[: 34 * STEP]


def silence(steps: int) -> NDArray[np.int16]:
    """Return the hiss of a quiet room, -70 dBFS."""
    return np.rint(np.random.default_rng(0).normal(0, 10, steps * STEP)).astype(np.int16)
