"""The tables are those that the script builds, are refused when damaged, and keep every sum below 2^53."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from features import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.tables import build
from edge_ser.errors import EdgeSerError, SettingsError
from edge_ser.features import tables as t
from edge_ser.features.tables import FrontEnd, Tables, check_bounds, load_tables, parse_tables, read_tables

BLOB = Path(t.TABLES_PATH).read_bytes()


def test_the_file_is_the_one_that_models_are_trained_with() -> None:
    assert hashlib.sha256(BLOB).hexdigest() == t.TABLES_SHA256
    assert zlib.crc32(BLOB) == t.TABLES_CRC32


def test_the_script_builds_the_same_tables() -> None:
    built, shipped = parse_tables(build(FrontEnd())), load_tables()
    units = {
        "stage_1": t.STAGE_1_SCALE,
        "stage_2": t.STAGE_2_SCALE,
        "mel": t.MEL_SCALE,
        "log": 1,
        "dct": 2**-t.DCT_BITS,
    }
    for name, unit in units.items():
        # A mathematics library may differ in its last bit, and so one value in a million by one unit.
        difference = (getattr(built, name) - getattr(shipped, name)) / unit
        assert np.abs(difference).max() <= 1, name
        assert np.count_nonzero(difference) <= 2, name


def test_the_mel_weights_are_those_of_the_reference() -> None:
    row, column = np.divmod(np.arange(t.BINS), t.COLUMNS)
    output = column + 32 * row
    bins = np.minimum(output, 512 - output)
    weights = np.zeros((257, 40))
    np.add.at(weights, bins, load_tables().mel / t.MEL_SCALE / t.MEL_ONE)
    assert np.abs(weights - reference.mel_bands()).max() <= 1 / t.MEL_ONE


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_tables().mel[0, 0] = 1


@given(position=st.integers(0, len(BLOB) - 1), change=st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_any_changed_byte_is_refused(tmp_path_factory: Any, position: int, change: int) -> None:
    damaged = bytearray(BLOB)
    damaged[position] ^= change
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    path.write_bytes(damaged)
    with pytest.raises(EdgeSerError, match="damaged"):
        read_tables(path, t.TABLES_CRC32)


@pytest.mark.parametrize("content", [b"", BLOB[:-1], BLOB[:1000], BLOB + b"\0"], ids=["empty", "short", "stub", "long"])
def test_another_length_is_refused_even_with_its_own_checksum(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tables.bin"
    path.write_bytes(content)
    with pytest.raises(EdgeSerError, match="damaged"):
        read_tables(path, t.TABLES_CRC32)
    with pytest.raises(EdgeSerError, match="bytes"):
        read_tables(path, zlib.crc32(content))


def test_a_missing_file_is_an_error_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(EdgeSerError, match=r"No such file.*Install edge-ser again"):
        read_tables(tmp_path / "none.bin", t.TABLES_CRC32)


@pytest.mark.parametrize(("name", "factor"), [("stage_1", 2**11), ("stage_2", 2**5), ("mel", 2)])
def test_tables_whose_sums_could_round_are_refused(name: str, factor: int) -> None:
    shipped = load_tables()
    check_bounds(shipped)
    louder: Tables = replace(shipped, **{name: getattr(shipped, name) * factor})
    with pytest.raises(EdgeSerError, match="where float64 rounds"):
        check_bounds(louder)


@pytest.mark.parametrize("n_mfcc", [1, 13, 40])
def test_any_number_of_cepstra_up_to_the_bands_is_possible(n_mfcc: int) -> None:
    assert FrontEnd(n_mfcc=n_mfcc).n_mfcc == n_mfcc


@pytest.mark.parametrize("n_mfcc", [0, -1, 41, 13.0, True, "13", None])
def test_an_impossible_number_of_cepstra_is_refused(n_mfcc: Any) -> None:
    with pytest.raises(SettingsError, match="n_mfcc"):
        FrontEnd(n_mfcc=n_mfcc)


@pytest.mark.parametrize(
    ("name", "value"),
    [("sample_rate", 8000), ("win_length", 480), ("hop_length", 0), ("n_fft", 400), ("n_mels", 80), ("fmin", -1.0),
     ("fmax", float("nan")), ("fmax", "8000")],
)  # fmt: skip
def test_what_the_tables_were_not_made_for_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"{name} is .*tables were made for"):
        FrontEnd(**{name: value})
