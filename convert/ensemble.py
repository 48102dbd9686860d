"""Several teachers to one answer: their mean, a weighted mean, or a machine that learnt when to believe whom.

The meta-learner of a stack is a support vector machine (D. Wolpert, Stacked generalization, Neural Networks 5, 1992).
It must learn from answers about voices that the teachers never heard, or it would believe whoever remembers best: they
are out of fold, and no speaker is in two folds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from convert.distill import soft_targets
from convert.errors import TrainingError

LEAST_SHARE = 1e-6
CALIBRATION_FOLDS = 3  # of speakers, inside those that a machine learns from
LEAST_TO_STACK = 2
MOST_ROWS = 4000  # that a machine learns from; its time grows with their square

Logits = NDArray[np.float32]
"""(n, n_classes), of one teacher."""


def speaker_folds(speakers: NDArray[np.generic], count: int) -> NDArray[np.intp]:
    """Return the fold (n,) of each row; all rows of a speaker are in one.

    Raises
    ------
    TrainingError
        There are fewer speakers than folds.
    """
    if len(np.unique(speakers)) < count:
        raise TrainingError(
            f"{len(np.unique(speakers))} training speakers cannot be split into {count} folds",
            "Set distillation.folds lower, or distillation.ensemble to mean",
        )
    fold = np.zeros(len(speakers), np.intp)
    for number, (_, inside) in enumerate(GroupKFold(count).split(fold, groups=speakers)):
        fold[inside] = number
    return fold


def teacher_weights(
    logits: Sequence[Logits], target: NDArray[np.integer], counts_as: NDArray[np.int32], weight: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return a share for each teacher, of sum 1, with the least negative log-likelihood of the labels.

    Parameters
    ----------
    logits : sequence of array (n, n_classes)
        Of clips by speakers that the teachers did not hear.
    target : int array (n,)
    counts_as : int32 array (n, n_classes)
        See `convert.losses.told_apart`.
    weight : array (n,)

    Examples
    --------
    >>> right, wrong = np.eye(2, dtype=np.float32)[[0, 1]] * 4, np.eye(2, dtype=np.float32)[[1, 0]] * 4
    >>> counts_as = np.array([[0, 1], [0, 1]], np.int32)
    >>> teacher_weights([right, wrong], np.array([0, 1]), counts_as, np.ones(2)).round(2).tolist()
    [1.0, 0.0]
    """
    rows = np.arange(len(target))
    right = np.stack([soft_targets([each], counts_as, 1.0)[rows, target] for each in logits], axis=1)

    def loss(scores: NDArray[np.float64]) -> float:
        said = np.maximum(right @ _softmax(scores), LEAST_SHARE)
        return float(-np.average(np.log(said), weights=weight))

    return _softmax(minimize(loss, np.zeros(len(logits)), method="L-BFGS-B", bounds=[(-10, 10)] * len(logits)).x)


def stack(
    logits: Sequence[Logits], target: NDArray[np.integer], counts_as: NDArray[np.int32], speakers: NDArray[np.generic]
) -> CalibratedClassifierCV:
    """Return a machine that learnt from teachers' out-of-fold answers.

    Parameters
    ----------
    logits, target, counts_as
        As for `teacher_weights`, each row answered by teachers that had not heard its speaker.
    speakers : array (n,)
        Whom the machine's own confidence must not depend on.

    Raises
    ------
    TrainingError
        They are too few.
    """
    if min(len(np.unique(speakers)), len(np.unique(target))) < LEAST_TO_STACK:
        raise TrainingError(
            "A stack needs two speakers and two classes in every fold but one",
            "Train on more speakers, or set distillation.ensemble to mean",
        )
    rows = np.random.default_rng(0).permutation(len(target))[:MOST_ROWS]
    chosen = [each[rows] for each in logits]
    machine = make_pipeline(StandardScaler(), SVC(class_weight="balanced", random_state=0))
    groups = min(CALIBRATION_FOLDS, len(np.unique(speakers[rows])))
    folds = list(GroupKFold(groups).split(rows, groups=speakers[rows]))
    calibrated = CalibratedClassifierCV(machine, cv=folds, ensemble=False)
    return calibrated.fit(_heard(chosen, counts_as[rows]), target[rows])


def stacked_logits(machine: CalibratedClassifierCV, logits: Sequence[Logits], counts_as: NDArray[np.int32]) -> Logits:
    """Return the logarithm of the machine's probabilities, (n, n_classes)."""
    shares = np.full(counts_as.shape, LEAST_SHARE)
    shares[:, machine.classes_] = machine.predict_proba(_heard(logits, counts_as))
    return np.log(np.maximum(shares, LEAST_SHARE)).astype(np.float32)


def cross_fitted(
    logits: Sequence[Logits],
    target: NDArray[np.integer],
    counts_as: NDArray[np.int32],
    speakers: NDArray[np.generic],
    fold: NDArray[np.intp],
) -> Logits:
    """Return stacked answers (n, n_classes) to the very rows that are learnt from, none by one that knew the row."""
    answers = np.zeros(counts_as.shape, np.float32)
    for number in np.unique(fold):
        inside = fold == number
        machine = stack([each[~inside] for each in logits], target[~inside], counts_as[~inside], speakers[~inside])
        answers[inside] = stacked_logits(machine, [each[inside] for each in logits], counts_as[inside])
    return answers


def _heard(logits: Sequence[Logits], counts_as: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return what the machine sees of each row: every teacher's log probabilities, side by side."""
    shares = [soft_targets([each], counts_as, 1.0) for each in logits]
    return np.log(np.maximum(np.concatenate(shares, axis=1), LEAST_SHARE)).astype(np.float64)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = np.exp(scores - scores.max())
    return odds / odds.sum()
