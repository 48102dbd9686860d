"""What a network minimises beside the cross-entropy: weights of the further terms, for a recipe. No TensorFlow here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Losses:
    """Terms of the loss; 0 leaves each out."""

    focal: float = 0.0
    """Exponent by which clips that are answered right already count less; 0 is plain cross-entropy."""

    calibration: float = 0.0
    """Weight of the kernel calibration error, so that confidence means what it says."""

    affect: float = 0.0
    """Weight of the squared distance between the answer and the label in the plane of valence and arousal."""

    hierarchy: float = 0.0
    """Weight of the cross-entropy of coarse groups: high or low arousal, pleasant or not."""

    contrastive: float = 0.0
    """Weight of supervised contrast: clips of one class near each other, whatever the speaker."""

    speaker_adversary: float = 0.0
    """Weight of an adversary that tells speakers apart by what the network hears, and must fail."""

    gender_adversary: float = 0.0
    """The same for women and men."""

    @property
    def on_features(self) -> bool:
        """Whether a term looks at what lies before the logits."""
        return bool(self.contrastive or self.speaker_adversary or self.gender_adversary)
