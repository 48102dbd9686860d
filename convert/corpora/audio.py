"""Decoding: any audio file to what the board would hear of it, int16 mono at 16 kHz."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.errors import CorpusError
from edge_ser.capture.resample import Resampler
from edge_ser.capture.wav import open_audio_file
from edge_ser.errors import AudioFileError
from edge_ser.settings import SAMPLE_RATE

BLOCK_SECONDS = 10.0  # read at once: most clips are shorter


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """A decoded file."""

    pcm: NDArray[np.int16]
    """(n,): mono, 16 kHz."""

    sample_rate: int
    """Of the file, Hz."""


def read_pcm(path: Path, sha256: str = "") -> NDArray[np.int16]:
    """Return a file's samples; see `read_audio`."""
    return read_audio(path, sha256).pcm


def read_audio(path: Path, sha256: str = "") -> Audio:
    """Return a file through the runtime's own reader and resampler.

    Parameters
    ----------
    path : Path
        Anything the runtime reads: WAV by itself, FLAC, OGG, Opus and MP3 through soundfile.
    sha256 : str
        Of the file, in hexadecimal; empty where it is not known.

    Raises
    ------
    CorpusError
        The file cannot be read, is empty, or is not the one its manifest names.
    """
    cure = "Download the corpus again"
    try:
        if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise CorpusError(f"{path} is not the file that its manifest describes (SHA-256 differs)", cure)
        with open_audio_file(path, BLOCK_SECONDS) as source:
            blocks = []
            while (block := source.read()) is not None:
                blocks.append(block.samples)
            rate = source.sample_rate
    except (AudioFileError, OSError) as error:
        raise CorpusError(f"{path} cannot be read: {error}", cure) from error
    samples = np.concatenate(blocks) if blocks else np.empty(0, np.int16)
    if rate != SAMPLE_RATE:
        resampler = Resampler(rate)
        samples = np.concatenate([resampler.push(samples), resampler.flush()])
    if not samples.size:
        raise CorpusError(f"{path} holds no audio", cure)
    return Audio(samples, rate)
