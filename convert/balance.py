"""Offsets of the class logits, so that no class wins by being asked for seldom.

The loss compares only the classes that a clip's corpus has, so a class that few corpora have (`calm`) is never told
that it is wrong on the others' voices, and wins there. One offset a class puts that right; it goes into the bias of
the logits, so that the file that ships needs nothing new. This is vector scaling with one temperature for all classes
(C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2).
"""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.calibration import corpus_weights
from convert.networks import scales
from convert.predict import predict
from convert.prepare import Prepared, examples_of

STIFFNESS = 0.01  # of the pull towards no offset: there are few validation speakers

log = logging.getLogger(__name__)


def balance(prepared: Prepared, student: keras.Model) -> None:
    """Put offsets that the validation speakers ask for into the bias of the student's logits."""
    recipe = prepared.recipe
    judged = examples_of(prepared, prepared.split.validation, variants=False)
    logits = predict(student, judged, **scales(prepared, recipe.student))
    label_of_class = np.array([recipe.labels.index(recipe.label_of_class.get(name, name)) for name in recipe.classes])
    offsets = class_offsets(
        logits, label_of_class[judged.target], label_of_class, corpus_weights(judged.corpus.tolist())
    )
    bias = next(weight for weight in student.weights if "logits/bias" in weight.name)
    bias.assign_add(offsets)
    log.info("offsets of %s: %s", recipe.classes, offsets.round(2).tolist())


def class_offsets(
    logits: NDArray[np.floating],
    spoken: NDArray[np.intp],
    label_of_class: NDArray[np.intp],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the offsets (n_classes,), of mean 0, with the least negative log-likelihood of the labels.

    Parameters
    ----------
    logits : array (n, n_classes)
        Of validation speakers.
    spoken : int array (n,)
        Right labels.
    label_of_class : int array (n_classes,)
        Label of each class; a label's probability is the sum of its classes'.
    weight : array (n,)
        Of each recording.

    Examples
    --------
    A class that is always one too high is brought down.

    >>> logits = np.eye(3)[[0, 1, 2] * 20] * 2 + np.random.default_rng(0).normal(size=(60, 3)) + [1, 0, 0]
    >>> offsets = class_offsets(logits, np.array([0, 1, 2] * 20), np.arange(3), np.ones(60))
    >>> bool(offsets[0] < -0.4)
    True
    """
    n_classes = logits.shape[1]
    same_label = label_of_class[None, :] == spoken[:, None]
    share = weight / weight.sum()

    def loss(parameters: NDArray[np.float64]) -> float:
        scaled = (logits + parameters[1:]) * np.exp(-parameters[0])
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        odds = np.exp(scaled)
        right = (odds * same_label).sum(axis=1) / odds.sum(axis=1)
        return float(-share @ np.log(np.maximum(right, 1e-12)) + STIFFNESS * np.square(parameters[1:]).sum())

    offsets = np.asarray(minimize(loss, np.zeros(n_classes + 1), method="L-BFGS-B").x[1:], np.float64)
    return offsets - offsets.mean()
