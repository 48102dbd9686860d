"""Any sample rate to 16 kHz, as a stream, the same bytes however the stream is cut.

Output sample k is the source at time k / 16000 s, low-pass filtered with zeros before the first sample and after the
last; the filter's delay is compensated. Each is one exact sum, rounded once (see `polyphase`).

For a source of 16 kHz or more: -0.3 dB at 7 kHz, -88 dB from 8.5 kHz. For a lower rate both shrink with it: from 8 kHz,
-0.3 dB at 3.5 kHz, images -88 dB from 4.25 kHz, and nothing above, where its speech has lost its fricatives.

Why not soxr for the usual rates: its int16 output depends on how the stream is cut, its float32 sums on the processor's
vector unit, and it has no 32-bit Arm wheel, so decisions would differ from board to board; `edge-ser-bench resample`
says what it saves. For odd rates it saves nine tenths, and is used where it is installed: see `odd_rate`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.odd_rate import OddRate, find_soxr
from edge_ser.capture.pcm import round_to_int16
from edge_ser.capture.polyphase import InterpolatedKernel, TabulatedKernel
from edge_ser.errors import AudioFileError
from edge_ser.settings import SAMPLE_RATE

MIN_SOURCE_RATE, MAX_SOURCE_RATE = 4000, 384_000  # Hz
MAX_PHASES = 640  # up to which taps are tabulated; 11.025 kHz has that many, 22.05 kHz 320, 44.1 kHz 160, 48 kHz 1

Kernel = TabulatedKernel | InterpolatedKernel


class Resampler:
    """Streaming, block-size invariant conversion to 16 kHz.

    Parameters
    ----------
    source_rate : int
        Hz, 4000 to 384000.
    allow_soxr : bool
        Let soxr do rates that are no simple fraction of 16 kHz, where it is installed.

    Raises
    ------
    AudioFileError
        The rate is out of range.

    Examples
    --------
    >>> resampler = Resampler(48000)
    >>> pieces = [resampler.push(np.full(480, 1000, np.int16)) for _ in range(5)] + [resampler.flush()]
    >>> [len(piece) for piece in pieces]
    [80, 160, 160, 160, 160, 80]
    >>> int(np.concatenate(pieces)[400])
    1000
    """

    def __init__(self, source_rate: int, allow_soxr: bool = True) -> None:
        if not MIN_SOURCE_RATE <= source_rate <= MAX_SOURCE_RATE:
            raise AudioFileError(
                f"A sample rate of {source_rate} Hz cannot be brought to {SAMPLE_RATE} Hz",
                f"Record with {MIN_SOURCE_RATE} to {MAX_SOURCE_RATE} Hz",
            )
        self.source_rate = source_rate
        divisor = math.gcd(SAMPLE_RATE, source_rate)
        up, down = SAMPLE_RATE // divisor, source_rate // divisor
        self._kernel: Kernel | None = None
        soxr = find_soxr() if allow_soxr and up > MAX_PHASES else None
        self._odd_rate = None if soxr is None else OddRate(soxr, source_rate)
        if source_rate != SAMPLE_RATE and self._odd_rate is None:
            self._kernel = TabulatedKernel(up, down) if up <= MAX_PHASES else InterpolatedKernel(up, down)
            self._start(self._kernel)

    def _start(self, kernel: Kernel) -> None:
        self._pushed = 0  # source samples
        self._rows = 0  # given out
        kernel.buffer[: kernel.left] = 0.0  # what was before the first sample
        self._filled = kernel.left

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Add source samples, int16 (n,), and return the output that they complete, int16 (m,).

        Output comes in whole rows of 5 ms (10 ms from 44.1 kHz, 20 ms from 22.05 kHz, 40 ms from 11.025 kHz), as soon
        as the source has gone on for the filter's half width, 1.5 ms. At 16 kHz the samples are returned as they are.
        """
        if self._odd_rate is not None:
            return self._odd_rate.push(samples)
        if self._kernel is None:
            return samples
        self._pushed += len(samples)
        return self._filter(samples, self._kernel)

    def flush(self) -> NDArray[np.int16]:
        """End the stream: return the rest, int16 (m,), and start afresh.

        With it, n source samples have given floor(n * 16000 / source_rate + 1/2) output samples.
        """
        if self._odd_rate is not None:
            return self._odd_rate.flush()
        if self._kernel is None:
            return np.zeros(0, np.int16)
        total = (2 * self._pushed * SAMPLE_RATE + self.source_rate) // (2 * self.source_rate)
        wanted = total - self._rows * self._kernel.row_outputs
        silence = np.zeros(self._kernel.reach + self._kernel.row_inputs, np.int16)
        tail = self._filter(silence, self._kernel)[:wanted]
        self._start(self._kernel)
        return tail

    def erase(self) -> None:
        """Overwrite with zeros what was heard, and start afresh."""
        if self._odd_rate is not None:
            self._odd_rate.flush()
        if self._kernel is not None:
            self._kernel.erase()
            self._start(self._kernel)

    def _filter(self, samples: NDArray[np.int16], kernel: Kernel) -> NDArray[np.int16]:
        buffer = kernel.buffer
        pieces = []
        while len(samples):
            taken = min(len(samples), len(buffer) - self._filled)
            buffer[self._filled : self._filled + taken] = samples[:taken]
            samples = samples[taken:]
            self._filled += taken
            rows = (self._filled - kernel.reach) // kernel.row_inputs + 1
            if rows > 0:
                pieces.append(round_to_int16(kernel.run(self._rows, rows)))
                done = kernel.first_input(self._rows + rows) - kernel.first_input(self._rows)
                self._rows += rows
                self._filled -= done
                buffer[: self._filled] = buffer[done : done + self._filled]
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
