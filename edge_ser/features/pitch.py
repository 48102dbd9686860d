"""`Pitch`: the voice's height by YIN at 8 kHz, how periodic it is, and how often voicing sets in.

A. de Cheveigné and H. Kawahara, 'YIN, a fundamental frequency estimator for speech and music', JASA 111(4), 2002. The
samples at 8 kHz are whole numbers, so the difference function is exact whatever computes its products; what follows
are single IEEE operations.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_ser.features.tables import LOG_UNIT

# 16 to 8 kHz: a half-band low-pass, flat within 1 dB to 3 kHz and -20 dB at 5, in 4096ths.
HALF_BAND = (-7, 0, 71, 0, -283, 0, 1244, 2046, 1244, 0, -283, 0, 71, 0, -7)
HALF_BAND_ONE = 4096.0
GROUP = 8  # samples of output computed by one row of a matrix product

SAMPLE_RATE = 8000  # Hz
HOP = 80  # samples, 10 ms
WINDOW = 200  # samples compared with their past: 25 ms
LONGEST, SHORTEST = 133, 16  # lags, of 60 and 500 Hz
SEARCHED = slice(SHORTEST - 1, LONGEST - 1)  # of the lags from 1 on; each has a neighbour on both sides
FRAME = WINDOW + LONGEST  # samples that a frame looks at
HISTORY = FRAME - HOP  # of them known before

PERIODIC = np.array(0.2)
"""Aperiodicity under which a frame counts as voiced."""

QUIET = WINDOW * 8.0**2
"""Added to every difference, so that noise of a few LSB is not periodic by chance: LSB^2 over the window."""

PERIOD_STEPS = 64  # of a sample, to which a period is rounded
UNVOICED_HZ = 150.0  # said until the first voiced frame
VOICING_ONE = 1024
ONSET_FRAMES = 128
"""In which voiced onsets are counted: 1.28 s."""

ONSET_MASK = (1 << ONSET_FRAMES) - 1


class Pitch:
    """Height, voicing and voiced onsets; from PCM (160 * frames,).

    Height is LOG_UNIT * ln(f / Hz) with the period rounded to 1/64 sample, and stays where it was while nothing is
    voiced. Voicing is VOICING_ONE for a perfectly periodic frame, 0 for noise. Onsets are the times in the last
    ONSET_FRAMES that voicing set in. A frame is judged by the last 42 ms of samples.
    """

    def __init__(self) -> None:
        self._half_band = half_band()
        self._lag = np.arange(1.0, LONGEST + 1)
        self._energy = np.empty(LONGEST + 1)
        self.reset()

    def reset(self) -> None:
        """Start a new stream: zeros before its first sample."""
        self._pcm = np.zeros(len(HALF_BAND) - 1, np.int16)
        self._samples = np.zeros(HISTORY)
        self._energy[:] = 0
        self._height = log_pitch(round(SAMPLE_RATE / UNVOICED_HZ * PERIOD_STEPS))
        self._voiced = False
        self._onsets = 0  # of the last ONSET_FRAMES frames, the newest in bit 0

    def __call__(self, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return integers (frames, 3): height, voicing, onsets."""
        samples = np.concatenate((self._samples, self._decimate(pcm)))
        self._samples = samples[-HISTORY:]
        return np.array([self._frame(samples[i : i + FRAME]) for i in range(0, samples.size - HISTORY, HOP)], float)

    def _decimate(self, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return the next samples at 8 kHz (80 * frames,), whole numbers."""
        known = np.concatenate((self._pcm, pcm))
        self._pcm = known[-len(self._pcm) :]
        groups = pcm.size // (2 * GROUP)
        windows: NDArray[np.int16] = np.ndarray((groups, len(self._half_band)), np.int16, known, 0, (4 * GROUP, 2))
        low: NDArray[np.float64] = windows.astype(np.float64).dot(self._half_band)
        np.rint(low, low)
        return low.ravel()

    def _frame(self, samples: NDArray[np.float64]) -> tuple[int, int, int]:
        """Return what to say of the last of these samples (FRAME,), the rest being their past."""
        aperiodicity = self._aperiodicity(samples)
        searched = aperiodicity[SEARCHED]
        dips = np.less(searched, PERIODIC)
        place = int(dips.argmax())  # of the first dip; 0 where there is none
        voiced = bool(dips[place])
        if voiced:
            lag, least = dip(aperiodicity[SHORTEST - 2 + place :].tolist())
            self._height = log_pitch(round((SHORTEST + place + lag) * PERIOD_STEPS))
        else:
            least = min(float(searched[searched.argmin()]), 1.0)
        self._onsets = (self._onsets << 1 | (voiced and not self._voiced)) & ONSET_MASK
        self._voiced = voiced
        return self._height, round(VOICING_ONE * (1 - least)), self._onsets.bit_count()

    def _aperiodicity(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the difference function over its own running mean (LONGEST,), for lags from 1 on.

        The difference is the sum of (x(j) - x(j - lag))^2 over the window, and so the energy of the window and of the
        one that lies `lag` before, less twice the product of both.
        """
        window = samples[LONGEST:]
        square, energy = np.square(samples), self._energy
        energy[0] = 2 * window.dot(window) + QUIET
        np.subtract(square[LONGEST - 1 :: -1], square[: WINDOW - 1 : -1], energy[1:])  # from one lag to the next
        np.add.accumulate(energy, 0, None, energy)
        product = np.correlate(samples, np.add(window, window))  # longest lag first
        difference = np.subtract(energy, product[::-1])[1:]
        mean = np.add.accumulate(difference)  # times lag
        np.multiply(difference, self._lag, difference)
        return np.divide(difference, mean, mean)


def dip(values: list[float]) -> tuple[float, float]:
    """Return the lowest point of the first dip and the value there.

    Parameters
    ----------
    values : list of float
        Falling or rising from the second on; the first is its neighbour.

    Returns
    -------
    place : float
        From the second value on, between values by a parabola through three of them.
    value : float
        The lowest of the three.
    """
    place = 1
    while place < len(values) - 2 and values[place + 1] < values[place]:
        place += 1
    before, lowest, after = values[place - 1 : place + 2]
    curvature = before - 2 * lowest + after
    return place - 1 + (0.5 * (before - after) / curvature if curvature > 0 else 0.0), lowest


def half_band() -> NDArray[np.float64]:
    """Return the matrix (2 * GROUP + taps - 2, GROUP) that turns 16 kHz into GROUP samples at 8 kHz.

    Integers times a power of two, so that a product with int16 is exact.
    """
    matrix = np.zeros((2 * GROUP + len(HALF_BAND) - 2, GROUP))
    for output in range(GROUP):
        matrix[2 * output : 2 * output + len(HALF_BAND), output] = HALF_BAND
    return matrix / HALF_BAND_ONE


def log_pitch(period: int) -> int:
    """Return LOG_UNIT * ln(f / Hz) of a period in steps of 1/64 sample at 8 kHz.

    There are some thousand such periods, and the logarithm of none lies so near to a half that another mathematics
    library would round it to another integer; a test says how near.
    """
    return round(LOG_UNIT * math.log(SAMPLE_RATE * PERIOD_STEPS / period))
