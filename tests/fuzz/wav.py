"""WAV files and streams: `edge_ser.capture.riff` and `wav`."""

from __future__ import annotations

import io
import struct

import numpy as np

from edge_ser.capture.riff import HEAD_BYTES, is_wav
from edge_ser.capture.wav import WavSource
from edge_ser.errors import AudioFileError

MAX_BYTES = 1024
MAX_BLOCK_SECONDS = 0.02  # and half of that, so that short files have several blocks
BLOCK_BYTES = 1 << 20  # of memory, by which a block may exceed what the file holds


class Pipe(io.BytesIO):
    """A stream that cannot be sought."""

    def seekable(self) -> bool:
        return False


def check(data: bytes) -> None:
    """The first byte chooses between file and pipe; whatever the blocks, the samples or the error are the same."""
    kind = Pipe if data[:1] == b"p" else io.BytesIO
    heard = [hear(kind(data[1:]), seconds) for seconds in (MAX_BLOCK_SECONDS, MAX_BLOCK_SECONDS / 2)]
    assert heard[0] == heard[1], "the length of a block changes what is heard"


def hear(stream: io.BytesIO, block_seconds: float) -> tuple[bytes, str]:
    """Return all samples up to the end or to an error, and the error."""
    head = stream.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES or not is_wav(head):
        return b"", "no WAV"
    samples: list[np.ndarray] = []
    error = ""
    try:
        source = WavSource(stream, "fuzz", head, block_seconds)
        while (block := source.read()) is not None:
            assert block.samples.dtype == np.int16
            assert 0 < block.samples.nbytes <= BLOCK_BYTES
            samples.append(block.samples)
    except AudioFileError as refused:
        error = refused.problem
    # What a float is wrong in stops its whole block, whose good beginning depends on how long it is.
    return (b"", error) if " at sample " in error else (b"".join(part.tobytes() for part in samples), error)


def seeds() -> list[bytes]:
    """Return one file of each encoding, as file and as pipe."""
    found = []
    for encoding, width, channels, rate in (
        (1, 1, 1, 8000), (1, 2, 1, 16000), (1, 2, 2, 44100), (1, 3, 1, 48000), (1, 4, 2, 16000), (3, 4, 1, 16000),
        (3, 8, 2, 1000), (6, 1, 1, 8000),
    ):  # fmt: skip
        layout = struct.pack("<HHIIHH", encoding, channels, rate, rate, channels * width, 8 * width)
        found.append(riff(layout, bytes(range(48)) if encoding == 1 else bytes(96)))
    plain = struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16)
    guid = bytes.fromhex("000000001000800000aa00389b71")
    extensible = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, 16000, 32000, 2, 16, 22, 16, 4, 1) + guid
    long = struct.pack("<QQQI", 100, 48, 24, 0)
    found += [
        riff(extensible, bytes(48)),
        riff(plain, bytes(48), before=b"LIST\x05\0\0\0INFO\0\0"),
        riff(plain, bytes(48), size=0),
        riff(plain, bytes(48), size=0x7FFFF000),
        riff(plain, bytes(48), size=0xFFFFFFFF, kind=b"RF64", before=b"ds64" + struct.pack("<I", len(long)) + long),
    ]
    return [start + file for file in found for start in (b"f", b"p")]


def riff(layout: bytes, samples: bytes, size: int | None = None, kind: bytes = b"RIFF", before: bytes = b"") -> bytes:
    size = len(samples) if size is None else size
    body = b"WAVE" + before + b"fmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", size)
    return kind + struct.pack("<I", len(body) + len(samples)) + body + samples


DICTIONARY = (b"RIFF", b"RF64", b"BW64", b"WAVE", b"fmt ", b"data", b"ds64", b"LIST", b"\xff\xff\xff\xff", b"\xfe\xff")
