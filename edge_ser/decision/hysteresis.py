"""Which emotion to name now, without changing one's mind at every step."""

from __future__ import annotations

from collections.abc import Sequence


class Hysteresis:
    """Keeps to a decision until another has led it by a margin, for long enough.

    An emotion is named once its probability reaches `uncertain_below`. It is given up, after `minimum_dwell_seconds`
    at the earliest, for another that leads it by `hysteresis` and is itself likely enough; or for none, when the most
    likely one falls `hysteresis` under `uncertain_below`.

    Parameters
    ----------
    uncertain_below : float
        Probability, 0 to 1.
    hysteresis : float
        Probability, 0 to 1.
    minimum_dwell_seconds : float

    Examples
    --------
    >>> decide = Hysteresis(0.5, 0.1, 1.0)
    >>> [decide(p, t) for t, p in enumerate([(0.4, 0.3), (0.6, 0.4), (0.48, 0.52), (0.2, 0.8), (0.3, 0.3)])]
    [None, 0, 0, 1, None]
    """

    def __init__(self, uncertain_below: float, hysteresis: float, minimum_dwell_seconds: float) -> None:
        self._uncertain_below = uncertain_below
        self._hysteresis = hysteresis
        self._minimum_dwell = minimum_dwell_seconds
        self.reset()

    def reset(self) -> None:
        """Name nothing: another utterance begins."""
        self._named: int | None = None
        self._since = 0.0

    def __call__(self, probabilities: Sequence[float], time: float) -> int | None:
        """Return the index of the label to name, or None for `uncertain`.

        Parameters
        ----------
        probabilities : sequence of float
            Of each label.
        time : float
            Seconds; never less than in the call before.
        """
        confidence = max(probabilities)
        best = probabilities.index(confidence)
        if self._named is None:
            if confidence >= self._uncertain_below:
                self._named, self._since = best, time
            return self._named
        if time - self._since < self._minimum_dwell:
            return self._named
        if confidence < self._uncertain_below - self._hysteresis:
            self._named, self._since = None, time
        elif best != self._named and confidence >= max(
            self._uncertain_below, probabilities[self._named] + self._hysteresis
        ):
            self._named, self._since = best, time
        return self._named
