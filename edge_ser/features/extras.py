"""`Extras`: the optional features beside the MFCC that a student was trained with, computed frame by frame.

Each is a small class of its own that hears one thing of a block of frames, samples, log-mel bands or power spectrum,
and returns integers (frames, columns). They come from exact sums and single IEEE operations like the bands
themselves, so they too are the same on every machine and for every way of cutting the stream into blocks. A module is
imported when one of its features is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_ser.errors import SettingsError
from edge_ser.features.running_mean import RunningMean

PCM, LOG_MEL, POWER = range(3)


@dataclass(frozen=True, slots=True)
class Extra:
    """One optional feature."""

    place: str
    """Module in this package, and what in it makes the feature."""

    hears: int
    """What it is given: PCM, LOG_MEL or POWER."""

    relative: tuple[bool, ...]
    """For each column whether its mean since speech onset is removed, as the MFCC's is.

    It is where the voice's or the room's own value says nothing and only the movement counts. It is not where the
    value is a difference, a rate or a share already, or is wanted for itself.
    """


EXTRAS: Mapping[str, Extra] = MappingProxyType(
    {
        "log_energy": Extra("shape.LogEnergy", POWER, (True,)),
        "centroid": Extra("shape.Centroid", POWER, (True,)),
        "spread": Extra("shape.Spread", POWER, (True,)),
        "rolloff": Extra("shape.Rolloff", POWER, (True,)),
        "chroma": Extra("chroma.Chroma", POWER, (False,) * 12),
        "flux": Extra("deltas.Flux", LOG_MEL, (False,)),
        "delta": Extra("deltas.delta", LOG_MEL, (False,) * 13),
        "delta_delta": Extra("deltas.delta_delta", LOG_MEL, (False,) * 13),
        # Loudness itself, of which the running mean leaves only the movement in the MFCC.
        "rms": Extra("energy.Rms", PCM, (False,)),
        "zero_crossings": Extra("energy.ZeroCrossings", PCM, (True,)),
        # Height is the speaker's own; voicing and its onsets mean the same in every voice.
        "pitch": Extra("pitch.Pitch", PCM, (True, False, False)),
        "rhythm": Extra("rhythm.Rhythm", LOG_MEL, (False, False)),
        "waveform": Extra("waveform.Waveform", PCM, (False,) * 160),
    }
)
"""By the name that a recipe chooses them by."""


class Extras:
    """The chosen features of one stream; `LogMel` appends their columns to its bands.

    Parameters
    ----------
    names : sequence of str
        Keys of `EXTRAS`; their columns come in this order.

    Raises
    ------
    SettingsError
        A name is unknown or given twice.

    Examples
    --------
    >>> from edge_ser.features import LogMel
    >>> LogMel(["log_energy", "pitch"]).push(np.zeros(320, np.int16)).shape
    (2, 44)
    """

    def __init__(self, names: Sequence[str]) -> None:
        chosen = look_up(names)
        self.columns = sum(len(extra.relative) for extra in chosen)
        self._features: list[tuple[int, Any]] = [(extra.hears, _make(extra)) for extra in chosen]

    def reset(self) -> None:
        """Start a new stream: zeros before its first sample."""
        for _, feature in self._features:
            feature.reset()

    def erase(self) -> None:
        """Overwrite with zeros what was heard, and start a new stream."""
        for _, feature in self._features:
            _erase_state(feature)

    def __call__(
        self, pcm: NDArray[np.int16], log_mel: NDArray[np.float64], power: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Return for each feature its integers (frames, columns), each below 2^31 in size.

        Parameters
        ----------
        pcm : int16 (160 * frames,)
            The samples that came with these frames.
        log_mel : float64 (frames, n_mels)
        power : float64 (frames, BINS)
            Power spectrum of the windowed frames, whole POWER_UNITs in the DFT's own order.
        """
        heard = (pcm, log_mel, power)
        return [feature(heard[hears]) for hears, feature in self._features]


class ExtrasToInt8:
    """Integers of `Extras` to the student's int8: standardised like the MFCC, the mean removed where that is meant.

    `rint((x - mean) * (lsb_per_std / std))` is one IEEE operation after the other on integers, so it is the same on
    every machine, and clipping keeps what no training frame was like within int8.

    Parameters
    ----------
    names : sequence of str
        As given to `Extras`.
    mean, std : array_like (columns,)
        Of the training set.
    lsb_per_std : float
        int8 steps per standard deviation.
    prior_frames : int
        See `RunningMean`.
    """

    def __init__(
        self, names: Sequence[str], mean: ArrayLike, std: ArrayLike, lsb_per_std: float, prior_frames: int
    ) -> None:
        relative = [column for extra in look_up(names) for column in extra.relative]
        self._mean = np.asarray(mean, np.float64)
        self._scale = lsb_per_std / np.asarray(std, np.float64)
        if not self._mean.shape == self._scale.shape == (len(relative),):
            raise SettingsError(f"{', '.join(names)} have {len(relative)} columns", "Give mean and std for each")
        self._relative = np.flatnonzero(relative)
        self._running_mean = RunningMean(len(self._relative), prior_frames) if len(self._relative) else None

    def reset(self) -> None:
        """Begin another utterance."""
        if self._running_mean is not None:
            self._running_mean.reset()

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return int8 (frames, columns) of the integers of whole steps."""
        coded: NDArray[np.int8] = np.clip(np.rint((values - self._mean) * self._scale), -128, 127).astype(np.int8)
        if self._running_mean is not None:
            coded[:, self._relative] = self._running_mean(coded[:, self._relative])
        return coded


def look_up(names: Sequence[str]) -> list[Extra]:
    """Return what these names stand for.

    Raises
    ------
    SettingsError
        A name is unknown or given twice.
    """
    for name in names:
        if name not in EXTRAS:
            from difflib import get_close_matches  # 10 ms, for the unlucky alone

            close = get_close_matches(name, EXTRAS, n=1)
            cure = f"Did you mean {close[0]!r}" if close else f"Choose from {', '.join(EXTRAS)}"
            raise SettingsError(f"There is no extra feature {name!r}", cure)
    if len(set(names)) < len(names):
        raise SettingsError("An extra feature is named twice", "Name each once")
    return [EXTRAS[name] for name in names]


def count_columns(names: Sequence[str]) -> int:
    """Return the columns of all these features together."""
    return sum(len(extra.relative) for extra in look_up(names))


def _erase_state(feature: Any) -> None:
    """Reset a feature, and overwrite the arrays that this replaces: they are what it remembers."""
    before = _arrays(feature)
    feature.reset()
    kept = {id(array) for array in _arrays(feature)}
    for array in before:
        if id(array) not in kept:
            whole = array.base if isinstance(array.base, np.ndarray) else array
            whole[...] = 0


def _arrays(feature: Any) -> list[NDArray[Any]]:
    """Return the arrays that a feature and its parts hold."""
    found = []
    for value in vars(feature).values():
        if isinstance(value, np.ndarray):
            found.append(value)
        elif hasattr(value, "__dict__"):
            found += _arrays(value)
    return found


def _make(extra: Extra) -> Any:
    module, _, name = extra.place.partition(".")
    return getattr(importlib.import_module(f"edge_ser.features.{module}"), name)()
