"""Class offsets: a class that the loss hardly ever called wrong does not win by that."""

from __future__ import annotations

import numpy as np
import pytest

from convert.balance import class_offsets


def noisy_logits(clips: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    spoken = rng.integers(0, 3, clips)
    return 2 * np.eye(3)[spoken] + rng.normal(size=(clips, 3)), spoken


@pytest.mark.parametrize("favoured", [0, 1, 2])
def test_a_favoured_class_is_brought_down_by_what_it_was_favoured(favoured: int) -> None:
    logits, spoken = noisy_logits()
    fair = class_offsets(logits, spoken, np.arange(3), np.ones(len(spoken)))
    tilted = logits + 1.5 * np.eye(3)[favoured]
    offsets = class_offsets(tilted, spoken, np.arange(3), np.ones(len(spoken))) - fair
    # Not by all of it: the pull towards no offset holds some back.
    assert -1.5 < offsets[favoured] - np.delete(offsets, favoured).mean() < -1.0
    assert offsets.mean() == pytest.approx(0, abs=1e-9)


def test_classes_of_one_label_do_not_compete() -> None:
    logits, spoken = noisy_logits()
    label_of_class = np.array([0, 1, 1])
    label = label_of_class[spoken]
    offsets = class_offsets(logits, label, label_of_class, np.ones(len(label)))
    both = (logits + offsets).argmax(axis=1)
    assert np.mean(label_of_class[both] == label) >= np.mean(label_of_class[logits.argmax(axis=1)] == label) - 0.01


def test_corpora_of_no_weight_say_nothing() -> None:
    logits, spoken = noisy_logits()
    weight = np.where(np.arange(len(spoken)) < 300, 1.0, 0.0)
    wrong = np.where(weight > 0, spoken, (spoken + 1) % 3)
    np.testing.assert_allclose(
        class_offsets(logits, wrong, np.arange(3), weight),
        class_offsets(logits[:300], spoken[:300], np.arange(3), np.ones(300)),
        atol=1e-3,
    )
