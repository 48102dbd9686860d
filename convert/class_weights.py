"""What a clip counts in the loss, so that rare classes are not forgotten. NumPy alone: it is data, not a layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_ROOT, MOST_ROOT = 0.3, 3.0  # of how much rarer a class is than the mean one
BETA = 0.999  # of the effective number: clips beyond about 1 / (1 - BETA) of a class say little that is new


def class_weights(
    corpus: NDArray[np.str_], target: NDArray[np.int64], n_classes: int, kind: str = "root"
) -> NDArray[np.float32]:
    """Return a weight for each utterance, by how rare its class is in its corpus.

    Parameters
    ----------
    corpus : str array (n,)
    target : int array (n,)
        Classes.
    n_classes : int
    kind : str
        `root`, the root of how much rarer its class is than the mean class; `effective`, the inverse of the effective
        number of its class (Cui et al., arXiv:1901.05555, section 3), of mean 1; or `none`, 1.

    Examples
    --------
    >>> corpus, target = np.array(["a"] * 5), np.array([0, 0, 0, 0, 1])
    >>> class_weights(corpus, target, 2).astype(float).round(2).tolist()
    [0.79, 0.79, 0.79, 0.79, 1.58]
    >>> class_weights(corpus, target, 2, "effective").astype(float).round(2).tolist()
    [0.63, 0.63, 0.63, 0.63, 2.5]
    """
    weight = np.ones(len(target), np.float32)
    for name in np.unique(corpus) if kind != "none" else ():
        inside = corpus == name
        counts = np.bincount(target[inside], minlength=n_classes)
        count = counts[target[inside]]
        if kind == "effective":
            rarity = (1 - BETA) / (1 - BETA**count)
            weight[inside] = rarity / rarity.mean()
        else:
            mean = inside.sum() / max(1, np.count_nonzero(counts))
            weight[inside] = np.sqrt(np.clip(mean / count, LEAST_ROOT, MOST_ROOT))
    return weight
