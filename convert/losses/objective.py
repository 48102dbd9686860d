"""What a network minimises: the terms that a recipe asks for, added up for each clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.errors import TrainingError
from convert.loss_options import Losses
from convert.losses.adversary import Adversary
from convert.losses.affect import affect_distance, hierarchy
from convert.losses.calibration import calibration
from convert.losses.contrastive import contrastive
from convert.losses.distillation import distillation
from convert.losses.focal import focal
from convert.losses.masked_cross_entropy import masked_cross_entropy

LOGITS = "logits"


@dataclass(frozen=True, slots=True)
class Targets:
    """What is known of the clips of a batch."""

    classes: tf.Tensor
    """(batch, n_classes): probabilities, smoothed or mixed."""

    soft: tf.Tensor
    """(batch, n_classes): the teachers' probabilities."""

    counts_as: tf.Tensor
    """int32 (batch, n_classes): see `told_apart`."""

    labelled: tf.Tensor
    """float32 (batch,): 0 where only the teachers are heard."""

    speaker: tf.Tensor
    """int32 (batch,), -1 where it is not known."""

    gender: tf.Tensor
    """int32 (batch,): 0 a woman, 1 a man, -1 not known."""


class Objective(tf.Module):
    """The loss of clips.

    Parameters
    ----------
    options : Losses
    alpha, temperature : float
        Share and softness of the teachers' answers; alpha 0 without teachers.
    places : float array (n_classes, 2), optional
        Valence and arousal of the classes.
    n_speakers : int
    seed : int
        Of the adversaries' first weights.

    Raises
    ------
    TrainingError
        A term needs places that are not given.
    """

    def __init__(
        self,
        options: Losses,
        alpha: float,
        temperature: float,
        places: NDArray[np.float32] | None,
        n_speakers: int,
        seed: int,
    ) -> None:
        super().__init__()
        if (options.affect or options.hierarchy) and places is None:
            raise TrainingError("losses.affect needs the classes' valence and arousal", "Set it to 0")
        self._options, self._alpha, self._temperature = options, alpha, temperature
        self._places = None if places is None else tf.constant(places, tf.float32)
        self._speakers = Adversary(n_speakers, seed) if options.speaker_adversary else None
        self._genders = Adversary(2, seed + 1) if options.gender_adversary else None

    def build(self, width: int) -> None:
        """Make the adversaries' weights for features (batch, width)."""
        for adversary in (self._speakers, self._genders):
            if adversary is not None:
                adversary.build(width)

    def of_answers(self, logits: tf.Tensor, targets: Targets) -> tf.Tensor:
        """Return the loss of each clip's logits (batch, n_classes), (batch,)."""
        options = self._options
        known = (targets.classes, targets.counts_as)
        hard = focal(logits, *known, options.focal) if options.focal else masked_cross_entropy(logits, *known)
        if options.calibration:
            hard += options.calibration * calibration(logits, *known)
        if options.affect:
            hard += options.affect * affect_distance(logits, *known, self._places)
        if options.hierarchy:
            hard += options.hierarchy * hierarchy(logits, *known, self._places)
        if not self._alpha:
            return hard
        # Of a clip without a label the teachers alone know something.
        alpha = 1.0 - (1.0 - self._alpha) * targets.labelled
        learnt = distillation(logits, targets.soft, targets.counts_as, self._temperature)
        return (1.0 - alpha) * hard + alpha * learnt

    def of_features(self, features: tf.Tensor, targets: Targets) -> tf.Tensor:
        """Return the loss of what was heard in each clip (batch, width), (batch,)."""
        options, loss = self._options, tf.zeros(tf.shape(features)[0])
        if options.contrastive:
            classes = tf.argmax(targets.classes, axis=1)
            loss += options.contrastive * contrastive(features, classes, targets.labelled)
        if self._speakers is not None:
            loss += options.speaker_adversary * self._speakers(features, targets.speaker)
        if self._genders is not None:
            loss += options.gender_adversary * self._genders(features, targets.gender)
        return loss


def with_features(model: keras.Model) -> keras.Model:
    """Return a network that also gives what its logits are made of, (batch, steps, width); weights are shared.

    Raises
    ------
    TrainingError
        The network was wrapped, for pruning or quantisation, so that its last layer is not found.
    """
    try:
        features = model.get_layer(LOGITS).input
    except ValueError as error:
        raise TrainingError("Losses on features need the plain network", "Set them to 0 in this stage") from error
    steps = keras.layers.Reshape((-1, features.shape[-1]), dtype="float32", name="features_by_step")(features)
    return keras.Model(model.input, [*model.outputs, steps])
