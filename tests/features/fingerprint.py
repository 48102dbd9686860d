"""Print the SHA-256 of every feature of one signal: run as a program, so that BLAS can be set up by the environment."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from features.signals import everything, noise
from numpy.typing import NDArray

from edge_ser.features import FrontEnd, LogMel, Mfcc, RunningMean, VoiceActivity
from edge_ser.features.extras import EXTRAS, ExtrasToInt8, count_columns
from edge_ser.features.tables import N_MELS

STEP = 1280  # samples, 80 ms
ALL = tuple(EXTRAS)


def fingerprint(frames: NDArray[np.float64]) -> dict[str, str]:
    """Return by feature the SHA-256 of what follows from the frames of a stream with all extras."""
    log_mel, extras = frames[:, :N_MELS], frames[:, N_MELS:]
    columns = np.arange(count_columns(ALL))
    extras_to_int8 = ExtrasToInt8(ALL, 50 * columns, 300 + 7 * columns, 20.0, prior_frames=50)
    mean, std = 10 - np.arange(40) / 4, 3 + np.arange(40) / 8
    mfcc = Mfcc(FrontEnd(), mean, std, 32.0)(log_mel)
    removal = RunningMean(40, prior_frames=50)
    removed = [removal(mfcc[i : i + 8]) for i in range(0, len(mfcc), 8)]
    return {
        "log_mel": _sha256(log_mel.astype("<i4")),
        "mfcc": _sha256(mfcc),
        "mfcc_13": _sha256(Mfcc(FrontEnd(n_mfcc=13), mean[:13], std[:13], 20.0)(log_mel)),
        "running_mean": _sha256(np.concatenate(removed)),
        "speech": _sha256(VoiceActivity()(log_mel)),
        "extras": _sha256(extras.astype("<i4")),
        "extras_int8": _sha256(extras_to_int8(extras)),
    }


def blas_control() -> str:
    """Return the SHA-256 of sums that do depend on the BLAS kernel: it tells whether two runs used different ones."""
    left, right = (noise(128 * 128, seed).reshape(128, 128) / 3 for seed in (40, 41))
    return _sha256(np.concatenate([(left @ right).ravel(), left @ right[0], [left.ravel() @ right.ravel()]]))


def _sha256(values: NDArray[np.generic]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


if __name__ == "__main__":
    pcm, stream = everything(), LogMel(ALL)
    frames = np.concatenate([stream.push(pcm[i : i + STEP]) for i in range(0, pcm.size, STEP)])
    print(json.dumps({**fingerprint(frames), "blas_control": blas_control()}))
