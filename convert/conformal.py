"""Sets of labels that hold the right one as often as stated, instead of one label that may be wrong.

Split conformal prediction with the least ambiguous sets (Sadinle et al., arXiv:1609.00451; Angelopoulos and Bates,
arXiv:2107.07511, section 1). It promises its coverage for recordings that are drawn like those it was calibrated on:
new speakers are only about that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def conformal_threshold(
    probabilities: NDArray[np.floating],
    spoken: NDArray[np.integer],
    coverage: float,
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Return the probability from which a label belongs to the set.

    Parameters
    ----------
    probabilities : array (n, n_labels)
        Of recordings that nothing was fitted to.
    spoken : int array (n,)
        Right labels.
    coverage : float
        Share of sets that shall hold the right label, 0 to 1.
    weight : array (n,), optional
        Of each recording; all count alike where it is not given.

    Examples
    --------
    >>> shares = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    >>> round(conformal_threshold(shares, np.array([0, 0, 1, 0]), 0.7), 2)
    0.2
    >>> round(conformal_threshold(shares, np.array([0, 0, 1, 0]), 0.5), 2)
    0.6
    """
    right = probabilities[np.arange(len(spoken)), spoken]
    order = np.argsort(-right, kind="stable")
    counted = np.ones(len(right)) if weight is None else weight / np.mean(weight)
    # One more recording, the one to come, counts as the least probable: Tibshirani et al., arXiv:1904.06019, eq. 5.
    reached = np.cumsum(counted[order]) / (len(right) + 1)
    place = int(np.searchsorted(reached, coverage - 1e-9))
    return float(right[order[place]]) if place < len(right) else 0.0


def conformal_sets(probabilities: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """Return which labels are in each recording's set, (n, n_labels); the likeliest always is."""
    chosen = probabilities >= threshold
    chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
    return chosen
