"""Where audio comes from: one interface for microphone, file, pipe and array."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.pcm import to_mono_int16
from edge_ser.errors import AudioFileError, SettingsError
from edge_ser.events import Notice
from edge_ser.settings import SAMPLE_RATE

if TYPE_CHECKING:
    from typing_extensions import Self

BLOCK_SECONDS = 0.1  # of a file read as fast as it can be
LIVE_BLOCK_SECONDS = 0.02  # of audio that arrives in real time: what a block holds is heard that much later

STDIN = "standard input"

MIN_RATE, MAX_RATE = 1000, 384_000  # Hz, beyond which a rate is a mistake

MAX_CHANNELS = 32  # of an array: the longer side of (n, channels) or (channels, n) is known to be time

_PIPE_CURE = "Pipe raw 16-bit PCM or a WAV file into it, for example `arecord -t raw -f S16_LE -r 16000 | edge-ser ...`"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of audio as its source gave it."""

    samples: NDArray[np.int16]
    """(n,), mono, at the source's own rate, n >= 1; none while the microphone is away."""

    lost: int = 0
    """Samples lost just before this block, or that passed while the microphone was away."""

    away: bool = False
    """The microphone is away, and looked for: this block says that time has passed."""

    notices: tuple[Notice, ...] = ()
    """What has befallen the source since the previous block."""


class Source(Protocol):
    """Audio in order, at whatever rate it comes; a context manager that closes itself."""

    name: str
    """What an error or a display calls it."""

    sample_rate: int
    """Hz."""

    private: bool = False
    """Its blocks are copies that nobody else has: who has heard one overwrites it with zeros."""

    def read(self) -> Block | None:
        """Wait for audio and return it; None at the end."""
        ...

    def close(self) -> None:
        """Let go of the file or device; may be called twice."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(
    spec: str | os.PathLike[str] | NDArray[Any] | None = None,
    *,
    sample_rate: int | None = None,
    device: str | int | None = None,
    channel: int | None = None,
    realtime: bool = False,
) -> Source:
    """Open the microphone, a file, standard input or an array.

    Parameters
    ----------
    spec : path, '-', array or None
        None is a microphone. '-' is standard input: raw int16 little-endian mono PCM, or a WAV file.
        An array is (n,), (n, channels) or (channels, n), see `ArraySource`.
    sample_rate : int, optional
        Hz. Needed for an array; of raw PCM, 16000 where it is not given; a microphone is opened at this
        rate and no other; a file knows its own, and one that differs is refused.
    device : str or int, optional
        Microphone by name (or a part of it) or index; the default one where it is not given.
    channel : int, optional
        The microphone's channel to listen to, from 0; else the mean of all.
    realtime : bool
        Give files, pipes and arrays no faster than they were spoken.

    Raises
    ------
    AudioFileError, AudioDeviceError, SettingsError
        With the cure.
    """
    if spec is None:
        # Imported here, as wav below, because both need the names above.
        from edge_ser.capture.microphone import MicrophoneSource

        return MicrophoneSource(device, sample_rate, channel=channel)
    if device is not None:
        raise SettingsError("Both a source and a device are given", "Give the one to listen to")
    if channel is not None:
        raise SettingsError("Only a microphone's channel can be chosen", "Leave the channel out: the others are mixed")
    block_seconds = LIVE_BLOCK_SECONDS if realtime else BLOCK_SECONDS
    if isinstance(spec, np.ndarray):
        source: Source = ArraySource(spec, sample_rate, block_seconds)
    elif spec == "-":
        source = _open_stdin(sample_rate)
    else:
        from edge_ser.capture.wav import open_audio_file

        source = open_audio_file(spec, block_seconds)
        _refuse_other_rate(source, sample_rate)
    return Paced(source) if realtime else source


class ArraySource(Source):
    """Audio that is already in memory.

    Parameters
    ----------
    samples : array (n,), (n, channels) or (channels, n)
        int16, int32 or uint8 over their whole range, or float within [-1, 1]. Which side is time must be
        plain: one side at most 32 and the other longer.
    sample_rate : int
        Hz.

    Raises
    ------
    AudioFileError
        No samples, an ambiguous shape, no sample rate; from `read`, samples that are NaN or out of range.
    """

    def __init__(
        self, samples: NDArray[Any], sample_rate: int | None, block_seconds: float = BLOCK_SECONDS, name: str = "array"
    ) -> None:
        if sample_rate is None:
            raise AudioFileError(f"The {name} does not say its sample rate", "Pass sample_rate in Hz")
        self.name = name
        self.sample_rate = checked_rate(sample_rate)
        self._frames = _frames_by_channels(samples, name)
        self._block = max(1, round(sample_rate * block_seconds))
        self._position = 0

    def read(self) -> Block | None:
        """Return the next block; None at the end."""
        first = self._position
        frames = self._frames[first : first + self._block]
        if not len(frames):
            return None
        self._position += len(frames)
        return Block(to_mono_int16(frames, self.name, first))

    def close(self) -> None:
        """Forget the array."""
        self._frames = self._frames[:0]


class RawPcmSource(Source):
    """Raw int16 little-endian mono PCM from a pipe or file; half a sample at the end is dropped.

    Parameters
    ----------
    stream : binary file
        Read to its end; not closed, for it is the caller's.
    sample_rate : int
        Hz; nothing in the stream could contradict it.
    head : bytes
        What was already read from the stream.

    Raises
    ------
    AudioFileError
        From `read`: the stream is closed, fails, or ends before the first sample.
    """

    def __init__(self, stream: IO[bytes], sample_rate: int = SAMPLE_RATE, name: str = STDIN, head: bytes = b"") -> None:
        self.name = name
        self.sample_rate = checked_rate(sample_rate)
        self._stream: IO[bytes] | None = stream
        self._head = head
        self._block_bytes = 2 * max(1, round(sample_rate * LIVE_BLOCK_SECONDS))
        self._empty = True

    def read(self) -> Block | None:
        """Wait for 20 ms of audio, or what is left of it; None at the end."""
        if self._stream is None:
            return None
        data = self._head + _read_stream(self._stream, self._block_bytes - len(self._head), self.name)
        self._head = b""
        samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.int16, copy=False)
        if not len(samples):
            if self._empty:
                raise AudioFileError(f"No audio came from {self.name}", _PIPE_CURE)
            return None
        self._empty = False
        return Block(samples)

    def close(self) -> None:
        """Stop reading."""
        self._stream = None


class Paced(Source):
    """Another source, no faster than real time; a reader that falls behind loses nothing."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.sample_rate = source.sample_rate
        self._source = source
        self._started: float | None = None  # seconds of the monotonic clock
        self._samples = 0

    def read(self) -> Block | None:
        """Return the next block when its last sample would have been spoken; None at the end."""
        block = self._source.read()
        if block is None:
            return None
        if self._started is None:
            self._started = time.monotonic()
        self._samples += len(block.samples)
        ahead = self._started + self._samples / self.sample_rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        return block

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def _open_stdin(sample_rate: int | None) -> Source:
    from edge_ser.capture.riff import HEAD_BYTES, is_wav
    from edge_ser.capture.wav import WavSource

    stdin = sys.stdin  # None where the process was started with it closed
    if stdin is None or stdin.closed:
        raise AudioFileError("Standard input is closed", _PIPE_CURE)
    if stdin.isatty():
        raise AudioFileError("Standard input is a terminal", _PIPE_CURE)
    head = _read_stream(stdin.buffer, HEAD_BYTES, STDIN)
    if not is_wav(head):
        return RawPcmSource(stdin.buffer, SAMPLE_RATE if sample_rate is None else sample_rate, STDIN, head)
    source = WavSource(stdin.buffer, STDIN, head, LIVE_BLOCK_SECONDS)
    _refuse_other_rate(source, sample_rate)
    return source


def _read_stream(stream: IO[bytes], size: int, name: str) -> bytes:
    try:
        return stream.read(size)
    except (OSError, ValueError) as error:  # ValueError: closed
        raise AudioFileError(f"{name} cannot be read: {error}", _PIPE_CURE) from error


def _refuse_other_rate(source: Source, sample_rate: int | None) -> None:
    if sample_rate is not None and sample_rate != source.sample_rate:
        source.close()
        raise AudioFileError(
            f"{source.name} has {source.sample_rate} Hz, not the {sample_rate} Hz asked for",
            "Leave the sample rate out; it is converted where it has to be",
        )


def checked_rate(sample_rate: int) -> int:
    """Return a sample rate that somebody gave; raise AudioFileError where it cannot be one."""
    if not MIN_RATE <= sample_rate <= MAX_RATE or sample_rate != int(sample_rate):
        raise AudioFileError(
            f"A sample rate of {sample_rate} Hz is not a whole number from {MIN_RATE} to {MAX_RATE}",
            "Give the rate that the audio was recorded at, such as 16000",
        )
    return int(sample_rate)


def _frames_by_channels(samples: NDArray[Any], name: str) -> NDArray[Any]:
    if samples.size == 0:
        raise AudioFileError(f"The {name} holds no samples", "Pass at least one sample of audio")
    if samples.ndim == 1:
        return samples[:, np.newaxis]
    if samples.ndim == 2:
        if 1 in samples.shape:
            return samples.reshape(-1, 1)
        rows, columns = samples.shape
        if columns <= MAX_CHANNELS < rows:
            return samples
        if rows <= MAX_CHANNELS < columns:
            return samples.T
    raise AudioFileError(
        f"In the {name} of shape {samples.shape} it is not plain which side is time",
        "Pass one channel as (n,), or up to 32 channels as (n, channels)",
    )
