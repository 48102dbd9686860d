"""Settings of the recogniser: one frozen dataclass, read once."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE = 16000  # Hz, of everything behind the resampler


@dataclass(frozen=True, slots=True)
class Settings:
    """How the recogniser listens and decides; what the model file says holds where a field is None."""

    model: str | None = None
    """Path of a model file; None for the bundled one."""

    threads: int = 1
    """Threads of the TFLite interpreter."""

    uncertain_below: float | None = None
    """Confidence under which the state is `uncertain`, 0 to 1."""

    minimum_dwell_seconds: float = 0.5
    """An emotion is kept at least this long before another may replace it."""

    hysteresis: float = 0.05
    """A new emotion must lead the present one by this probability."""
