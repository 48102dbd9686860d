"""The front end's configuration, and its integer tables, read from a checksummed file.

Nothing here calls `cos` or `log`: a mathematics library that differs in the last bit must not change a table.
`convert/tables.py` computed them once; this module refuses any other file.

How the tables are used, and why the result cannot depend on the machine, stands in `log_mel.py`.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.errors import EdgeSerError, SettingsError

TABLES_SHA256 = "7b5c27177525bdc6abe4206e54209a040d363b41d5afe20936d4ee7582ff07a4"
"""SHA-256 of `tables.bin`. A model file names the tables that it was trained with."""

# Checked at every start instead of the SHA-256, since hashlib brings in OpenSSL: as long as all the rest. Likewise no
# pathlib. A test holds the file, this and the SHA-256 together.
TABLES_CRC32 = 0x71343CCF
TABLES_PATH = os.path.join(os.path.dirname(__file__), "tables.bin")  # noqa: PTH118, PTH120

# The 512-point DFT is done as 16 DFTs of 32 points and, after a twiddle, 32 DFTs of 16 points: sample 16 * tap + lane
# of the window goes into DFT `lane`, and bin column + 32 * row is output `row` of the second DFT numbered `column`.
# The samples are real, so 17 of the 32 columns hold everything; bins above 256 are mirror images of those below.
LANES = 16
TAPS = 25  # 400 samples of window / 16 lanes; the other 7 points of a 32-point DFT are zeros
COLUMNS = 17
ROWS = 16
BINS = ROWS * COLUMNS  # row-major; 15 of the 257 bins appear twice and share their weight
N_MELS = 40

# Fractional bits of the integers in the file.
STAGE_1_BITS = 24  # window, first DFT and twiddle in one
STAGE_2_BITS = 21  # cosine of the second DFT
DCT_BITS = 22
LOG_BITS = 40

SPECTRUM_BITS = 5  # fractional bits kept between the two DFTs
POWER_UNIT = 16  # LSB^2, of the rounded power spectrum; also the floor under the logarithm
FRAME_POWER_MAX = 2.0**41.23  # POWER_UNITs; of bins 1 to 255 of the loudest frame, proven in convert/tables.py
MEL_ONE = 3400  # weight at the peak of a band; the largest round number that FRAME_POWER_MAX leaves room for

LOG_UNIT = 8192
"""Steps of a log-mel value per natural-log unit; one step is 0.0005 dB."""

LOG_MANTISSA_BITS = 10  # leading bits of the mantissa that index the logarithm
# A mel power, an integer below 2^53, is carried as a multiple of 2^-1022, the smallest normal number. So its exponent
# field starts at 1 instead of 1023, and the logarithm's table needs no million unused entries in front.
LOG_OCTAVES = 53

STAGE_1_SCALE = 2.0 ** (SPECTRUM_BITS - STAGE_1_BITS)
STAGE_2_SCALE = 2.0 ** -(SPECTRUM_BITS + STAGE_2_BITS) / POWER_UNIT**0.5
MEL_SCALE = 2.0**-1022

Integers = NDArray[np.integer[Any]]

REINSTALL = "Install edge-ser again"

EXACT_INTEGERS = 2.0**53
"""Up to here every integer is a float64, so sums of integers are exact in any order, with or without FMA."""


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """What the MFCC are made of. Everything but `n_mfcc` is fixed by the shipped tables.

    Raises
    ------
    SettingsError
        For a value that the shipped tables were not made for.
    """

    sample_rate: int = 16000
    """Hz."""

    win_length: int = 400
    """Samples of Hann window: 25 ms."""

    hop_length: int = 160
    """Samples from frame to frame: 10 ms."""

    n_fft: int = 512
    """Points of the DFT; the windowed samples are followed by zeros."""

    n_mels: int = N_MELS
    """Triangular bands, equally spaced on the HTK mel scale, of peak 1."""

    fmin: float = 20.0
    """Hz, lower edge of the lowest band."""

    fmax: float = 8000.0
    """Hz, upper edge of the highest band."""

    n_mfcc: int = N_MELS
    """Cepstral coefficients kept, the 0th (loudness) included; 1 to `n_mels`."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "n_mfcc":
                if type(value) is not int or not 1 <= value <= N_MELS:
                    raise SettingsError(f"n_mfcc is {value!r}", f"Choose a whole number from 1 to {N_MELS}")
            elif value != field.default:
                raise SettingsError(
                    f"{field.name} is {value!r}, but the front end's tables were made for {field.default!r}",
                    "Leave it out",
                )


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The tables as read-only float64 arrays: integers, times a power of two that puts the fixed point in its place."""

    stage_1: NDArray[np.float64]
    """(LANES, TAPS, 2 * COLUMNS): window, 32-point DFT and twiddle; integers times STAGE_1_SCALE.

    Columns are real parts, then imaginary parts. From int16 LSB to units of 2^-SPECTRUM_BITS LSB.
    """

    stage_2: NDArray[np.float64]
    """(2 * ROWS, 2 * LANES): 16-point DFT; integers times STAGE_2_SCALE.

    Rows are real parts, then imaginary parts; columns are (lane, part). To units of sqrt(POWER_UNIT).
    """

    mel: NDArray[np.float64]
    """(BINS, N_MELS): weight of each bin, in the DFT's own order, in each band; integers times MEL_SCALE."""

    log: NDArray[np.float64]
    """LOG_UNIT * ln(power / POWER_UNIT), at least 0, by the leading bits of the float64 that carries the power."""

    dct: NDArray[np.float64]
    """(N_MELS, N_MELS): orthonormal DCT-II, band by coefficient; integers times 2^-DCT_BITS."""


@lru_cache(maxsize=1)
def load_tables() -> Tables:
    """Return the shipped tables; they are read once.

    Raises
    ------
    EdgeSerError
        If the file is missing or damaged.
    """
    return read_tables(TABLES_PATH, TABLES_CRC32)


def read_tables(path: str | os.PathLike[str], crc32: int) -> Tables:
    """Return the tables in a file, after comparing its checksum and proving the bounds of the arithmetic.

    Parameters
    ----------
    path : path-like
        A file that `convert/tables.py` wrote.
    crc32 : int
        What the file's CRC-32 must be.

    Raises
    ------
    EdgeSerError
        If the file cannot be read, has another checksum, or breaks a bound.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            blob = file.read()
    except OSError as error:
        raise EdgeSerError(f"The front end's tables {path} cannot be read ({error.strerror})", REINSTALL) from error
    if zlib.crc32(blob) != crc32:
        raise EdgeSerError(f"The front end's tables {path} are damaged: their checksum is wrong", REINSTALL)
    tables = parse_tables(blob)
    check_bounds(tables)
    return tables


def parse_tables(blob: bytes) -> Tables:
    """Turn the file's little-endian integers into the arrays of `Tables`.

    The file is, without gaps: int64 ln 2, ln MEL_ONE and ln(1 + (m + 1/2) / 1024) for m = 0..1023, with LOG_BITS
    fractional bits; int32 stage 1; int32 cosine of 16ths of a turn; int32 DCT; int16 mel weights.
    """
    logs, at = _take(blob, 0, "<i8", (2 + (1 << LOG_MANTISSA_BITS),))
    stage_1, at = _take(blob, at, "<i4", (LANES, TAPS, 2 * COLUMNS))
    cosine, at = _take(blob, at, "<i4", (ROWS,))
    dct, at = _take(blob, at, "<i4", (N_MELS, N_MELS))
    mel, at = _take(blob, at, "<i2", (BINS, N_MELS))
    if at != len(blob):
        raise EdgeSerError(f"The front end's tables hold {len(blob)} bytes, not {at}", REINSTALL)
    arrays = (
        stage_1 * np.float64(STAGE_1_SCALE),
        _second_dft(cosine) * np.float64(STAGE_2_SCALE),
        mel * np.float64(MEL_SCALE),
        _log_table(logs[0], logs[1], logs[2:]),
        dct * np.float64(2.0**-DCT_BITS),
    )
    for array in arrays:
        array.flags.writeable = False
    return Tables(*arrays)


def check_bounds(tables: Tables) -> None:
    """Prove that no int16 input can bring a sum of integers to 2^53, where float64 would begin to round.

    Raises
    ------
    EdgeSerError
        If a sum could get there.
    """
    first = 32768 * np.abs(tables.stage_1).sum(axis=1)  # (LANES, 2 * COLUMNS)
    second = np.abs(tables.stage_2) @ np.ceil(first).reshape(2 * LANES, COLUMNS)
    # The two halves of a bin that appears twice add up to at most the largest weight and one unit of rounding.
    mel = FRAME_POWER_MAX * (tables.mel.max() / MEL_SCALE + 1)
    bounds = {
        "first DFT": first.max() / STAGE_1_SCALE,
        "second DFT": second.max() / STAGE_2_SCALE,
        "mel bands": mel,
    }
    for name, bound in bounds.items():
        if not bound < EXACT_INTEGERS:
            raise EdgeSerError(
                f"The front end's tables let the {name} reach 2^{np.log2(bound):.1f}, where float64 rounds",
                "Build them with fewer bits: python -m convert.tables",
            )


def _take(blob: bytes, start: int, dtype: str, shape: tuple[int, ...]) -> tuple[Integers, int]:
    """Return the array that starts at this byte, and the byte after it."""
    count = int(np.prod(shape))
    stop = start + count * np.dtype(dtype).itemsize
    if stop > len(blob):
        raise EdgeSerError(f"The front end's tables end after {len(blob)} bytes", REINSTALL)
    return np.frombuffer(blob, dtype, count, start).reshape(shape), stop


def _second_dft(cosine: Integers) -> Integers:
    """Return the complex 16-point DFT as one real matrix, from the cosine of 16ths of a turn."""
    turn = np.arange(ROWS)[:, None] * np.arange(LANES) % ROWS
    c = cosine[turn]
    s = cosine[(turn - ROWS // 4) % ROWS]  # the sine is the cosine a quarter of a turn earlier
    matrix = np.array([[c, s], [-s, c]])  # (re, im) of the output, (re, im) of the input, row, lane
    return matrix.transpose(0, 2, 3, 1).reshape(2 * ROWS, 2 * LANES)


def _log_table(ln2: Any, ln_one: Any, mantissa: Integers) -> NDArray[np.float64]:
    """Return LOG_UNIT * ln(power) by exponent field and leading mantissa bits, rounded in integer arithmetic."""
    shift = LOG_BITS - (LOG_UNIT.bit_length() - 1)
    octaves = np.arange(LOG_OCTAVES)[:, None] * ln2 - ln_one + mantissa
    logs = np.maximum((octaves + (1 << (shift - 1))) >> shift, 0)
    return np.concatenate([np.zeros(mantissa.size), logs.ravel()])  # an exponent field of 0 is the number 0
