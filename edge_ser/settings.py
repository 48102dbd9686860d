"""Settings of the recogniser: one frozen dataclass, read once.

What is a field here is a key of the configuration file, an environment variable and a flag, with its docstring as the
explanation: see `edge_ser.configuration`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge_ser.errors import SettingsError

SAMPLE_RATE = 16000  # Hz, of everything behind the resampler


@dataclass(frozen=True, slots=True)
class Settings:
    """How the recogniser listens and decides; what the model file says holds where a field is None.

    Raises
    ------
    SettingsError
        An impossible value.

    Examples
    --------
    >>> Settings(hysteresis=0.1).threads
    1
    """

    model: str | None = None
    """Path of a model file (the bundled one)."""

    device: str | None = None
    """Microphone by name, a part of it, or its index in `edge-ser devices` (the default one)."""

    channel: int | None = None
    """Channel of the microphone, from 0 (all, mixed)."""

    backend: Literal["litert", "tflite"] | None = None
    """TFLite runtime to use (the first that works)."""

    threads: int = 1
    """Threads of the TFLite interpreter."""

    uncertain_below: float | None = None
    """Confidence under which the state is `uncertain`, 0 to 1 (the model's own)."""

    minimum_dwell_seconds: float = 0.5
    """An emotion is kept at least this long before another may replace it."""

    hysteresis: float = 0.05
    """A new emotion must lead the present one by this probability."""

    def __post_init__(self) -> None:
        if type(self.threads) is not int or self.threads < 1:
            raise SettingsError(f"threads is {self.threads!r}", "Give a whole number from 1 up")
        if self.channel is not None and (type(self.channel) is not int or self.channel < 0):
            raise SettingsError(f"channel is {self.channel!r}", "Give a channel from 0, or leave it out for all")
        for name in ("uncertain_below", "hysteresis"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise SettingsError(f"{name} is {value!r}", "Give a probability from 0 to 1")
        if not 0 <= self.minimum_dwell_seconds < float("inf"):
            raise SettingsError(f"minimum_dwell_seconds is {self.minimum_dwell_seconds!r}", "Give seconds, 0 or more")
