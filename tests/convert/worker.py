"""One of the workers of `test_distribution.py`: `python worker.py FOLDER EPOCHS`, its place in `TF_CONFIG`."""

from __future__ import annotations

import sys
from pathlib import Path

from convert import distribution

distribution.use(distribution.MULTIWORKER)  # before anything else is done with TensorFlow

from few_examples import FRAMES, N_CLASSES, N_MFCC, SCALES, few_examples  # noqa: E402
from tensorflow_model_optimization.python.core.keras.compat import keras  # noqa: E402

from convert.architectures import architecture  # noqa: E402
from convert.errors import WorkerLostError  # noqa: E402
from convert.predict import predict  # noqa: E402
from convert.recipe import Training  # noqa: E402
from convert.stages import run_stage  # noqa: E402
from convert.train import train  # noqa: E402


def main(folder: Path, epochs: int) -> None:
    folder.mkdir(exist_ok=True)
    training = Training(epochs=epochs, batch_size=16, learning_rate=0.01, averaging=0.8, max_frames=FRAMES)
    network = architecture("streaming_cnn", n_mfcc=N_MFCC, n_classes=N_CLASSES, channels=[4], pools=[8], embedding=6)
    taught = few_examples()

    def validate(model: keras.Model) -> float:
        return float((predict(model, taught, **SCALES).argmax(axis=1) == taught.target).mean())

    def make(place: Path) -> None:
        with distribution.scope():
            train(network.build(), taught, training, place, seed=1, validate=validate, **SCALES)

    run_stage(folder, "student", {"epochs": epochs}, make, agree=distribution.agree)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]))
    except WorkerLostError as error:
        distribution.rejoin(error)
