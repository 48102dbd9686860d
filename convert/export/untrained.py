"""A student with random weights: everything behind training can be built and tested with it.

`python -m convert.export.untrained OUT FILE...` writes one whose front end is fitted to the recordings given. It
hears, steps, pools and decides as a trained one does; what it says means nothing, and its version says so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.streaming_cnn import ATTENTION, LOGITS, StreamingCnn
from convert.export.assemble import assemble
from convert.export.parity import check_parity
from convert.export.streaming_step import streaming_step
from convert.export.tflite import to_tflite
from convert.features import columns, utterance
from edge_ser.capture.resample import Resampler
from edge_ser.capture.source import open_source
from edge_ser.errors import EdgeSerError
from edge_ser.features import TABLES_SHA256, FrontEnd, LogMel
from edge_ser.segmenter import to_int8
from edge_ser.student.metadata import Decision, Features, Provenance
from edge_ser.student.model_file import ModelFile

LABEL_OF_CLASS = {
    "neutral": "neutral", "calm": "neutral", "happy": "happy", "sad": "sad",
    "angry": "angry", "fearful": "fearful", "disgusted": "disgusted", "surprised": "surprised",
}  # fmt: skip
LSB_PER_STD = 20.0
PRIOR_FRAMES = 50
LOGIT_SPREAD, ATTENTION_SPREAD = 1.0, 0.5  # standard deviations
CARD = "# Untrained\n\nRandom weights, for building and testing. What it says about a voice means nothing.\n"


def untrained_student(
    network: StreamingCnn, recordings: Sequence[NDArray[np.int16]], seed: int = 0, extras: tuple[str, ...] = ()
) -> ModelFile:
    """Return the model file of a network with random weights, exported like a trained one.

    Parameters
    ----------
    network : StreamingCnn
        8 classes.
    recordings : sequence of int16 array (n,)
        16 kHz; some seconds in all. Front end, batch norms and int8 scales are fitted to them.
    seed : int
        Of the weights.
    extras : tuple of str
        That it hears beside the MFCC; they fill the network's `n_extras` columns.
    """
    features = fit_features(network, recordings, extras)
    heard = [extract(features, pcm) for pcm in recordings]
    model = random_model(network, heard, seed)
    tflite = to_tflite(streaming_step(network, model), heard, LSB_PER_STD)
    parity = check_parity(model, tflite, heard, LSB_PER_STD, min_agreement=0.0)  # random logits nearly tie
    return assemble(
        tflite,
        name="untrained",
        version="0.0.0-untrained",
        label_of_class=LABEL_OF_CLASS,
        features=features,
        decision=Decision(0.4, 0.4, 1.0, warm_up_seconds=0.8, hangover_seconds=0.8),
        provenance=Provenance((), (), "random weights"),
        licence="Apache-2.0",
        metrics={"int8_logit_error": parity[0].logit_error},
        golden_features=max(heard, key=len),
        card=CARD,
    )


def fit_features(
    network: StreamingCnn, recordings: Sequence[NDArray[np.int16]], extras: tuple[str, ...] = ()
) -> Features:
    """Return a front end standardised to recordings."""
    front_end = FrontEnd(n_mfcc=network.n_mfcc)
    frames = np.concatenate([columns(LogMel(extras).push(pcm), network.n_mfcc) for pcm in recordings])
    mean, std = tuple(frames.mean(axis=0).tolist()), tuple(frames.std(axis=0).tolist())
    return Features(front_end, TABLES_SHA256, mean, std, LSB_PER_STD, PRIOR_FRAMES, network.frames_per_step, extras)


def extract(spec: Features, pcm: NDArray[np.int16]) -> NDArray[np.int8]:
    """Return the features (frames, n_features) of a recording taken as one utterance, in whole steps."""
    frames = LogMel(spec.extras).push(pcm)
    whole = frames[: len(frames) // spec.frames_per_step * spec.frames_per_step]
    return utterance(whole, to_int8(spec), spec.frames_per_step)


def random_model(network: StreamingCnn, heard: Sequence[NDArray[np.int8]], seed: int) -> keras.Model:
    """Return a network whose batch norms are fitted to features, and whose logits have a useful spread."""
    keras.utils.set_random_seed(seed)
    model = network.build()
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # its statistics are those of the last batch
    batch = np.concatenate(heard).astype(np.float32)[None, :, :, None] / LSB_PER_STD
    model(batch, training=True)
    logits, attention = (output.numpy() for output in model(batch, training=False))
    for name, spread in ((LOGITS, LOGIT_SPREAD / logits.std()), (ATTENTION, ATTENTION_SPREAD / attention.std())):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel * spread, bias])
    return model


def main() -> int:
    """Write an untrained student."""
    parser = argparse.ArgumentParser(description="Write a student with random weights.")
    parser.add_argument("out", type=Path)
    parser.add_argument("recordings", type=Path, nargs="+", help="audio files to fit the front end to")
    arguments = parser.parse_args()
    try:
        recordings = [read_16k(path) for path in arguments.recordings]
        untrained_student(StreamingCnn(), recordings).write(arguments.out)
    except EdgeSerError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def read_16k(path: Path) -> NDArray[np.int16]:
    """Return a file's samples at 16 kHz."""
    with open_source(path) as source:
        resampler = Resampler(source.sample_rate)
        pieces = []
        while (block := source.read()) is not None:
            pieces.append(resampler.push(block.samples))
        return np.concatenate([*pieces, resampler.flush()])


if __name__ == "__main__":
    raise SystemExit(main())
