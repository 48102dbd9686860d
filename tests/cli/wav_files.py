"""Files as they come from the world, good and bad, made byte by byte."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from edge_ser.capture.wav import open_audio_file
from edge_ser.recordings import DEMO

PCM, FLOAT = 1, 3
SECONDS = 3.0  # of speech: enough for a decision


def speech() -> np.ndarray:
    """Return int16 (n,) at 16 kHz."""
    with open_audio_file(DEMO) as source:
        blocks = [block.samples for block in iter(source.read, None)]
    return np.concatenate(blocks)[: round(16000 * SECONDS)]


def wav(data: bytes, rate: int = 16000, channels: int = 1, bits: int = 16, encoding: int = PCM) -> bytes:
    """Return a RIFF/WAVE file."""
    frame = channels * bits // 8
    layout = struct.pack("<HHIIHH", encoding, channels, rate, rate * frame, frame, bits)
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def write_good(folder: Path) -> list[Path]:
    """Write what must be answered."""
    samples = speech()
    wide = np.frombuffer((samples.astype("<i4") << 16).tobytes(), np.uint8).reshape(-1, 4)[:, 1:]
    return _write(
        folder,
        {
            "8-bit.wav": wav((samples // 256 + 128).astype(np.uint8).tobytes(), bits=8),
            "24-bit.wav": wav(wide.tobytes(), bits=24),
            "float.wav": wav((samples / 32768).astype("<f4").tobytes(), bits=32, encoding=FLOAT),
            "192kHz.wav": wav(np.repeat(samples, 12).tobytes(), rate=192_000),
            "8-channels.wav": wav(np.repeat(samples, 8).tobytes(), channels=8),
            "one-sample.wav": wav(b"\1\0"),
            "a name\nof two lines.wav": wav(samples.tobytes()),
        },
    )


def write_bad(folder: Path) -> list[Path]:
    """Write what must be refused."""
    samples = speech()
    not_a_number = (samples / 32768).astype("<f4")
    not_a_number[20_000] = np.nan
    files = _write(
        folder,
        {
            "empty.wav": b"",
            "no-samples.wav": wav(b""),
            "truncated.wav": wav(samples.tobytes())[:-5001],
            "half-a-header.wav": wav(samples.tobytes())[:30],
            "0-channels.wav": wav(samples.tobytes(), channels=0),
            "0-Hz.wav": wav(samples.tobytes(), rate=0),
            "not-a-number.wav": wav(not_a_number.tobytes(), bits=32, encoding=FLOAT),
            "text\nin two lines.wav": b"this is no audio, whatever its name says\n" * 9,
        },
    )
    directory = folder / "directory.wav"
    directory.mkdir()
    loop = folder / "loop.wav"
    loop.symlink_to(loop)
    return [*files, directory, loop, folder / "missing.wav"]


def _write(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]
