"""Audio files: WAV by our own reader, everything else by soundfile where it is installed.

A file is read block by block, so three hours take no more memory than three seconds.
"""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.pcm import to_mono_int16
from edge_ser.capture.riff import (
    HEAD_BYTES,
    IEEE_FLOAT,
    UnknownEncodingError,
    WavHeader,
    convert_cure,
    is_wav,
    read_header,
    repair_cure,
)
from edge_ser.capture.source import BLOCK_SECONDS, MAX_RATE, MIN_RATE, Block, Source
from edge_ser.errors import AudioFileError

_MAX_BLOCK_BYTES = 1 << 20  # whatever a header says, a block takes no more memory than this

_INSTALL_CURE = 'Give a WAV file, or read FLAC, OGG, Opus and MP3 after `pip install "edge-ser[audio]"`'


def open_audio_file(path: str | os.PathLike[str], block_seconds: float = BLOCK_SECONDS) -> Source:
    """Open a file of any format that can be read here.

    Parameters
    ----------
    path : path
        WAV (PCM of 8, 16, 24, 32 bits, float of 32, 64; 1 to 384 kHz; any number of channels), or what soundfile reads.
    block_seconds : float
        Length of the blocks that `read` returns.

    Raises
    ------
    AudioFileError
        The file is missing, unreadable, damaged, truncated, empty, or not audio.
    """
    path = Path(path)
    try:
        stream = path.open("rb")
        head = stream.read(HEAD_BYTES)
        if is_wav(head):
            # What is compressed inside a WAV file (A-law, ADPCM) soundfile may know.
            with suppress(UnknownEncodingError):
                return WavSource(stream, str(path), head, block_seconds, close_stream=True)
        stream.close()
    except OSError as error:
        raise _cannot_open(path, error) from error
    if not head:
        raise AudioFileError(f"{path} is empty", "Record or export it again")
    return SoundFileSource(path, block_seconds)


class WavSource(Source):
    """A WAV file or stream.

    Parameters
    ----------
    stream : binary file
        Just behind its first 12 bytes; need not be seekable.
    name : str
        What an error calls it.
    head : bytes (12,)
        Those first bytes.
    close_stream : bool
        Whether the stream is closed with the source.

    Raises
    ------
    AudioFileError
        As `riff.read_header`; from `read`, a stream that ends too early, NaN, or float samples out of range.
    """

    def __init__(
        self,
        stream: IO[bytes],
        name: str,
        head: bytes,
        block_seconds: float = BLOCK_SECONDS,
        close_stream: bool = False,
    ) -> None:
        self.name = name
        try:
            self._header = read_header(stream, head, name)
        except AudioFileError:
            if close_stream:
                stream.close()
            raise
        self.sample_rate = self._header.sample_rate
        self._stream: IO[bytes] | None = stream
        self._close_stream = close_stream
        self._bytes_left = self._header.data_bytes
        frames = max(1, round(self.sample_rate * block_seconds))
        self._block_bytes = _bounded(frames, self._header.frame_bytes) * self._header.frame_bytes
        self._frames_read = 0

    def read(self) -> Block | None:
        """Return the next block; None at the end."""
        if self._stream is None:
            return None
        wanted = self._block_bytes if self._bytes_left is None else min(self._block_bytes, self._bytes_left)
        try:
            data = self._stream.read(wanted)
        except OSError as error:
            raise AudioFileError(f"{self.name} cannot be read: {error.strerror}", repair_cure(self.name)) from error
        frames = len(data) // self._header.frame_bytes
        if frames == 0:
            self._check_end()
            return None
        if self._bytes_left is not None:
            self._bytes_left -= frames * self._header.frame_bytes
        first = self._frames_read
        self._frames_read += frames
        decoded = _decode(data[: frames * self._header.frame_bytes], self._header)
        return Block(to_mono_int16(decoded, self.name, first))

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None and self._close_stream:
            self._stream.close()
        self._stream = None

    def _check_end(self) -> None:
        # Seen from here only in a pipe, or a file that shrank: a file's length is compared when it is opened.
        seconds = self._frames_read / self.sample_rate
        if self._bytes_left:
            raise AudioFileError(f"{self.name} is truncated: it ends after {seconds:.2f} s", repair_cure(self.name))
        if self._frames_read == 0:
            raise AudioFileError(f"{self.name} holds no audio", "Record or export it again")


class SoundFileSource(Source):
    """A file that libsndfile reads: FLAC, OGG, Opus, MP3, AIFF and more.

    Raises
    ------
    AudioFileError
        soundfile is not installed, the file is not audio, or it is damaged.
    """

    def __init__(self, path: Path, block_seconds: float = BLOCK_SECONDS) -> None:
        try:
            # Imported here: the package is optional. OSError where its library is missing.
            import soundfile
        except (ImportError, OSError) as error:
            raise AudioFileError(f"{path} is not a plain WAV file", _INSTALL_CURE) from error
        if path.suffix.lower() in (".raw", ".pcm"):
            cure = f"If it is 16-bit PCM, pipe it: `--source - < {shlex.quote(str(path))}`"
            raise AudioFileError(f"{path} has no header", cure)
        self._errors: type[Exception] = soundfile.SoundFileError
        try:
            self._file = soundfile.SoundFile(str(path))
        except self._errors as error:
            raise AudioFileError(f"{path} holds no audio that can be read", "Give a WAV, FLAC or OGG file") from error
        # soundfile seeks to where it is after every read of a seekable file, and in an MP3 arrives elsewhere.
        self._file.seekable = lambda: False
        self.name = str(path)
        self.sample_rate = int(self._file.samplerate)
        if not MIN_RATE <= self.sample_rate <= MAX_RATE:
            self.close()
            raise AudioFileError(f"{path} says that it has {self.sample_rate} Hz", convert_cure(str(path)))
        # Four bytes a sample, see `read`.
        self._block = _bounded(max(1, round(self.sample_rate * block_seconds)), 4 * self._file.channels)
        # An MP3's length is a guess from its bit rate, others know theirs.
        self._frames_left: int | None = None if self._file.format == "MP3" else int(self._file.frames)
        self._frames_read = 0

    def read(self) -> Block | None:
        """Return the next block; None at the end."""
        if self._file.closed:
            return None
        try:
            frames = self._file.read(self._block, dtype="float32", always_2d=True)
        except self._errors as error:
            raise self._damaged() from error
        if not len(frames):
            if self._frames_read == 0:
                raise AudioFileError(f"{self.name} holds no audio", "Record or export it again")
            if self._frames_left:
                raise self._damaged()
            return None
        first = self._frames_read
        self._frames_read += len(frames)
        if self._frames_left is not None:
            self._frames_left -= len(frames)
        return Block(to_mono_int16(frames, self.name, first))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _damaged(self) -> AudioFileError:
        seconds = self._frames_read / self.sample_rate
        return AudioFileError(f"{self.name} is damaged or truncated after {seconds:.2f} s", repair_cure(self.name))


def _decode(data: bytes, header: WavHeader) -> NDArray[Any]:
    """Return (n, channels) of a dtype that `to_mono_int16` knows."""
    if header.width == 3:
        samples = np.frombuffer(data, np.uint8).reshape(-1, 3)
        widened = np.zeros((len(samples), 4), np.uint8)
        widened[:, 1:] = samples
        return widened.view("<i4").reshape(-1, header.channels)
    kind = "f" if header.encoding == IEEE_FLOAT else "u" if header.width == 1 else "i"
    return np.frombuffer(data, f"<{kind}{header.width}").reshape(-1, header.channels)


def _bounded(frames: int, frame_bytes: int) -> int:
    return max(1, min(frames, _MAX_BLOCK_BYTES // frame_bytes))


def _cannot_open(path: Path, error: OSError) -> AudioFileError:
    if isinstance(error, FileNotFoundError):
        return AudioFileError(f"There is no file {path}", "Check the path")
    if isinstance(error, IsADirectoryError):
        return AudioFileError(f"{path} is a directory", f"Name the files in it, for example {path / '*.wav'}")
    if isinstance(error, PermissionError):
        return AudioFileError(f"{path} may not be read", f"Run `sudo chmod a+r {shlex.quote(str(path))}`")
    return AudioFileError(f"{path} cannot be read: {error.strerror}", "Check the disk and the path")
