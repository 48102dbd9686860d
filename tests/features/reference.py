"""What the front end must compute, said plainly: in float64, and again in exact integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import tables as t

HOP, WINDOW, N_FFT, N_MELS = 160, 400, 512, 40
FLOOR = 16.0  # LSB^2


def frames(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return (frames, WINDOW): frame i ends with sample (i + 1) * HOP, zeros before the first sample."""
    history = np.concatenate([np.zeros(WINDOW - HOP), pcm[: pcm.size // HOP * HOP].astype(np.float64)])
    return np.lib.stride_tricks.sliding_window_view(history, WINDOW)[::HOP]


def mel_bands() -> NDArray[np.float64]:
    """Return (257, 40) HTK triangles of peak 1 from 20 to 8000 Hz."""

    def to_mel(hz: float) -> float:
        return 2595 * np.log10(1 + hz / 700)

    edges = 700 * (10 ** (np.linspace(to_mel(20), to_mel(8000), N_MELS + 2) / 2595) - 1)
    hz = np.arange(N_FFT // 2 + 1) * 16000 / N_FFT
    return np.array([np.interp(hz, edges[i : i + 3], [0, 1, 0]) for i in range(N_MELS)]).T


def log_mel(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return float64 (frames, 40): ln(band power / 16 LSB^2), at least 0."""
    hann = np.sin(np.pi * np.arange(WINDOW) / WINDOW) ** 2
    power = np.abs(np.fft.rfft(frames(pcm) * hann, N_FFT)) ** 2
    return np.log(np.maximum(power @ mel_bands(), FLOOR) / FLOOR)


def cepstra(pcm: NDArray[np.int16], n_mfcc: int) -> NDArray[np.float64]:
    """Return float64 (frames, n_mfcc): the orthonormal DCT-II of `log_mel`."""
    band, order = np.arange(N_MELS)[:, None], np.arange(n_mfcc)
    dct = np.cos(np.pi * order * (band + 0.5) / N_MELS) * np.where(order == 0, np.sqrt(1 / N_MELS), np.sqrt(2 / N_MELS))
    return log_mel(pcm) @ dct


def log_mel_in_integers(pcm: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return int64 (frames, 40): the shipped tables' arithmetic with int64 products, which cannot round."""
    tables = t.load_tables()
    stage_1 = np.rint(tables.stage_1 / t.STAGE_1_SCALE).astype(np.int64)
    stage_2 = np.rint(tables.stage_2 / t.STAGE_2_SCALE).astype(np.int64)
    mel = np.rint(tables.mel / t.MEL_SCALE).astype(np.int64)
    samples = frames(pcm).astype(np.int64).reshape(-1, t.TAPS, t.LANES)
    lanes = np.einsum("ftl,ltc->flc", samples, stage_1) * t.STAGE_1_SCALE
    rounded = np.rint(lanes).astype(np.int64).reshape(-1, 2 * t.LANES, t.COLUMNS)
    spectrum = (stage_2 @ rounded * t.STAGE_2_SCALE).reshape(-1, 2, t.BINS)
    power = np.rint(spectrum[:, 0] ** 2 + spectrum[:, 1] ** 2).astype(np.int64) @ mel
    assert power.max(initial=0) < 2**53
    mantissa, exponent = np.frexp(power.astype(np.float64))  # 0.5 <= mantissa < 1
    step = 1 << t.LOG_MANTISSA_BITS
    index = exponent * step + np.floor((2 * mantissa - 1) * step)
    return tables.log[np.where(power > 0, index, 0).astype(np.int64)].astype(np.int64)
