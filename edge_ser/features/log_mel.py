"""`LogMel`: int16 PCM to log-mel bands, the same integers on every machine.

BLAS has no integer matrix product, and a floating-point one depends on kernel, threads and FMA. But where all
operands are integers and sum |a| |b| < 2^53, a float64 product is exact, so it depends on nothing. What stands
between the products is a single IEEE operation, a shift of bits or a table look-up:

1. window, 32-point DFTs and twiddle: one batched product with 24-bit coefficients; rounded
2. 16-point DFTs: one product with 21-bit coefficients
3. real and imaginary part squared, added, and rounded to units of 16 LSB^2
4. mel bands: one product with 11.7-bit weights
5. logarithm: the leading 22 bits of the float64 index a table, which is 0 up to 16 LSB^2

The bounds are proven in `tables.py` and `convert/tables.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import tables as t
from edge_ser.features.tables import LOG_UNIT, Tables, load_tables

if TYPE_CHECKING:
    from edge_ser.features.extras import Extras

__all__ = ["LOG_UNIT", "LogMel"]

HOP = 160  # samples, 10 ms
HISTORY = 240  # samples that a frame of 400 looks back over before its hop
BLOCK_FRAMES = 48  # at once; the work arrays of a block stay inside a second-level cache of 1 MB
SCRATCH_PER_FRAME = t.LANES * t.TAPS + 4 * t.LANES * t.COLUMNS + t.N_MELS  # float64
INT16 = np.dtype(np.int16)
NO_SAMPLES = np.empty(0, np.int16)

Frames = NDArray[np.float64]
"""Log-mel bands (frames, n_mels); behind them the columns of the extras, where there are any."""

Kernel = Callable[[NDArray[np.int16], int], Frames]
"""Takes the samples of its number of frames into the ring, at this slot, and returns their log-mel bands."""


class LogMel:
    """Streaming log-mel bands, bit-exact however the stream is cut into blocks.

    Frame t ends with sample (t + 1) * 160 and looks back over 400 samples; before the first sample there are zeros.
    No pre-emphasis, no dither, no gain control: loudness carries arousal.

    Parameters
    ----------
    extras : sequence of str
        What else to hear of the same frames: names from `edge_ser.features.extras.EXTRAS`.

    Raises
    ------
    SettingsError
        An extra is unknown.

    Notes
    -----
    A value is `rint(LOG_UNIT * ln(power / 16 LSB^2))`, at least 0, where power is the mel band of the squared
    512-point DFT of the Hann-windowed samples in int16 LSB. Against float64 the natural logarithm is off by at most
    2e-3 from -40 dBFS up to clipping and by 0.1 at -60 dBFS.

    Examples
    --------
    >>> import numpy as np
    >>> LogMel().push(np.zeros(1600, np.int16)).shape
    (10, 40)
    """

    def __init__(self, extras: Sequence[str] = ()) -> None:
        self._tables = load_tables()
        self._extras: Extras | None = None
        if extras:
            from edge_ser.features.extras import Extras

            self._extras = Extras(extras)
        # Samples as float64, oldest first: HISTORY, then one slot a frame. Slots are filled one after the other;
        # when they are used up, the last HISTORY samples move to the front.
        self._ring = np.zeros(HISTORY + BLOCK_FRAMES * HOP)
        self._scratch = np.empty(BLOCK_FRAMES * SCRATCH_PER_FRAME)
        self._kernels: dict[int, Kernel] = {}
        self.reset()

    def reset(self) -> None:
        """Start a new stream: zeros before its first sample."""
        self._ring[:HISTORY] = 0
        self._slot = 0
        self._rest = NO_SAMPLES  # of a hop that is not yet complete
        if self._extras is not None:
            self._extras.reset()

    def erase(self) -> None:
        """Overwrite with zeros what was heard, and start a new stream."""
        self._ring[:] = 0
        for frames, kernel in self._kernels.items():
            kernel(np.zeros(frames * HOP, np.int16), 0)  # what lies in work arrays of its own becomes that of silence
        self._scratch[:] = 0
        if self._rest.size:
            self._rest[:] = 0
        if self._extras is not None:
            self._extras.erase()
        self.reset()

    def push(self, pcm: NDArray[np.int16]) -> Frames:
        """Return the log-mel bands of the frames that these samples complete.

        Parameters
        ----------
        pcm : int16 (n,)
            The next samples of the stream, mono, 16 kHz; any number, also none.

        Returns
        -------
        float64 (frames, n_mels + columns of the extras)
            Integers: bands from 0 to 2^18, LOG_UNIT per natural-log unit, then the extras in theirs; a new array.

        Raises
        ------
        TypeError
            If `pcm` is not a one-dimensional int16 array.
        """
        if pcm.dtype != INT16 or pcm.ndim != 1:
            raise TypeError(f"expected int16 samples (n,), got {pcm.dtype} {pcm.shape}")
        if self._rest.size:
            pcm = np.concatenate((self._rest, pcm))
            self._rest = NO_SAMPLES
        frames, over = divmod(pcm.size, HOP)
        if over:
            pcm, self._rest = pcm[:-over], pcm[-over:].copy()
        if 0 < frames <= BLOCK_FRAMES:
            return self._push_block(pcm, frames)
        blocks = [pcm[i : i + BLOCK_FRAMES * HOP] for i in range(0, pcm.size, BLOCK_FRAMES * HOP)]
        log_mels = [self._push_block(block, block.size // HOP) for block in blocks]
        width = t.N_MELS + (self._extras.columns if self._extras is not None else 0)
        return np.concatenate(log_mels) if log_mels else np.empty((0, width))

    def _push_block(self, pcm: NDArray[np.int16], frames: int) -> Frames:
        """Return 1 to BLOCK_FRAMES frames."""
        slot = self._slot
        if slot + frames > BLOCK_FRAMES:
            slot = self._rewind()
        self._slot = slot + frames
        kernel = self._kernels.get(frames) or self._kernel(frames)
        return kernel(pcm, slot)

    def _rewind(self) -> int:
        """Move the last HISTORY samples to the front of the ring; return the first slot."""
        start = self._slot * HOP
        self._ring[:HISTORY] = self._ring[start : start + HISTORY]
        self._slot = 0
        return 0

    def _kernel(self, frames: int) -> Kernel:
        """Make the kernel for so many frames: when it is first needed, since few sizes ever are."""
        kernel, power = _make_kernel(self._tables, self._ring, self._scratch, frames)
        if self._extras is not None:
            kernel = _with_extras(kernel, power, self._extras)
        self._kernels[frames] = kernel
        return kernel


def _with_extras(kernel: Kernel, power: NDArray[np.float64], extras: Extras) -> Kernel:
    """Return a kernel that appends the extras' columns to the bands of another, which leaves its spectrum in `power`.

    Wrapped round the kernel and not asked for inside it: a stream without extras pays nothing for them.
    """

    def both(pcm: NDArray[np.int16], slot: int) -> Frames:
        log_mel = kernel(pcm, slot)
        return np.concatenate((log_mel, *extras(pcm, log_mel, power)), axis=1)

    return both


def _make_kernel(
    tables: Tables, ring: NDArray[np.float64], scratch: NDArray[np.float64], frames: int
) -> tuple[Kernel, NDArray[np.float64]]:
    """Return the function that takes so many frames into `ring` and returns their log-mel bands.

    And the place (frames, BINS) where it leaves their power spectrum, whole POWER_UNITs in the DFT's own order.

    Its work arrays are laid into `scratch`, all views are made once, and every name that it uses is local: at one
    frame a call, each allocation and each look-up of an attribute shows.
    """
    slots, windows = _views(ring, frames)
    samples, lanes, spectrum, bands = _lay_out(
        scratch,
        (t.LANES, t.TAPS, frames),
        (t.LANES, 2 * t.COLUMNS, frames),
        (2, t.BINS, frames),  # real parts, imaginary parts
        (frames, t.N_MELS),
    )
    copyto, matmul, rint, square, add, right_shift = (
        np.copyto, np.matmul, np.rint, np.square, np.add, np.right_shift)  # fmt: skip
    stage_1 = tables.stage_1.transpose(0, 2, 1)
    # With the frames last, all of them go through the second DFT as one product instead of one each.
    second_dft = tables.stage_2.dot
    lanes_in = lanes.reshape(2 * t.LANES, t.COLUMNS * frames)
    spectrum_out = spectrum.reshape(2 * t.ROWS, t.COLUMNS * frames)
    power, imaginary = spectrum  # the real parts' place becomes the power's
    power_by_bin = power.T
    to_bands = power_by_bin.dot
    # For one frame BLAS is faster where the weights of a band lie side by side.
    mel = np.asfortranarray(tables.mel) if frames == 1 else tables.mel
    band_bits = bands.view(np.int64)
    shift = np.array(52 - t.LOG_MANTISSA_BITS)  # keeps sign, exponent and the leading mantissa bits
    index = np.empty(bands.shape, np.intp)
    look_up = tables.log.take

    def kernel(pcm: NDArray[np.int16], slot: int) -> Frames:
        copyto(slots[slot], pcm)
        copyto(samples, windows[slot])
        matmul(stage_1, samples, lanes)
        rint(lanes, lanes)
        second_dft(lanes_in, spectrum_out)
        square(spectrum, spectrum)
        add(power, imaginary, power)
        rint(power, power)
        to_bands(mel, bands)
        right_shift(band_bits, shift, index, casting="unsafe")
        return look_up(index, None, None, "clip")

    return kernel, power_by_bin


def _views(ring: NDArray[np.float64], frames: int) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Return by first slot the place (samples,) of so many frames, and their windows (LANES, TAPS, frames)."""
    shape = (t.LANES, t.TAPS, BLOCK_FRAMES)
    strides = tuple(samples * ring.itemsize for samples in (1, t.LANES, HOP))
    windows = np.lib.stride_tricks.as_strided(ring, shape, strides, writeable=False)
    first_slots = range(BLOCK_FRAMES - frames + 1)
    places = [ring[HISTORY + slot * HOP :][: frames * HOP] for slot in first_slots]
    return places, [windows[..., slot : slot + frames] for slot in first_slots]


def _lay_out(scratch: NDArray[np.float64], *shapes: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Return arrays of these shapes, one after the other in `scratch`."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(scratch, ends), shapes, strict=False)]
