"""Log-mel bands as a PNG image: light is quiet and dark is loud, on a screen and in print."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

RANGE_DB = 60.0  # from the darkest shade to the lightest
QUIETEST_TOP_DBFS = -50.0  # of the darkest shade: what is all silence is to look like it
MAX_COLUMNS = 2000  # more than a screen has

# From white to dark blue, lightness falling evenly, so that it reads in grey and whatever colours one can tell apart;
# the stops are those of ColorBrewer's 'Blues' (C. Brewer, Apache License 2.0).
STOPS = ("f7fbff", "deebf7", "c6dbef", "9ecae1", "6baed6", "4292c6", "2171b5", "08519c", "08306b")


def top_dbfs(log_mel_dbfs: NDArray[np.float64]) -> float:
    """Return the level that is drawn darkest."""
    return max(float(log_mel_dbfs.max()), QUIETEST_TOP_DBFS)


def spectrogram(log_mel_dbfs: NDArray[np.float64], edges: NDArray[np.float64]) -> bytes:
    """Return the image, a PNG file: time to the right, all columns equally long, and frequency upwards.

    Parameters
    ----------
    log_mel_dbfs : float64 array (steps, frames_per_step, n_mels)
    edges : float64 array (steps + 1,)
        Seconds: where each step begins, and where the last one ends.
    """
    steps, frames, _ = log_mel_dbfs.shape
    columns = min(steps * frames, MAX_COLUMNS)
    times = (np.arange(columns) + 0.5) / columns * edges[-1]
    step = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, steps - 1)
    part = (times - edges[step]) / np.maximum(edges[step + 1] - edges[step], 1e-9)
    frame = np.clip((part * frames).astype(int), 0, frames - 1)
    shade = (log_mel_dbfs[step, frame].T[::-1] - top_dbfs(log_mel_dbfs)) / RANGE_DB + 1
    return png(np.rint(255 * np.clip(shade, 0, 1)).astype(np.uint8), palette())


def colour_bar() -> bytes:
    """Return all shades, loud above, as a PNG file."""
    return png(np.arange(256, dtype=np.uint8)[::-1, None], palette())


def palette() -> NDArray[np.uint8]:
    """Return the colours from quiet to loud, (256, 3)."""
    stops = np.array([list(bytes.fromhex(stop)) for stop in STOPS])
    at = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    colours: NDArray[np.uint8] = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return colours


def png(pixels: NDArray[np.uint8], colours: NDArray[np.uint8]) -> bytes:
    """Return a PNG file (ISO/IEC 15948) of palette indices (rows, columns) and the palette (256, 3)."""
    rows, columns = pixels.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)  # 8 bits, indexed, not interlaced
    unfiltered = np.pad(pixels, ((0, 0), (1, 0)))  # each row begins with the number of its filter, 0
    chunks = ((b"IHDR", header), (b"PLTE", colours.tobytes()), (b"IDAT", zlib.compress(unfiltered.tobytes(), 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in (*chunks, (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
