"""What each candidate does: a function for one recording of 3 s, and one for a stretch of live audio.

Nothing is imported before a candidate is made, since start and memory are measured too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.student.backend import PACKAGES, installed_backends

Pcm = NDArray[np.int16]
Decide = Callable[[Pcm], object]
"""Takes 3 s of audio."""

Made = tuple[Callable[[], object], Callable[[], object]]
"""Decides on the recording; hears `LIVE_SECONDS` of it live."""

SAMPLE_RATE = 16000  # Hz
WINDOW_SECONDS, LIVE_SECONDS, HOP_SECONDS = 3.0, 1.0, 0.1
FULL_SCALE = np.float32(1 / 32768)
N_MELS = 40
SVM_FILE, KERAS_FILE = "svm.npz", "librosa.keras"
OURS, RECORDING, LIVE = "edge-ser", "recording", "live"


@dataclass(frozen=True, slots=True)
class Job:
    """A candidate."""

    name: str
    """Of its figures."""

    title: str
    """For people."""

    packages: tuple[str, ...]
    """That have to be installed for it, with what they need in turn."""

    file: str | None
    """Its model in the folder of this run; None for the one that comes with edge-ser."""

    make: Callable[[Path, Pcm], Made]
    """Takes that folder and the recording."""


def _windowed(decide: Decide, pcm: Pcm) -> Made:
    """Return what a candidate without state does: the last 3 s again at every hop."""
    window, hop = round(WINDOW_SECONDS * SAMPLE_RATE), round(HOP_SECONDS * SAMPLE_RATE)
    hops = round(LIVE_SECONDS / HOP_SECONDS)
    longer = np.concatenate((pcm, pcm))

    def live() -> None:
        for at in range(0, hops * hop, hop):
            decide(longer[at : at + window])

    return lambda: decide(pcm), live


def _edge_ser(folder: Path, pcm: Pcm) -> Made:
    from edge_ser.pipeline import Pipeline
    from edge_ser.student.model_file import ModelFile

    pipeline = Pipeline(ModelFile.load_bundled())
    hop, heard = round(HOP_SECONDS * SAMPLE_RATE), round(LIVE_SECONDS * SAMPLE_RATE)
    at = 0

    def recording() -> object:
        pipeline.reset()
        pipeline.push(pcm)
        pipeline.flush()
        return pipeline.recognition()

    def live() -> None:
        nonlocal at
        for _ in range(0, heard, hop):
            pipeline.push(pcm[at : at + hop])
            at = (at + hop) % len(pcm)

    return recording, live


def _opensmile(folder: Path, pcm: Pcm) -> Made:
    return _windowed(_egemaps(), pcm)


def _opensmile_svm(folder: Path, pcm: Pcm) -> Made:
    extract, svm = _egemaps(), dict(np.load(folder / SVM_FILE, allow_pickle=False))

    def classify(window: Pcm) -> Any:
        scores = (extract(window) - svm["mean"]) / svm["scale"] @ svm["weights"].T + svm["bias"]
        return svm["classes"][scores.argmax(axis=1)]

    return _windowed(classify, pcm)


def _egemaps() -> Callable[[Pcm], Any]:
    import opensmile

    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
    )
    return lambda window: smile.process_signal(window * FULL_SCALE, SAMPLE_RATE).to_numpy()


def _librosa_keras(folder: Path, pcm: Pcm) -> Made:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = tf.keras.models.load_model(folder / KERAS_FILE)
    # As the tutorials have it; calling the model would spare some milliseconds.
    return _windowed(lambda window: model.predict(librosa_features(window)[None], verbose=0), pcm)


def librosa_features(pcm: Pcm) -> NDArray[np.float32]:
    """Return what the tutorials take: the mean of 40 MFCC over the whole recording, (40, 1)."""
    import librosa

    mfcc = librosa.feature.mfcc(y=pcm * FULL_SCALE, sr=SAMPLE_RATE, n_mfcc=40)
    return mfcc.mean(axis=1, dtype=np.float32)[:, None]


def _network(name: str, window: int, hop: int) -> Callable[[Path, Pcm], Made]:
    """Return what makes a rebuilt network of the literature with an MFCC of its own in NumPy."""

    def make(folder: Path, pcm: Pcm) -> Made:
        from benchmarks.networks import fastest

        interpreter: Any = fastest((folder / f"{name}.tflite").read_bytes(), installed_backends()[0])
        (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()[:1]
        scale, zero_point = given["quantization"]
        _, frames, n_mfcc, *_ = given["shape"]
        mfcc = numpy_mfcc(window, hop, int(n_mfcc))

        def decide(audio: Pcm) -> object:
            real = mfcc(audio)[:frames]
            coded = np.zeros(given["shape"], np.int8)
            coded.reshape(frames, n_mfcc)[: len(real)] = np.clip(np.rint(real / scale + zero_point), -128, 127)
            interpreter.set_tensor(given["index"], coded)
            interpreter.invoke()
            return interpreter.get_tensor(answer["index"])

        return _windowed(decide, pcm)

    return make


def numpy_mfcc(window: int, hop: int, n_mfcc: int) -> Callable[[Pcm], NDArray[np.float32]]:
    """Return an MFCC as one writes it in NumPy: float32, `rfft`, two matrix products; (frames, n_mfcc).

    Parameters
    ----------
    window, hop : int
        Samples.
    n_mfcc : int
        Coefficients.
    """
    n_fft = 1 << (window - 1).bit_length()
    edges = np.interp(np.linspace(0, 1, N_MELS + 2), (0, 1), (0, 2595 * np.log10(1 + SAMPLE_RATE / 1400)))
    hertz = 700 * (10 ** (edges / 2595) - 1)
    bins = np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE)[:, None]
    rising, falling = (bins - hertz[:-2]) / (hertz[1:-1] - hertz[:-2]), (hertz[2:] - bins) / (hertz[2:] - hertz[1:-1])
    mel = np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
    cosines = np.cos(np.pi / N_MELS * (np.arange(N_MELS)[:, None] + 0.5) * np.arange(n_mfcc)).astype(np.float32)
    taper = np.hanning(window).astype(np.float32)

    def mfcc(pcm: Pcm) -> NDArray[np.float32]:
        frames = np.lib.stride_tricks.sliding_window_view(pcm * FULL_SCALE, window)[::hop] * taper
        power = np.abs(np.fft.rfft(frames, n_fft)).astype(np.float32) ** 2
        found: NDArray[np.float32] = np.log(power @ mel + np.float32(1e-6)) @ cosines
        return found

    return mfcc


RUNTIME = ("numpy", *(PACKAGES[name] for name in installed_backends()[:1]))
JOBS = (
    Job(OURS, "edge-ser", (*RUNTIME, "sounddevice"), None, _edge_ser),
    Job("opensmile", "openSMILE eGeMAPS, features alone", ("opensmile",), None, _opensmile),
    Job("opensmile-svm", "openSMILE eGeMAPS and an SVM", ("opensmile", "scikit-learn"), SVM_FILE, _opensmile_svm),
    Job("librosa-keras", "librosa and Keras in TensorFlow", ("librosa", "tensorflow"), KERAS_FILE, _librosa_keras),
    # Window and hop of their papers, at 16 kHz.
    Job("light_sernet", "LIGHT-SERNET int8, MFCC in NumPy", RUNTIME, "light_sernet.tflite",
        _network("light_sernet", 1024, 256)),
    Job("tim_net", "TIM-Net int8, MFCC in NumPy", RUNTIME, "tim_net.tflite", _network("tim_net", 800, 200)),
)  # fmt: skip
