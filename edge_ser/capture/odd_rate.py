"""Rates that are no simple fraction of 16 kHz, such as 44101 Hz, through soxr where it is installed.

Ours costs some ten times as much there, for it interpolates every tap (`edge-ser-bench resample` has both). soxr's
float32 output does not depend on how the stream is cut, but its last bits may on the processor, which at
the usual rates would be a difference between boards and is therefore not had.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.pcm import round_to_int16
from edge_ser.settings import SAMPLE_RATE

QUALITY = "HQ"  # 20 bits; passes up to 7.3 kHz


def find_soxr() -> ModuleType | None:
    """Return the package soxr; None where it is not installed or does not load."""
    try:
        import soxr
    except ImportError:
        return None
    module: ModuleType = soxr
    return module


class OddRate:
    """One stream of an odd rate to 16 kHz.

    Parameters
    ----------
    soxr : module
    source_rate : int
        Hz.
    """

    def __init__(self, soxr: ModuleType, source_rate: int) -> None:
        self._soxr, self._source_rate = soxr, source_rate
        self._start()

    def _start(self) -> None:
        # float32 and not int16, whose rounding hangs on how the stream is cut.
        self._stream = self._soxr.ResampleStream(self._source_rate, SAMPLE_RATE, 1, dtype="float32", quality=QUALITY)

    def push(self, samples: NDArray[np.int16], last: bool = False) -> NDArray[np.int16]:
        """Add source samples, int16 (n,), and return the output that they complete, int16 (m,)."""
        chunk = self._stream.resample_chunk(samples.astype(np.float32), last=last)
        return round_to_int16(chunk.astype(np.float64))

    def flush(self) -> NDArray[np.int16]:
        """End the stream: return the rest, int16 (m,), and start afresh."""
        tail = self.push(np.zeros(0, np.int16), last=True)
        self._start()
        return tail
