"""The gate before a file is shipped: the int8 student must say what the trained one says.

Calibration on bad data, or a layer whose range int8 cannot hold, gives a file that loads, runs and is wrong. So the
trained model, in float over whole recordings, is compared with the file, in int8 step by step, on real features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.streaming_cnn import pool
from convert.export import micro
from convert.export.errors import ParityError
from edge_ser.decision.pooling import Pooling
from edge_ser.student.backend import installed_backends
from edge_ser.student.network import Network

MAX_LOGIT_ERROR = 0.15
"""RMS of the difference between pooled logits, relative to their spread over classes."""

MIN_AGREEMENT = 0.95
"""Share of recordings of which both say the same class."""


MICRO_RECORDINGS = 8
"""That tflite-micro, whose kernels here are slow ones, is asked about: too few for `MIN_AGREEMENT`, of them the logits
alone have to be near."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How near int8 on the board comes to float in training."""

    backend: str
    """The runtime it was measured with."""

    recordings: int

    logit_error: float
    """RMS of the difference between pooled logits, relative to their spread over classes."""

    agreement: float
    """Share of recordings of which both say the same class."""

    probability_error: float
    """Mean absolute difference of a class's probability."""


def check_parity(
    model: keras.Model,
    tflite: bytes,
    recordings: Sequence[NDArray[np.int8]],
    lsb_per_std: float,
    *,
    max_logit_error: float = MAX_LOGIT_ERROR,
    min_agreement: float = MIN_AGREEMENT,
) -> tuple[Parity, ...]:
    """Compare a trained student with its file, on each runtime that is installed, tflite-micro among them.

    Parameters
    ----------
    model : keras.Model
        As trained: float or quantisation-aware.
    tflite : bytes
        int8, from `to_tflite`.
    recordings : sequence of int8 array (frames, n_features)
        Real features; not those that the scales were calibrated on.
    lsb_per_std : float
        int8 steps per unit of the network's input.

    Raises
    ------
    ParityError
        They differ more than the bounds allow.
    """
    trained = np.stack([trained_logits(model, features, lsb_per_std) for features in recordings])
    results = []
    for backend in installed_backends():
        shipped = np.stack([shipped_logits(Network(tflite, backend=backend), features) for features in recordings])
        results.append(compare(backend, trained, shipped))
    if micro.is_installed():
        network = micro.MicroNetwork(tflite)
        shipped = np.stack([shipped_logits(network, features) for features in recordings[:MICRO_RECORDINGS]])
        results.append(compare(micro.NAME, trained[:MICRO_RECORDINGS], shipped))
    for result in results:
        agrees = result.agreement >= min_agreement or result.backend == micro.NAME
        if result.logit_error > max_logit_error or not agrees:
            raise ParityError(
                f"On {result.backend} int8 is not what was trained: logits differ by {result.logit_error:.1%} "
                f"(at most {max_logit_error:.1%}), same class in {result.agreement:.1%} (at least {min_agreement:.1%})",
                "Train with quantisation, or calibrate on recordings like those that it will hear",
            )
    return tuple(results)


def trained_logits(model: keras.Model, features: NDArray[np.int8], lsb_per_std: float) -> NDArray[np.float64]:
    """Return the pooled logits (n_classes,) of a recording, in float, all at once."""
    real = features.astype(np.float32)[None, :, :, None] / np.float32(lsb_per_std)
    logits, attention = model(real, training=False)
    pooled: NDArray[np.float64] = pool(logits, attention).numpy()[0].astype(np.float64)
    return pooled


def shipped_logits(network: Network | micro.MicroNetwork, features: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the pooled logits (n_classes,) of a recording, in int8, step by step."""
    graph = network.graph
    frames = graph.features.shape[1]
    pooling = Pooling(graph.logits.shape[1])
    network.reset()
    for start in range(0, len(features) - frames + 1, frames):
        logits, attention = network(np.ascontiguousarray(features[start : start + frames]))
        real = (logits.astype(np.float64) - graph.logits.zero_point) * graph.logits.scale
        pooling.add(real.tolist(), (attention - graph.attention.zero_point) * graph.attention.scale)
    return np.array(pooling.mean())


def compare(backend: str, trained: NDArray[np.float64], shipped: NDArray[np.float64]) -> Parity:
    """Measure two arrays (recordings, n_classes) of pooled logits against each other.

    What is added to all logits alike changes no probability, so it counts neither as spread nor as error.
    """
    trained, shipped = (logits - logits.mean(axis=1, keepdims=True) for logits in (trained, shipped))
    return Parity(
        backend=backend,
        recordings=len(trained),
        logit_error=float(np.sqrt(np.mean((shipped - trained) ** 2) / np.mean(trained**2))),
        agreement=float(np.mean(trained.argmax(axis=1) == shipped.argmax(axis=1))),
        probability_error=float(np.mean(np.abs(_softmax(trained) - _softmax(shipped)))),
    )


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
