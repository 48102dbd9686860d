"""The room: measured impulse responses, and simulated ones that cost next to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from convert.augment.chance import Range, between, happens
from edge_ser.settings import SAMPLE_RATE

SIXTY_DECIBEL = np.log(1000.0)  # amplitude e-folds of a decay by 60 dB
FIRST_REFLECTION_SECONDS = 0.002
MEASURED_SECONDS = 1.0  # what a measured response is cut to


@dataclass(frozen=True, slots=True)
class Room:
    """Reverberation."""

    probability: float = 0.35

    measured: float = 0.4
    """Share of measured impulse responses, where there are any."""

    reverberation_seconds: Range = (0.15, 0.8)
    """RT60 of the simulated rooms."""

    direct_to_reverberant_db: Range = (-3.0, 12.0)
    """Of all rooms: near and far from the microphone."""


def simulate(rng: Generator, reverberation_seconds: float) -> NDArray[np.float32]:
    """Return the tail of a room (n,): noise that decays by 60 dB in this time, duller as it decays."""
    n = int(reverberation_seconds * SAMPLE_RATE)
    time = np.arange(n) / SAMPLE_RATE
    decay = np.exp(-SIXTY_DECIBEL * time / reverberation_seconds)
    noise = rng.standard_normal(n)
    dull = np.convolve(noise, np.ones(3) / np.sqrt(3), "same")
    share = time / reverberation_seconds  # walls absorb high frequencies first
    tail = decay * ((1 - share) * noise + share * dull)
    tail[: int(FIRST_REFLECTION_SECONDS * SAMPLE_RATE)] = 0
    return tail.astype(np.float32)


def add_room(
    samples: NDArray[np.float32], rng: Generator, options: Room, measured: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return the voice in a room, its length and the energy of the direct sound unchanged.

    Parameters
    ----------
    samples : float32 (n,)
    rng : Generator
    options : Room
    measured : sequence of float32 (m,)
        Impulse responses.
    """
    seconds = between(rng, options.reverberation_seconds)
    ratio_db = between(rng, options.direct_to_reverberant_db)
    take_measured = happens(rng, options.measured)
    tail_seed = int(rng.integers(1 << 31))
    if not happens(rng, options.probability):
        return samples
    room_rng = np.random.default_rng(tail_seed)
    if take_measured and measured:
        response = measured[int(room_rng.integers(len(measured)))]
        peak = int(np.argmax(np.abs(response)))
        tail = response[peak : peak + int(MEASURED_SECONDS * SAMPLE_RATE)].copy()
        tail[: int(FIRST_REFLECTION_SECONDS * SAMPLE_RATE)] = 0
    else:
        tail = simulate(room_rng, seconds)
    energy = float(np.sqrt(np.square(tail, dtype=np.float64).sum()))
    if energy == 0:
        return samples
    wet = fftconvolve(samples, tail * np.float32(10 ** (-ratio_db / 20) / energy))[: len(samples)]
    return (samples + wet).astype(np.float32)
