"""An emulated Raspberry Pi gives this machine's bytes and decisions; and a board that did not would be noticed."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks import boards
from benchmarks.boards.digest import digest, signal
from benchmarks.boards.system import BOARDS, Board, build, digest_on, missing_programs
from benchmarks.cli import EXIT_USAGE, main
from edge_ser.errors import EdgeSerError
from edge_ser.student.stepper import GOLDEN_TOLERANCE

FOLDER_VARIABLE = "EDGE_SER_BOARDS"
"""Environment variable that names a folder where boards are kept between runs."""

PROBABILITY_TOLERANCE = 0.05  # what one int8 step may come to


NEAR_TIES = 2  # of the 173 events of the embedded recording


@pytest.fixture(scope="module")
def here() -> dict[str, Any]:
    return digest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := missing_programs():
        pytest.skip(f"no emulated boards: apt-get install {' '.join(missing)}")
    kept = os.environ.get(FOLDER_VARIABLE)
    if kept is None and os.geteuid() != 0:
        pytest.skip(f"no emulated boards: debootstrap needs root; set {FOLDER_VARIABLE} to a folder that holds them")
    return Path(kept) if kept else tmp_path_factory.mktemp("boards")


@pytest.mark.boards
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_an_emulated_board_gives_this_machines_bytes_and_decisions(
    board: Board, folder: Path, here: dict[str, Any]
) -> None:
    try:
        root = build(board, folder)
    except EdgeSerError as error:
        pytest.skip(f"the board cannot be made here: {error}")
    for runtime, _ in board.runtimes:
        found = boards.compare(here, digest_on(board, root, runtime, "OpenBLAS"))
        assert found["features_different"] == 0, runtime
        assert found["resampled_different"] == 0, runtime
        # Equal, but for what one int8 step can tip.
        assert found["decisions_different"] == found["near_ties"] <= NEAR_TIES, runtime
        assert found["network_lsb"] <= GOLDEN_TOLERANCE, runtime
        assert found["probabilities_difference"] <= PROBABILITY_TOLERANCE, runtime


def test_the_signal_goes_from_silence_into_clipping() -> None:
    pcm = signal()
    assert not pcm[:8000].any()
    assert 0 < abs(pcm[8000 * 25 : 8000 * 26]).max() <= 33  # 60 dB below full scale
    assert (pcm == 32767).sum() > 8000


def test_a_board_that_computes_otherwise_is_noticed(here: dict[str, Any]) -> None:
    assert set(boards.compare(here, here).values()) == {0}
    tie = copy.deepcopy(here)
    place = next(i for i, decision in enumerate(here["decisions"]) if decision[1] == "emotion")
    tie["decisions"][place][1:3] = ["uncertain", None]
    assert boards.compare(here, tie)["decisions_different"] == 1
    assert boards.compare(here, tie)["near_ties"] == 0  # nothing at the threshold
    tie["probabilities"][place] = [here["uncertain_below"] - 0.01] * 7
    assert boards.compare(here, tie)["near_ties"] == 1
    there = copy.deepcopy(here)
    there["features"]["10 ms"] = there["resampled"]["48000"] = "other"
    there["decisions"][3][2] = "happy"
    there["decisions"].pop()
    there["logits"][0][0] += 7
    there["probabilities"][5][1] += 0.25
    found = boards.compare(here, there)
    assert found["features_different"] == found["resampled_different"] == 1
    assert found["decisions_different"] == 2
    assert found["network_lsb"] == 7
    assert found["probabilities_difference"] == pytest.approx(0.25)


def test_what_is_missing_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["boards", "--folder", str(tmp_path)]) == EXIT_USAGE
    assert "apt-get install debootstrap dpkg qemu-user-static" in capsys.readouterr().err
