"""`Noise`: counts with noise that hides any one slot, drawn exactly by OpenDP.

Each count gets noise of the discrete Laplace distribution, P(k) proportional to exp(-|k| / scale) with scale =
sensitivity / epsilon. Two sets of counts that differ by at most `sensitivity` in sum then give any outcome with
probabilities whose ratio is at most e^epsilon. OpenDP draws it with integers alone, without the floating-point holes
of textbook samplers (C. Canonne, G. Kamath, T. Steinke, 'The Discrete Gaussian for Differential Privacy', NeurIPS
2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from edge_ser.errors import SettingsError


class Noise:
    """Discrete Laplace noise for counts.

    Parameters
    ----------
    epsilon : float
        Privacy loss of one release.
    sensitivity : int
        By how much neighbouring counts may differ in sum.

    Raises
    ------
    SettingsError
        OpenDP is not installed.
    """

    def __init__(self, epsilon: float, sensitivity: int) -> None:
        self.scale = sensitivity / epsilon
        """Of the noise; its standard deviation is about 1.4 times as much."""
        self._measurement = _laplace(self.scale)
        while self._measurement.map(d_in=sensitivity) > epsilon:  # the quotient was rounded down
            self.scale = math.nextafter(self.scale, math.inf)
            self._measurement = _laplace(self.scale)

    def __call__(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Return counts with noise, which may be negative: cut off at 0 their sums would be too large."""
        noisy: list[int] = self._measurement(list(counts.values()))
        return dict(zip(counts, noisy, strict=True))


def _laplace(scale: float) -> Any:
    try:
        from opendp.domains import atom_domain, vector_domain
        from opendp.measurements import make_laplace
        from opendp.metrics import l1_distance
        from opendp.mod import enable_features
    except ImportError as error:
        cure = "Install it: pip install 'edge-ser[aggregates]' (64-bit processors)"
        raise SettingsError(f"Aggregates need OpenDP, which cannot be imported ({error})", cure) from error
    enable_features("contrib")  # OpenDP wants it said that not all of its proofs were vetted
    return make_laplace(vector_domain(atom_domain(T=int)), l1_distance(T=int), scale=scale)
