"""The low-pass filter of a change of sample rate, and two ways to apply it.

With 16000 / rate = L / M in lowest terms each output has one of L sets of filter taps (its phase). Taps are integers in
units of 2**-24 and samples are int16, so every sum is exact in float64, whatever the BLAS.

Where L is small (all usual rates), the taps of 5 ms of output or more lie in a few dense matrices, and one batched GEMM
over strided views of the input does everything. Where it is large (44 101 Hz) the filter between two of 512 tabulated
phases is interpolated.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import NDArray

# The filter, a Kaiser-windowed sinc: a search over these three gave the best stop band (88 dB from 8.5 kHz) with 0.3 dB
# at 7 kHz in this length. In samples of the lower of the two rates.
CUTOFF = 7560 / 16000  # half amplitude, in cycles a sample
HALF_WIDTH = 24  # samples on either side
KAISER_BETA = 8.8

TAP_SCALE = 2**24  # taps are integers over this
ROW_OUTPUTS = 80  # 5 ms: what comes out comes in multiples of it
# Outputs that share one matrix: more spend time on zeros, fewer on calls. Where L is 1 (48 kHz) zeros cost more.
GROUP_OUTPUTS, GROUP_OUTPUTS_OF_WHOLE_RATIOS = 16, 8
PHASES = 512  # between which taps are interpolated; the error is (pi / 512)**2 / 8, -106 dB
BUFFERED_OUTPUTS = 8000  # 0.5 s: bounds memory where a whole recording is pushed at once


class TabulatedKernel:
    """Rows of output, each the same few dense matrices times strided views of the input.

    A row is a whole number of periods of L outputs. Its outputs form groups; group i needs the row's inputs from
    i * stride to i * stride + width, and has its own matrix (width, outputs of a group).

    Parameters
    ----------
    up, down : int
        L and M.

    Attributes
    ----------
    buffer : float64 (n,)
        Where inputs wait, those of the next row first.
    left : int
        Inputs before its centre that an output needs: so many zeros come first.
    row_inputs, row_outputs : int
        From one row to the next.
    reach : int
        Inputs that a row needs.
    """

    def __init__(self, up: int, down: int) -> None:
        self.left = _half_width(up, down)
        self.row_outputs = up * -(-ROW_OUTPUTS // up)
        while True:
            outputs = _divisor_up_to(self.row_outputs, GROUP_OUTPUTS if up > 1 else GROUP_OUTPUTS_OF_WHOLE_RATIOS)
            groups = self.row_outputs // outputs
            self.row_inputs = self.row_outputs * down // up
            stride = self.row_inputs // groups
            first = np.arange(groups) * outputs  # output of each group
            last_input = (first + outputs - 1) * down // up + self.left
            width = int(np.max(last_input - (np.arange(groups) * stride - self.left))) + 1
            # BLAS takes overlapping windows only where the step from one row to the next is at least a window.
            if width <= self.row_inputs:
                break
            self.row_outputs *= 2
        self.reach = (groups - 1) * stride + width

        inputs = np.arange(groups)[:, None] * stride - self.left + np.arange(width)  # (groups, width)
        centres = (first[:, None] + np.arange(outputs)) * down  # (groups, outputs), in 1 / up inputs
        distance = (centres[:, None, :] - up * inputs[:, :, None]) / max(up, down)
        self._taps = low_pass(distance, axis=1)  # (groups, width, outputs)

        rows = max(1, BUFFERED_OUTPUTS // self.row_outputs)
        self.buffer = np.zeros((rows - 1) * self.row_inputs + self.reach)
        step = self.buffer.itemsize
        self._windows = as_strided(
            self.buffer, (groups, rows, width), (stride * step, self.row_inputs * step, step), writeable=False
        )
        self._out = np.zeros((rows, groups, outputs))
        self._out_by_group = self._out.transpose(1, 0, 2)

    def first_input(self, row: int) -> int:
        """Return how far the inputs of a row start behind those of row 0."""
        return row * self.row_inputs

    def run(self, row: int, rows: int) -> NDArray[np.float64]:
        """Return `rows` rows, (rows * row_outputs,), of the inputs at the start of the buffer."""
        np.matmul(self._windows[:, :rows], self._taps, out=self._out_by_group[:, :rows])
        rows_out: NDArray[np.float64] = self._out[:rows].reshape(-1)
        return rows_out

    def erase(self) -> None:
        """Overwrite inputs and outputs with zeros."""
        self.buffer[:] = 0.0
        self._out[:] = 0.0


class InterpolatedKernel:
    """Rows of 10 ms, the taps of each output interpolated between two tabulated phases.

    Parameters and attributes as of `TabulatedKernel`; one row in some takes one input less than `row_inputs`.
    """

    def __init__(self, up: int, down: int) -> None:
        self._up, self._down = up, down
        self.left = _half_width(up, down)
        self.row_outputs = 2 * ROW_OUTPUTS  # calls are what costs here, so fewer
        self.row_inputs = -(-self.row_outputs * down // up)
        width = 2 * self.left + 2
        self.reach = self.row_inputs + width

        phases = np.arange(PHASES + 1)[:, None] / PHASES
        distance = (phases + self.left - np.arange(width)) * (up / max(up, down))
        taps = low_pass(distance, axis=1)  # (PHASES + 1, width)
        self._taps, self._slopes = taps[:-1], np.diff(taps, axis=0)

        rows = BUFFERED_OUTPUTS // self.row_outputs
        self.buffer = np.zeros((rows - 1) * self.row_inputs + self.reach)
        self._windows = sliding_window_view(self.buffer, width)

    def first_input(self, row: int) -> int:
        """Return how far the inputs of a row start behind those of row 0."""
        return row * self.row_outputs * self._down // self._up

    def run(self, row: int, rows: int) -> NDArray[np.float64]:
        """Return `rows` rows, (rows * row_outputs,), of the inputs at the start of the buffer."""
        first = self.first_input(row)
        return np.concatenate([self._run_row(index, first) for index in range(row, row + rows)])

    def erase(self) -> None:
        """Overwrite the inputs with zeros."""
        self.buffer[:] = 0.0

    def _run_row(self, row: int, first: int) -> NDArray[np.float64]:
        outputs = row * self.row_outputs + np.arange(self.row_outputs, dtype=np.int64)
        whole, rest = np.divmod(outputs * self._down, self._up)
        phase, fraction = np.divmod(rest * PHASES, self._up)
        windows = self._windows[whole - first]
        # Two exact sums, one rounded product and one rounded sum: the same everywhere.
        at_phase: NDArray[np.float64] = np.einsum("ij,ij->i", windows, self._taps[phase])
        per_phase = np.einsum("ij,ij->i", windows, self._slopes[phase])
        per_phase *= fraction / self._up
        at_phase += per_phase
        return at_phase


def low_pass(distance: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the taps of a low-pass filter: whole multiples of 2**-24, with a sum of 1 along `axis` but for rounding.

    Parameters
    ----------
    distance : array
        From the centre of the filter, in samples of the lower of the two rates.
    """
    taps = np.rint(ideal_low_pass(distance, axis))
    taps /= TAP_SCALE
    return taps


def ideal_low_pass(distance: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the same before it is rounded, in units of 2**-24.

    A libm that errs in its last bit moves a tap by some 1e-8 of a unit. None of the usual rates' taps is that near to
    the middle between two units, so rounded they are the same everywhere.
    """
    inside = np.maximum(0.0, 1.0 - (distance / HALF_WIDTH) ** 2)
    window = np.where(np.abs(distance) <= HALF_WIDTH, np.i0(KAISER_BETA * np.sqrt(inside)), 0.0)
    taps: NDArray[np.float64] = np.sinc(2 * CUTOFF * distance) * window
    taps *= TAP_SCALE / taps.sum(axis=axis, keepdims=True)
    return taps


def _half_width(up: int, down: int) -> int:
    """Return the filter's half width in source samples, rounded up."""
    return -(-HALF_WIDTH * max(up, down) // up)


def _divisor_up_to(number: int, limit: int) -> int:
    return max(divisor for divisor in range(1, limit + 1) if number % divisor == 0)
