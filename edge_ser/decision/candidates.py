"""The labels that may be right, where one alone is not sure enough.

Split conformal prediction with the least ambiguous sets (M. Sadinle et al., arXiv:1609.00451): every label that is at
least so probable, where the model file knows from validation speakers how often such a set holds the right one. The
promise is for recordings drawn like those; new speakers, rooms and languages are only about that, and the card says
what was measured on speakers never heard.
"""

from __future__ import annotations

from collections.abc import Mapping


def candidates(probabilities: Mapping[str, float], at_least: float | None) -> tuple[str, ...]:
    """Return the labels that are at least so probable, the likeliest first; that one always. With None, no label.

    Examples
    --------
    >>> candidates({"happy": 0.3, "angry": 0.6, "sad": 0.1}, 0.25)
    ('angry', 'happy')
    >>> candidates({"happy": 0.3, "angry": 0.6, "sad": 0.1}, 0.9)
    ('angry',)
    """
    if at_least is None:
        return ()
    ranked = sorted(probabilities, key=lambda label: -probabilities[label])  # stable: ties in the order of the labels
    return (ranked[0], *(label for label in ranked[1:] if probabilities[label] >= at_least))
