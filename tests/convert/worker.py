"""One of the workers of `test_distribution.py`: `python worker.py FOLDER EPOCHS`, its place in `TF_CONFIG`."""

from __future__ import annotations

import sys
from pathlib import Path

from convert import distribution

distribution.use(distribution.MULTIWORKER)  # before anything else is done with TensorFlow

import numpy as np  # noqa: E402
from tensorflow_model_optimization.python.core.keras.compat import keras  # noqa: E402

from convert.architectures import architecture  # noqa: E402
from convert.errors import WorkerLostError  # noqa: E402
from convert.examples import Examples  # noqa: E402
from convert.recipe import Training  # noqa: E402
from convert.stages import run_stage  # noqa: E402
from convert.train import predict, train  # noqa: E402

N_MFCC, N_CLASSES, CLIPS, FRAMES = 8, 3, 48, 80


def examples() -> Examples:
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


def main(folder: Path, epochs: int) -> None:
    folder.mkdir(exist_ok=True)
    training = Training(epochs=epochs, batch_size=16, learning_rate=0.01, averaging=0.8, max_frames=FRAMES)
    network = architecture("streaming_cnn", n_mfcc=N_MFCC, n_classes=N_CLASSES, channels=[4], pools=[8], embedding=6)

    taught, scales = examples(), {"lsb_per_std": 20.0, "frames_per_step": 8}

    def validate(model: keras.Model) -> float:
        return float((predict(model, taught, **scales).argmax(axis=1) == taught.target).mean())

    def make(place: Path) -> None:
        with distribution.scope():
            train(network.build(), taught, training, place, seed=1, validate=validate, **scales)

    run_stage(folder, "student", {"epochs": epochs}, make, agree=distribution.agree)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]))
    except WorkerLostError as error:
        distribution.rejoin(error)
