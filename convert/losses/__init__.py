"""Losses, each a function of logits that returns one number a clip."""

from convert.losses.distillation import distillation
from convert.losses.masked_cross_entropy import masked_cross_entropy, told_apart

__all__ = ["distillation", "masked_cross_entropy", "told_apart"]
