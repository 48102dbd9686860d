"""Build the front end's tables: `python -m convert.tables [--check]` writes or compares edge_ser/features/tables.bin.

Run once, when the arithmetic changes; then put the two checksums that it prints into `edge_ser/features/tables.py`.
Every model has to be trained again afterwards, since its features have changed.
"""

from __future__ import annotations

import argparse
import hashlib
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import tables as t
from edge_ser.features.tables import FrontEnd

INT16_PEAK = 32768  # LSB


def hann(length: int) -> NDArray[np.float64]:
    """Return the periodic Hann window (length,)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def mel_bands(front_end: FrontEnd) -> NDArray[np.float64]:
    """Return triangular weights (n_fft // 2 + 1, n_mels) of peak 1 on the HTK mel scale.

    2595 log10(1 + f / 700): S. Young et al., The HTK Book, section 5.4.
    """
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (front_end.fmin, front_end.fmax))
    edges = 700 * (10 ** (np.linspace(low, high, front_end.n_mels + 2) / 2595) - 1)
    hz = np.arange(front_end.n_fft // 2 + 1)[:, None] * front_end.sample_rate / front_end.n_fft
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(0, np.minimum((hz - left) / (centre - left), (right - hz) / (right - centre)))


def dct(n: int) -> NDArray[np.float64]:
    """Return the orthonormal DCT-II (band, coefficient) of n bands."""
    matrix = np.cos(np.pi * np.arange(n) * (2 * np.arange(n)[:, None] + 1) / (2 * n)) * np.sqrt(2 / n)
    matrix[:, 0] *= np.sqrt(0.5)
    return matrix


def bin_of_output(n_fft: int) -> NDArray[np.intp]:
    """Return the DFT bin (ROWS, COLUMNS), 0 to n_fft // 2, that each output of the second stage holds."""
    bins = np.arange(t.COLUMNS) + 2 * (t.COLUMNS - 1) * np.arange(t.ROWS)[:, None]
    return np.where(bins > n_fft // 2, n_fft - bins, bins)


def first_stage(front_end: FrontEnd) -> NDArray[np.complex128]:
    """Return window, 32-point DFT and twiddle as one array (LANES, TAPS, COLUMNS)."""
    lane, tap, column = np.ogrid[: t.LANES, : t.TAPS, : t.COLUMNS]
    sample = t.LANES * tap + lane
    return hann(front_end.win_length)[sample] * np.exp(-2j * np.pi * sample * column / front_end.n_fft)


def mel_by_output(front_end: FrontEnd) -> NDArray[np.float64]:
    """Return the mel weights (BINS, n_mels) in the DFT's own order; bins that appear twice carry half each time."""
    bins = bin_of_output(front_end.n_fft).ravel()
    return mel_bands(front_end)[bins] / np.bincount(bins)[bins][:, None]


def build(front_end: FrontEnd) -> bytes:
    """Return the content of `tables.bin`, its bounds proven."""
    mantissa = np.log1p((np.arange(1 << t.LOG_MANTISSA_BITS) + 0.5) / (1 << t.LOG_MANTISSA_BITS))
    stage_1 = first_stage(front_end)
    parts = (
        _integers(np.concatenate([np.log([2, t.MEL_ONE]), mantissa]), 2.0**t.LOG_BITS, "<i8"),
        _integers(np.concatenate([stage_1.real, stage_1.imag], axis=2), 2.0**t.STAGE_1_BITS, "<i4"),
        _integers(np.cos(2 * np.pi * np.arange(t.ROWS) / t.ROWS), 2.0**t.STAGE_2_BITS, "<i4"),
        _integers(dct(front_end.n_mels), 2.0**t.DCT_BITS, "<i4"),
        _integers(mel_by_output(front_end), t.MEL_ONE, "<i2"),
    )
    blob = b"".join(parts)
    tables = t.parse_tables(blob)
    t.check_bounds(tables)
    _check_frame_power(tables, front_end)
    return blob


def _integers(values: NDArray[np.float64], one: float, dtype: str) -> bytes:
    """Return the values in a fixed point where 1.0 is `one`, as they stand in the file."""
    return np.rint(values * one).astype(dtype).tobytes()


def _check_frame_power(tables: t.Tables, front_end: FrontEnd) -> None:
    """Prove FRAME_POWER_MAX: no frame of int16 samples has more power in bins 1 to 255.

    By Parseval the exact DFT of a real frame has sum |X_k|^2 <= n_fft / 2 * sum (w x)^2 over bins 1 to 255. The
    computed X_k differs from it by at most e, so by Minkowski the root of the computed sum is larger by at most
    sqrt(255) e. The rounding of the power itself adds at most one unit a bin.
    """
    window = hann(front_end.win_length)
    exact = np.sqrt(front_end.n_fft / 2 * np.sum((INT16_PEAK * window) ** 2))
    worst = np.sqrt(front_end.n_fft // 2) * _spectrum_error(tables, front_end)
    power = (exact + worst) ** 2 / t.POWER_UNIT + front_end.n_fft // 2
    if not power <= t.FRAME_POWER_MAX:
        raise AssertionError(f"a frame can have a power of 2^{np.log2(power):.3f} units")


def _spectrum_error(tables: t.Tables, front_end: FrontEnd) -> float:
    """Return a bound in LSB on |computed - exact| of any bin, over all int16 frames."""
    stage_1 = tables.stage_1.reshape(t.LANES, t.TAPS, 2, t.COLUMNS) * 2.0**-t.SPECTRUM_BITS  # in LSB
    stage_2 = tables.stage_2.reshape(2, t.ROWS, t.LANES, 2) * 2.0**t.SPECTRUM_BITS * np.sqrt(t.POWER_UNIT)  # in LSB
    parts = np.einsum("orlp,ltpc->orclt", stage_2, stage_1, optimize=True)
    computed = parts[0] + 1j * parts[1]  # (ROWS, COLUMNS, LANES, TAPS)
    row, column, lane, tap = np.ogrid[: t.ROWS, : t.COLUMNS, : t.LANES, : t.TAPS]
    sample, output_bin = t.LANES * tap + lane, column + 2 * (t.COLUMNS - 1) * row
    exact = hann(front_end.win_length)[sample] * np.exp(-2j * np.pi * sample * output_bin / front_end.n_fft)
    coefficients = INT16_PEAK * np.abs(computed - exact).sum(axis=(2, 3)).max()
    rounding = 0.5 * 2.0**-t.SPECTRUM_BITS * np.abs(stage_2).sum(axis=(2, 3)).max() * np.sqrt(2)
    return float(coefficients + rounding)


def main() -> int:
    """Write the tables, or compare them with the shipped ones."""
    parser = argparse.ArgumentParser(description="Build the front end's integer tables.")
    parser.add_argument("--out", type=Path, default=Path(t.TABLES_PATH), help="file to write (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the file holds these tables")
    arguments = parser.parse_args()
    blob = build(FrontEnd())
    checksums = f'TABLES_SHA256 = "{hashlib.sha256(blob).hexdigest()}"\nTABLES_CRC32 = 0x{zlib.crc32(blob):08X}'
    if arguments.check:
        same = arguments.out.read_bytes() == blob
        print(f"{arguments.out} {'holds' if same else 'differs from'} the tables built here:\n{checksums}")
        return 0 if same else 1
    arguments.out.write_bytes(blob)
    print(f"{arguments.out}: {len(blob)} bytes\n{checksums}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
