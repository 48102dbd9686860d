"""Mfcc is the standardised DCT-II in int8, clipped at both ends, and refuses statistics that would round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from features import reference
from features.signals import at_level, everything, voice_like
from numpy.typing import NDArray

from edge_ser.errors import SettingsError
from edge_ser.features import LOG_UNIT, FrontEnd, LogMel, Mfcc, cepstra

N = 13
MEAN = np.linspace(30, -2, N)
STD = np.linspace(15, 2, N)


def mfcc(**changes: Any) -> Mfcc:
    return Mfcc(**{"front_end": FrontEnd(n_mfcc=N), "mean": MEAN, "std": STD, "lsb_per_std": 32.0, **changes})


@pytest.fixture(scope="module")
def log_mel() -> NDArray[np.float64]:
    return LogMel().push(everything())


def test_it_is_the_standardised_cepstra_rounded_and_clipped(log_mel: NDArray[np.float64]) -> None:
    exact = 32 * (cepstra(log_mel, N) - MEAN) / STD
    found = mfcc()(log_mel)
    assert found.dtype == np.int8
    assert found.shape == exact.shape
    # The folded matrix is rounded to 2^-30 of a step, which 40 bands of 2^18 bring to 2^-7 of a step.
    assert np.abs(found - np.clip(exact, -128, 127)).max() <= 0.5 + 2**-7


def test_it_is_within_one_step_of_float64_from_the_samples() -> None:
    pcm = at_level(voice_like(48000), -20)
    exact = np.clip(32 * (reference.cepstra(pcm, N) - MEAN) / STD, -128, 127)
    assert np.abs(mfcc()(LogMel().push(pcm)) - exact).max() < 1


@pytest.mark.parametrize(("mean", "end"), [(-1e4, 127), (1e4, -128)])
def test_out_of_range_is_clipped_and_never_wraps(log_mel: NDArray[np.float64], mean: float, end: int) -> None:
    assert (mfcc(mean=np.full(N, mean))(log_mel) == end).all()


def test_fewer_coefficients_are_the_first_of_more(log_mel: NDArray[np.float64]) -> None:
    more = Mfcc(FrontEnd(n_mfcc=40), np.pad(MEAN, (0, 27)), np.pad(STD, (0, 27), constant_values=1), 32.0)
    np.testing.assert_array_equal(more(log_mel)[:, :N], mfcc()(log_mel))


def test_what_goes_on_as_float64_is_the_int8_whatever_the_length(log_mel: NDArray[np.float64]) -> None:
    coder = mfcc()
    for frames in (8, 8, 1, 0, 8, len(log_mel)):
        np.testing.assert_array_equal(coder.whole(log_mel[:frames]), coder(log_mel[:frames]))


def test_frames_do_not_depend_on_each_other(log_mel: NDArray[np.float64]) -> None:
    coder = mfcc()
    one_by_one = np.concatenate([coder(log_mel[i : i + 1]) for i in range(len(log_mel))])
    np.testing.assert_array_equal(one_by_one, coder(log_mel))


def test_no_frames_give_no_cepstra() -> None:
    assert mfcc()(np.empty((0, 40))).shape == (0, N)


def test_the_basis_is_orthonormal() -> None:
    basis = cepstra(np.eye(40) * LOG_UNIT, 40)
    np.testing.assert_allclose(basis @ basis.T, np.eye(40), atol=1e-5)
    np.testing.assert_allclose(cepstra(np.full((1, 40), LOG_UNIT), 40)[0], [np.sqrt(40)] + [0] * 39, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"mean": np.zeros(12)}, "mean has shape"),
        ({"std": np.ones((13, 1))}, "std has shape"),
        ({"mean": np.full(N, np.nan)}, "mean holds"),
        ({"std": np.full(N, np.inf)}, "std holds"),
        ({"std": np.zeros(N)}, "positive"),
        ({"std": -STD}, "positive"),
        ({"lsb_per_std": 0.0}, "positive"),
        ({"lsb_per_std": float("nan")}, "lsb_per_std holds"),
        ({"std": np.full(N, 1e-9)}, "beyond exact arithmetic"),
        ({"mean": np.full(N, 1e12)}, "beyond exact arithmetic"),
    ],
)
def test_impossible_statistics_are_refused(changes: dict[str, Any], names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        mfcc(**changes)
