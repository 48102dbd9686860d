"""Errors a user of the workshop can meet; as everywhere, each names its cure."""

from __future__ import annotations

from edge_ser.errors import EdgeSerError


class ConvertError(EdgeSerError):
    """Base of every error that the toolchain raises on purpose."""


class CorpusError(ConvertError):
    """A corpus, its manifest or one of its files is missing, damaged or not what it says."""


class SplitError(ConvertError):
    """A split names a speaker who is not there, is empty, or lets something cross from training to test."""


class RecipeError(ConvertError):
    """A recipe has an unknown key, an impossible value, or asks for what the corpora do not hold."""


class FeedbackDataError(ConvertError):
    """Corrections that cannot be taught: of another front end, with an unknown label, or without features."""


class StageError(ConvertError):
    """A stage of a run could not do its work."""


class TrainingError(ConvertError):
    """A network cannot be trained, or its training went wrong."""


class WorkerLostError(TrainingError):
    """Another machine that trains with this one is gone."""
