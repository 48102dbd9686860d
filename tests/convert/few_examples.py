"""Noise upon a level for each class, for the processes that `test_distribution.py` starts."""

from __future__ import annotations

import numpy as np

from convert.examples import Examples

N_MFCC, N_CLASSES, CLIPS, FRAMES = 8, 3, 48, 80
SCALES = {"lsb_per_std": 20.0, "frames_per_step": 8}


def few_examples() -> Examples:
    rng = np.random.default_rng(0)
    target = rng.integers(0, N_CLASSES, CLIPS)
    features = rng.normal(0, 20, (CLIPS * FRAMES, N_MFCC)) + 10 * np.repeat(target, FRAMES)[:, None]
    return Examples(
        features=np.clip(np.rint(features), -128, 127).astype(np.int8),
        start=np.arange(CLIPS) * FRAMES,
        frames=np.full(CLIPS, FRAMES),
        corpus=np.full(CLIPS, "one"),
        target=target,
        counts_as=np.tile(np.arange(N_CLASSES, dtype=np.int32), (CLIPS, 1)),
        weight=np.ones(CLIPS, np.float32),
        probability=np.full(CLIPS, 1 / CLIPS),
        draws=CLIPS,
    )
