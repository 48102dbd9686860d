"""Makes the peers that have to be trained: `python -m benchmarks.peers.training svm|keras FOLDER [CORPORA]`.

With corpora they are trained on ravdess without the speakers that our student never heard, and judged on those: the
UAR is printed as JSON. Without, they are trained on noise.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.jobs import FULL_SCALE, KERAS_FILE, SAMPLE_RATE, SVM_FILE, librosa_features
from edge_ser.student.model_file import ModelFile

CORPUS = "ravdess"
COSTS = (0.001, 0.01, 0.1, 1.0)  # of an SVM's margin
FOLDS = 5  # of the training speakers, to choose among them
NOISE_CLIPS = 160
EPOCHS, BATCH = 60, 32
EGEMAPS, N_MFCC = 88, 40
SEED = 0

Data = tuple[NDArray[Any], NDArray[np.intp], NDArray[np.str_]]
"""Features (clips, ...), classes (clips,), speakers (clips,)."""


def main() -> int:
    """Train, write, print."""
    which, folder = sys.argv[1], Path(sys.argv[2])
    corpora = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    train, file, name = {
        "svm": (_train_svm, SVM_FILE, "opensmile-svm"),
        "keras": (_train_keras, KERAS_FILE, "librosa-keras"),
    }[which]
    classes = ModelFile.load_bundled().metadata.classes
    if corpora is None:
        train(_noise(which, len(classes)), folder / file)
        print(json.dumps({}))
        return 0
    features, labels, speakers = _clips(corpora, egemaps if which == "svm" else librosa_features, classes)
    held_out = np.isin(speakers, ModelFile.load_bundled().metadata.provenance.held_out)
    predict = train((features[~held_out], labels[~held_out], speakers[~held_out]), folder / file)
    from sklearn.metrics import balanced_accuracy_score

    print(json.dumps({name: balanced_accuracy_score(labels[held_out], predict(features[held_out]))}))
    return 0


def egemaps(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return eGeMAPSv02 functionals (88,)."""
    import opensmile

    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
    )
    found: NDArray[np.float32] = smile.process_signal(pcm * FULL_SCALE, SAMPLE_RATE).to_numpy()[0]
    return found


def _clips(corpora: Path, extract: Callable[..., Any], classes: tuple[str, ...]) -> Data:
    from convert.corpora.manifest import read_corpus
    from convert.evaluate.model_file import read_clips

    _, clips = read_corpus(corpora / CORPUS, classes)
    recordings = read_clips(corpora, clips)
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        features = np.stack(pool.map(extract, recordings, chunksize=16))
    labels = np.array([classes.index(clip.emotion) for clip in clips])
    return features, labels, np.array([clip.speaker for clip in clips])


def _noise(which: str, n_classes: int) -> Data:
    rng = np.random.default_rng(SEED)
    shape = (NOISE_CLIPS, EGEMAPS) if which == "svm" else (NOISE_CLIPS, N_MFCC, 1)
    clips = np.arange(NOISE_CLIPS)
    return rng.standard_normal(shape).astype(np.float32), clips % n_classes, (clips % 10).astype(np.str_)


def _train_svm(data: Data, path: Path) -> Callable[[Any], NDArray[np.intp]]:
    """Fit a linear SVM on standardised functionals, its cost chosen among the training speakers."""
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    features, labels, speakers = data
    machine = make_pipeline(StandardScaler(), LinearSVC(class_weight="balanced", dual=False))
    search = GridSearchCV(machine, {"linearsvc__C": COSTS}, scoring="balanced_accuracy", cv=GroupKFold(FOLDS))
    search.fit(features, labels, groups=speakers)
    scaler, svm = search.best_estimator_[0], search.best_estimator_[-1]
    # As arrays: a pickle would run what it holds.
    np.savez(path, mean=scaler.mean_, scale=scaler.scale_, weights=svm.coef_, bias=svm.intercept_, classes=svm.classes_)
    return search.best_estimator_.predict


def _train_keras(data: Data, path: Path) -> Callable[[Any], NDArray[np.intp]]:
    """Fit the network of the tutorials: two 1-D convolutions over the 40 coefficients."""
    import tensorflow as tf

    layers, (features, labels, _) = tf.keras.layers, data
    tf.keras.utils.set_random_seed(SEED)
    normalise = layers.Normalization(axis=1)
    normalise.adapt(features)
    stack = [
        tf.keras.Input((N_MFCC, 1)), normalise,
        layers.Conv1D(128, 5, padding="same", activation="relu"), layers.Dropout(0.2), layers.MaxPooling1D(8),
        layers.Conv1D(128, 5, padding="same", activation="relu"), layers.Dropout(0.2), layers.Flatten(),
        layers.Dense(int(labels.max()) + 1, activation="softmax"),
    ]  # fmt: skip
    model = tf.keras.Sequential(stack)
    model.compile("adam", "sparse_categorical_crossentropy")
    epochs = EPOCHS if len(labels) > NOISE_CLIPS else 1
    model.fit(features, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    model.save(path)
    return lambda values: model.predict(values, verbose=0).argmax(axis=1)


if __name__ == "__main__":
    raise SystemExit(main())
