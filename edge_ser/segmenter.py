"""`Segmenter`: int16 PCM to the int8 features that the student is fed, utterance by utterance.

Training cuts its recordings by the same rules, all steps at once; a test holds both to the same frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import Detector, LogMel, ToInt8, VoiceActivity
from edge_ser.features.ones import ones
from edge_ser.features.tables import N_MELS
from edge_ser.student.metadata import Features

FULL_SCALE = 32768  # LSB
QUIETEST_DBFS = -120.0
CLIPPED = 32767  # LSB; -32768 counts too
CLIPPING_SAMPLES = 3
"""Full-scale samples in one step that are no coincidence: audio normalised to its peak has one or two."""

CLIPPING_ENERGY = CLIPPING_SAMPLES * CLIPPED**2  # LSB^2
"""What so many of them have: a step with less need not be searched for them, and most have less."""


Mask = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Takes the log-mel bands (frames, n_mels) of each step and returns those that the student is to be given."""


class Step(NamedTuple):
    """What was heard in one step: a tuple, which is made in a third of the time of a frozen dataclass."""

    speech: bool
    """Somebody spoke in it."""

    onset: bool
    """An utterance begins."""

    features: tuple[NDArray[np.int8], ...]
    """Each (frames_per_step, n_features): none outside an utterance; at its onset the step before, then this one."""

    level_dbfs: float
    """RMS without DC in dB relative to full scale, at least -120."""

    noise_floor_dbfs: float
    """Level of the background, likewise."""

    clipping: bool
    """At least `CLIPPING_SAMPLES` samples are at the ends of the range."""

    sample_sum: int
    """Of its samples, in LSB: so many times the offset."""

    voice: NDArray[np.float64] | None
    """(n_mfcc,): mean cepstra, in int8 steps, of the utterance that ended before this step; None where none did."""


class Segmenter:
    """Hears whole steps; finds utterances.

    An utterance opens with the first step that holds speech and closes after `hangover_seconds` without. The running
    mean starts afresh with each.

    Parameters
    ----------
    features : Features
        Front end and statistics.
    hangover_seconds : float
        Silence that still belongs to the utterance.
    voice_activity : Detector, optional
        Decides what is speech; else ours, by which training cut its recordings.
    mask : Mask, optional
        Hides sound from the student, for an explanation; voice activity hears all.
    """

    def __init__(
        self,
        features: Features,
        hangover_seconds: float,
        voice_activity: Detector | None = None,
        mask: Mask | None = None,
    ) -> None:
        front_end = features.front_end
        self.step_samples = features.frames_per_step * front_end.hop_length
        self._mask = mask
        self._log_mel = LogMel(features.extras)
        self._voice_activity = VoiceActivity() if voice_activity is None else voice_activity
        self._to_int8 = to_int8(features)
        self._hangover_steps = round(hangover_seconds / features.step_seconds)
        self._hangover_samples = hangover_seconds * front_end.sample_rate
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._log_mel.reset()
        self._voice_activity.reset()
        self._before: NDArray[np.float64] | None = None  # frames of the step before
        self._open = False
        self._silent_steps = 0

    def erase(self) -> None:
        """Overwrite with zeros what was heard, and start a new stream."""
        self._log_mel.erase()
        self._to_int8.reset()
        if self._before is not None:
            self._before[:] = 0
        self.reset()

    def __call__(self, pcm: NDArray[np.int16], lost: int = 0) -> Step:
        """Hear one step.

        Parameters
        ----------
        pcm : int16 array (step_samples,)
            16 kHz, mono.
        lost : int
            Samples lost in it or just before. So many that they could hide the end of an utterance do end it.
        """
        frames = self._log_mel.push(pcm)
        speech = bool(
            np.count_nonzero(self._voice_activity(frames[:, :N_MELS], pcm))
        )  # NumPy 2 counts in its own integers
        if self._mask is not None:
            frames = np.concatenate((self._mask(frames[:, :N_MELS]), frames[:, N_MELS:]), axis=1)
        ended = False
        if self._open:
            self._silent_steps = 0 if speech else self._silent_steps + 1
            if self._silent_steps > self._hangover_steps or lost > self._hangover_samples:
                self._open = False
                ended = True
        voice = self._to_int8.voice() if ended else None
        onset = speech and not self._open
        features: tuple[NDArray[np.int8], ...] = ()
        if onset:
            self._open = True
            self._silent_steps = 0
            self._to_int8.reset()
            if self._before is not None:
                features = (self._to_int8(self._before),)
        if self._open:
            features = (*features, self._to_int8(frames))
        self._before = frames
        energy, total = sums(pcm)
        return Step(
            speech,
            onset,
            features,
            level_of(energy, total, len(pcm)),
            self._voice_activity.noise_floor_db,
            energy >= CLIPPING_ENERGY and is_clipped(pcm),
            total,
            voice,
        )


def to_int8(features: Features) -> ToInt8:
    """Return what makes frames int8 as a model file says."""
    return ToInt8(
        features.front_end,
        features.mean,
        features.std,
        features.lsb_per_std,
        features.running_mean_prior_frames,
        features.extras,
    )


def level_dbfs(pcm: NDArray[np.int16]) -> float:
    """Return the RMS of samples (n,) without their mean, in dB relative to full scale, at least -120.

    Examples
    --------
    >>> level_dbfs(np.zeros(8, np.int16))
    -120.0
    >>> round(level_dbfs(np.tile(np.array([16384, -16384], np.int16), 4)), 2)
    -6.02
    """
    return level_of(*sums(pcm), len(pcm))


def sums(pcm: NDArray[np.int16]) -> tuple[float, int]:
    """Return the sum of squares and the sum of samples (n,): whole numbers, so exact in whatever order."""
    samples = pcm.astype(np.float64)
    energy, total = float(samples.dot(samples)), int(samples.dot(ones(len(samples))))
    samples.fill(0)  # freed memory is to hold no audio
    return energy, total


def level_of(energy: float, total: int, count: int) -> float:
    """Return what `level_dbfs` does, from the sum of squares and the sum of so many samples."""
    power = (energy - float(total) ** 2 / count) / count
    return max(10 * math.log10(power / FULL_SCALE**2), QUIETEST_DBFS) if power else QUIETEST_DBFS


def is_clipped(pcm: NDArray[np.int16]) -> bool:
    """Say whether samples (n,) hit the ends of their range too often for chance."""
    return int(np.count_nonzero(pcm >= CLIPPED) + np.count_nonzero(pcm <= -CLIPPED)) >= CLIPPING_SAMPLES
