"""`Hearing`: a recording heard once as it is, and then as often as wanted with a part hidden from the student."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.resample import Resampler
from edge_ser.capture.source import Source
from edge_ser.errors import AudioFileError
from edge_ser.events import Event
from edge_ser.pipeline import Pipeline
from edge_ser.settings import SAMPLE_RATE, Settings
from edge_ser.student.model_file import ModelFile

LogMels = NDArray[np.float64]
"""Of one step, (frames_per_step, n_mels)."""

Samples = NDArray[np.int16]


class Occluder:
    """A `Mask` that keeps what the student is given, and later gives it something else for some steps.

    Parameters
    ----------
    limit : int
        Steps to keep.
    """

    def __init__(self, limit: int) -> None:
        self.heard: list[LogMels] = []
        self._limit = limit
        self._hidden: Mapping[int, LogMels] = {}
        self._step = 0

    def hide(self, hidden: Mapping[int, LogMels]) -> None:
        """Start again, and give the student these bands instead of those steps' own."""
        self._hidden = hidden
        self._step = 0

    def __call__(self, log_mel: LogMels) -> LogMels:
        """Return what the student is to be given for the next step."""
        if self._step == len(self.heard) < self._limit:
            self.heard.append(log_mel)
        self._step += 1
        return self._hidden.get(self._step - 1, log_mel)


class Hearing:
    """A recording as it is heard first: its events, and what is needed to hear its beginning again.

    Parameters
    ----------
    model : ModelFile
    settings : Settings
    source : Source
        Read to its end.
    limit_seconds : float
        Of it that can be heard again.

    Raises
    ------
    AudioFileError
        There is no audio, or so little that none is left at 16 kHz.
    """

    def __init__(self, model: ModelFile, settings: Settings, source: Source, limit_seconds: float) -> None:
        spec = model.metadata.features
        limit = round(limit_seconds / spec.step_seconds)
        self._occluder = Occluder(limit)
        self._pipeline = Pipeline(model, settings, self._occluder)
        self._pieces: list[tuple[Samples, int]] = []
        self.shares: list[tuple[float, ...]] = []
        """By step, as `Pipeline.shares`; of those that can be heard again, as `log_mels`."""
        events: list[Event] = []
        for samples, lost in _cut(source, spec.frames_per_step * spec.front_end.hop_length):
            if len(events) < limit:
                self._pieces.append((samples, lost))
            self._note(self._pipeline.push(samples, lost), events)
        self._note(self._pipeline.flush(), events)
        if not events:
            raise AudioFileError(f"{source.name} holds no audio to explain", "Give a longer recording")
        del self.shares[limit:]
        self.recognition = self._pipeline.recognition(events)
        self.log_mels = np.stack(self._occluder.heard)
        """(steps, frames_per_step, n_mels), as `LogMel` has them."""

    def probabilities_without(self, hidden: Mapping[int, LogMels]) -> Mapping[str, float]:
        """Return what is decided on the part to be explained with these bands instead of those steps' own."""
        self._occluder.hide(hidden)
        self._pipeline.reset()
        for samples, lost in self._pieces:
            self._pipeline.push(samples, lost)
        self._pipeline.flush()
        return self._pipeline.recognition().probabilities

    def _note(self, new: list[Event], events: list[Event]) -> None:
        events += new
        self.shares += [self._pipeline.shares for _ in new]  # at most one: no piece reaches beyond its step


def _cut(source: Source, step_samples: int) -> Iterator[tuple[Samples, int]]:
    """Yield a source's samples at 16 kHz, and those lost before, in pieces that end where steps end."""
    resampler = Resampler(source.sample_rate)
    filled = 0
    for samples, lost in _resampled(source, resampler):
        while len(samples) or lost:
            piece = samples[: step_samples - filled]
            yield piece, lost
            filled = (filled + len(piece)) % step_samples
            samples, lost = samples[len(piece) :], 0


def _resampled(source: Source, resampler: Resampler) -> Iterator[tuple[Samples, int]]:
    for block in iter(source.read, None):
        # Rounded up, as the recogniser does: one lost sample is a gap too.
        yield resampler.push(block.samples), -(-block.lost * SAMPLE_RATE // source.sample_rate)
    yield resampler.flush(), 0
