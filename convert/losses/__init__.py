"""Losses, each a function that returns one number a clip; `objective.py` adds up those that a recipe asks for."""

from convert.losses.distillation import distillation
from convert.losses.masked_cross_entropy import masked_cross_entropy, told_apart
from convert.losses.objective import Objective, Targets

__all__ = ["Objective", "Targets", "distillation", "masked_cross_entropy", "told_apart"]
