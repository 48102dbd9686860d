"""The header of a RIFF/WAVE file.

Format: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0 (1991); Microsoft, Multiple
Channel Audio Data and WAVE Files (2007); RF64: EBU Tech 3306.
"""

from __future__ import annotations

import io
import shlex
import struct
from dataclasses import dataclass
from typing import IO

from edge_ser.capture.source import MAX_RATE, MIN_RATE, STDIN
from edge_ser.errors import AudioFileError

HEAD_BYTES = 12  # 'RIFF', size, 'WAVE'

PCM, IEEE_FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # format tags
_WIDTHS = {PCM: (1, 2, 3, 4), IEEE_FLOAT: (4, 8)}  # bytes a sample
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # of an extensible format that stands for a plain tag

# What is put for the size of the data by writers that cannot seek back: sox 0x7FFFF000, arecord 0x80000000,
# ffmpeg 0xFFFFFFFF. The data then reach to the end of the file.
_OPEN_ENDED = 0x7FFF_F000
_UNKNOWN_64 = (0, 0xFFFF_FFFF_FFFF_FFFF)  # the same in RF64

_SKIP_BYTES = 1 << 16
_MAX_CHUNK_BYTES = 1 << 16  # of a chunk that is understood; 'fmt ' has 40, 'ds64' some hundred


class UnknownEncodingError(AudioFileError):
    """A WAV file that holds something other than PCM or float samples."""


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What the samples of a WAV file are."""

    sample_rate: int
    """Hz."""

    channels: int

    encoding: int
    """`PCM` or `IEEE_FLOAT`."""

    width: int
    """Bytes a sample."""

    data_bytes: int | None
    """Whole frames, in bytes; None where the data reach to the end of the file."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.width


def is_wav(head: bytes) -> bool:
    """Whether these first 12 bytes open a WAV file."""
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def repair_cure(name: str) -> str:
    """Say how to mend a damaged file."""
    return f"Copy or export it again, or keep what is there with `ffmpeg -i {_for_shell(name)} repaired.wav`"


def convert_cure(name: str) -> str:
    """Say how to make a plain WAV file of another."""
    return f"Convert it with `ffmpeg -i {_for_shell(name)} -ar 16000 -ac 1 -c:a pcm_s16le converted.wav`"


def _for_shell(name: str) -> str:
    return "-" if name == STDIN else shlex.quote(name)


def read_header(stream: IO[bytes], head: bytes, name: str) -> WavHeader:
    """Read a header, up to the first byte of audio.

    Parameters
    ----------
    stream : binary file
        Just behind `head`; need not be seekable.
    head : bytes (12,)
        For which `is_wav` is true.
    name : str
        What an error calls the file.

    Raises
    ------
    UnknownEncodingError
        The samples are compressed.
    AudioFileError
        The file is damaged, truncated, empty, or impossible.
    """
    riff_end = 8 + struct.unpack("<I", head[4:8])[0]
    position = HEAD_BYTES
    large_data_bytes = 0
    layout: tuple[int, int, int, int] | None = None
    while True:
        chunk = stream.read(8)
        if len(chunk) < 8:
            raise AudioFileError(f"{name} ends before its audio begins", repair_cure(name))
        tag, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        position += 8
        if tag == b"data":
            break
        if tag == b"fmt ":
            layout = _parse_fmt(_read_chunk(stream, size, name), name)
        elif tag == b"ds64":
            large_data_bytes = struct.unpack("<Q", _read_chunk(stream, size, name)[8:16].ljust(8, b"\0"))[0]
        else:
            _skip(stream, size + size % 2)
        position += size + size % 2
    if layout is None:
        raise AudioFileError(f"{name} does not say what its samples are", repair_cure(name))

    left = _bytes_left(stream)
    if head[:4] != b"RIFF" and size == 0xFFFF_FFFF:
        size = large_data_bytes
        open_ended = size in _UNKNOWN_64
    else:
        # A recorder that was killed leaves both sizes as they were before the first sample.
        never_finished = size == 0 and riff_end <= max(8, position)
        open_ended = never_finished or (size >= _OPEN_ENDED and (left is None or left < size))
    sample_rate, channels, encoding, width = layout
    frame_bytes = channels * width
    if not open_ended and left is not None and left < size:
        per_second = frame_bytes * sample_rate
        raise AudioFileError(
            f"{name} is truncated: {left / per_second:.2f} s of the {size / per_second:.2f} s its header promises",
            repair_cure(name),
        )
    available = left if open_ended else size
    if available is not None and available < frame_bytes:
        raise AudioFileError(f"{name} holds no audio", "Record or export it again")
    return WavHeader(sample_rate, channels, encoding, width, None if open_ended else size // frame_bytes * frame_bytes)


def _parse_fmt(body: bytes, name: str) -> tuple[int, int, int, int]:
    """Return sample rate, channels, encoding and width."""
    if len(body) < 16:
        raise AudioFileError(f"{name} has a damaged header", repair_cure(name))
    encoding, channels, sample_rate, _, frame_bytes, bits = struct.unpack("<HHIIHH", body[:16])
    if encoding == EXTENSIBLE and body[26:40] == _GUID_TAIL:
        encoding = struct.unpack("<H", body[24:26])[0]
    if channels == 0:
        raise AudioFileError(f"{name} says that it has 0 channels", repair_cure(name))
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise AudioFileError(
            f"{name} says that it has {sample_rate} Hz, which is not from {MIN_RATE} to {MAX_RATE}", repair_cure(name)
        )
    if encoding not in _WIDTHS:
        raise UnknownEncodingError(f"{name} is a WAV file of encoding {encoding:#06x}", convert_cure(name))
    width = (bits + 7) // 8
    if width not in _WIDTHS[encoding]:
        kind = "integers" if encoding == PCM else "floats"
        raise AudioFileError(f"{name} has samples of {bits}-bit {kind}", convert_cure(name))
    if frame_bytes != channels * width:
        raise AudioFileError(
            f"{name} has a damaged header: {channels} channels of {bits} bits in {frame_bytes} bytes", repair_cure(name)
        )
    return sample_rate, channels, encoding, width


def _read_chunk(stream: IO[bytes], size: int, name: str) -> bytes:
    if size > _MAX_CHUNK_BYTES:
        raise AudioFileError(f"{name} has a damaged header", repair_cure(name))
    return stream.read(size + size % 2)


def _skip(stream: IO[bytes], size: int) -> None:
    # Read, not sought: the stream may be a pipe.
    while size > 0:
        passed = len(stream.read(min(size, _SKIP_BYTES)))
        if not passed:
            return
        size -= passed


def _bytes_left(stream: IO[bytes]) -> int | None:
    if not stream.seekable():
        return None
    here = stream.tell()
    left = stream.seek(0, io.SEEK_END) - here
    stream.seek(here)
    return left
