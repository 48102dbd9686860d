"""The microphone and the line: a frequency response of their own, a narrow band, a codec."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from convert.augment.chance import Range, between, happens
from edge_ser.settings import SAMPLE_RATE

KNOTS_HZ = (60.0, 150.0, 350.0, 800.0, 1600.0, 3000.0, 5000.0, 8000.0)  # of the random response
MU = 255.0  # of ITU-T G.711 mu-law
TELEPHONE_DECADES = 0.08  # half the width of a band edge, in decades of frequency
OPUS_COMPRESSION, MP3_COMPRESSION = (0.9, 0.99), (0.6, 0.95)  # 0 best, 1 smallest


@dataclass(frozen=True, slots=True)
class Equaliser:
    """A random smooth frequency response."""

    probability: float = 0.6

    decibel: float = 5.0
    """Standard deviation at the knots."""

    high_pass_hz: Range = (20.0, 250.0)


@dataclass(frozen=True, slots=True)
class Telephone:
    """The band of an 8 kHz line."""

    probability: float = 0.2

    low_hz: Range = (30.0, 350.0)
    """From what passes voice over a network to what passes an old telephone."""

    high_hz: Range = (3200.0, 4000.0)


@dataclass(frozen=True, slots=True)
class Codec:
    """Mu-law, MP3 or Opus there and back; corpora come in different codecs, which must not be a cue."""

    probability: float = 0.15


def equalise(samples: NDArray[np.float32], rng: Generator, options: Equaliser) -> NDArray[np.float32]:
    """Return the samples as another microphone would have heard them."""
    decibel = rng.normal(0, options.decibel, len(KNOTS_HZ))
    cut_off = between(rng, options.high_pass_hz)
    if not happens(rng, options.probability):
        return samples

    def response(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        ratio = np.square(hz / cut_off)
        smooth = np.interp(np.log(np.maximum(hz, 1.0)), np.log(KNOTS_HZ), decibel - decibel.mean())
        return 10 ** (smooth / 20) * ratio / (1 + ratio)

    return _filter(samples, response)


def limit_band(samples: NDArray[np.float32], rng: Generator, options: Telephone) -> NDArray[np.float32]:
    """Return the samples after a telephone line."""
    low, high = between(rng, options.low_hz), between(rng, options.high_hz)
    if not happens(rng, options.probability):
        return samples

    def response(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        octaves = np.log10(np.maximum(hz, 1.0))
        rise = (octaves - np.log10(low)) / TELEPHONE_DECADES
        fall = (np.log10(high) - octaves) / TELEPHONE_DECADES * 4  # line filters are steep at the upper edge
        return 1 / (1 + np.exp(-np.clip(4 * rise, -60, 60))) / (1 + np.exp(-np.clip(4 * fall, -60, 60)))

    return _filter(samples, response)


def code(samples: NDArray[np.float32], rng: Generator, options: Codec) -> NDArray[np.float32]:
    """Return the samples after encoding and decoding."""
    kind, quality = int(rng.integers(3)), rng.random()
    if not happens(rng, options.probability):
        return samples
    samples = np.clip(samples, -1, 1)
    if kind == 0:
        return mu_law(samples)
    if kind == 1:
        return _round_trip(samples, "MP3", "MPEG_LAYER_III", np.interp(quality, (0, 1), MP3_COMPRESSION))
    return _round_trip(samples, "OGG", "OPUS", np.interp(quality, (0, 1), OPUS_COMPRESSION))


def mu_law(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples in [-1, 1] rounded to the 256 levels of mu-law (ITU-T G.711)."""
    compressed = np.sign(samples) * np.log1p(MU * np.abs(samples)) / np.log1p(MU)
    levels = np.rint(compressed * 127) / 127
    return (np.sign(levels) * np.expm1(np.abs(levels) * np.log1p(MU)) / MU).astype(np.float32)


def _round_trip(samples: NDArray[np.float32], container: str, codec: str, compression: float) -> NDArray[np.float32]:
    with io.BytesIO() as stream:
        soundfile.write(
            stream, samples, SAMPLE_RATE, format=container, subtype=codec, compression_level=float(compression)
        )
        stream.seek(0)
        decoded, _ = soundfile.read(stream, dtype="float32")
    out = np.zeros_like(samples)
    n = min(len(samples), len(decoded))  # MP3 may come back some samples shorter
    out[:n] = decoded[:n]
    return out


def _filter(samples: NDArray[np.float32], response) -> NDArray[np.float32]:  # type: ignore[no-untyped-def]
    """Return the samples after a zero-phase filter given by its magnitude over Hz."""
    points = fft.next_fast_len(len(samples), real=True)
    spectrum = fft.rfft(samples, points)
    spectrum *= response(np.fft.rfftfreq(points, 1 / SAMPLE_RATE)).astype(np.float32)
    return fft.irfft(spectrum, points)[: len(samples)].astype(np.float32)
