"""What a device hears in a day, as a loop of some minutes: speech with pauses, noise, silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.resample import Resampler
from edge_ser.capture.source import open_source
from edge_ser.errors import AudioFileError, EdgeSerError
from edge_ser.recordings import DEMO
from edge_ser.settings import SAMPLE_RATE

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus")
NOISE_FOLDERS = "noise"  # a corpus whose folder begins like this is noise
LEFT_OUT = "rir"  # room impulse responses are neither speech nor noise

SPEECH_CLIPS, NOISE_CLIPS = 90, 18
NOISE_EVERY = 5  # clips of speech
LONGEST_CLIP_SECONDS = 10.0
SYNTHETIC_NOISE_SECONDS = 5.0
PAUSE_SECONDS = 0.9
SILENCE_SECONDS = 3.0  # digital zeros, as a muted microphone gives them
HISS_LSB = 10.0  # RMS of a quiet room: -70 dBFS
NOISE_LSB = 1000.0  # -30 dBFS

Pcm = NDArray[np.int16]


class Loop:
    """Audio without end: the same samples again and again.

    Parameters
    ----------
    samples : int16 array (n,)
    block : int
        Samples at once.
    """

    def __init__(self, samples: Pcm, block: int) -> None:
        self.block = block
        self._length = len(samples)
        # The beginning once more behind the end, so that every block is one piece of memory that is there already.
        self._samples = np.concatenate([samples, np.resize(samples, block)])

    def at(self, position: int, count: int | None = None) -> Pcm:
        """Return a block, or less, from this place of the stream."""
        start = position % self._length
        return self._samples[start : start + (self.block if count is None else min(count, self.block))]

    def differs(self, samples: Pcm, position: int) -> int:
        """Return how many samples are not those at this place of the stream."""
        wrong = 0
        for start in range(0, len(samples), self.block):
            piece = samples[start : start + self.block]
            wrong += int(np.count_nonzero(piece != self.at(position + start, len(piece))))
        return wrong


def material(corpora: Path | None) -> tuple[Pcm, str]:
    """Return audio at 16 kHz, and in words what it is.

    Parameters
    ----------
    corpora : Path, optional
        Folder of folders of recordings; those whose names begin with `noise` hold noise. The embedded recording and
        synthetic noise where there is none.

    Raises
    ------
    AudioFileError
        The folder holds no speech that can be read.
    """
    rng = np.random.default_rng(0)
    white = _noise(rng, SYNTHETIC_NOISE_SECONDS, NOISE_LSB)
    speech, noise, said = [_read(DEMO)], [white], "the embedded recording, white noise"
    if corpora is not None:
        files = sorted(path for path in corpora.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
        noisy, clean = _parted(files, corpora)
        speech = [_read(file) for file in _spread(clean, SPEECH_CLIPS)]
        noise = [_read(file) for file in _spread(noisy, NOISE_CLIPS)] or noise
        if not speech:
            raise AudioFileError(f"No recordings of speech in {corpora}", "Name a folder of WAV or FLAC files")
        said = f"{len(speech)} clips of speech and {len(noise)} of noise"
    pieces = list(_arranged(speech, noise, rng))
    return np.concatenate(pieces), f"{said}, pauses and silence, {sum(map(len, pieces)) / SAMPLE_RATE:.0f} s in a loop"


def to_48_khz(samples: Pcm) -> Pcm:
    """Return 16 kHz samples at 48 kHz, joined by straight lines."""
    places = np.arange(3 * len(samples)) / 3
    return np.rint(np.interp(places, np.arange(len(samples)), samples)).astype(np.int16)


def _arranged(speech: list[Pcm], noise: list[Pcm], rng: np.random.Generator) -> Iterator[Pcm]:
    pause = _noise(rng, PAUSE_SECONDS, HISS_LSB)
    for number, clip in enumerate(speech):
        yield clip
        yield pause
        if number % NOISE_EVERY == 0:
            yield noise[number // NOISE_EVERY % len(noise)]
            yield pause
            yield np.zeros(round(SILENCE_SECONDS * SAMPLE_RATE), np.int16)


def _noise(rng: np.random.Generator, seconds: float, rms_lsb: float) -> Pcm:
    return np.rint(rng.normal(0, rms_lsb, round(seconds * SAMPLE_RATE))).astype(np.int16)


def _parted(files: list[Path], corpora: Path) -> tuple[list[Path], list[Path]]:
    """Return noise and speech."""
    folders = {file: file.relative_to(corpora).parts[0] for file in files}
    noise = [file for file in files if folders[file].startswith(NOISE_FOLDERS)]
    speech = [file for file in files if not folders[file].startswith((NOISE_FOLDERS, LEFT_OUT))]
    return noise, speech


def _spread(files: list[Path], count: int) -> list[Path]:
    """Return so many files from all over the list."""
    return files[:: max(1, len(files) // count)][:count]


def _read(file: Path) -> Pcm:
    """Return the beginning of a recording at 16 kHz."""
    try:
        with open_source(file) as source:
            resampler = Resampler(source.sample_rate)
            pieces = [resampler.push(block.samples) for block in iter(source.read, None)] + [resampler.flush()]
    except EdgeSerError as error:
        raise AudioFileError(error.problem, f"{error.cure}, or take the file out of the folder") from error
    return np.concatenate(pieces)[: round(LONGEST_CLIP_SECONDS * SAMPLE_RATE)]
