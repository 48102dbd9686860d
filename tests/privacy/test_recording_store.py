"""A recording is there for those who agreed, for its owner alone, and not a day longer than was said."""

from __future__ import annotations

import stat
import wave
from pathlib import Path

import numpy as np
import pytest
from speech import demo

from edge_ser.capture.source import ArraySource, Block
from edge_ser.errors import SettingsError
from edge_ser.recording_store import DAY_SECONDS, RecordingStore

START = 1_700_000_000.0  # a wall clock, seconds since 1970


class Clocks:
    """A machine whose wall clock can be set, and which can be started again."""

    def __init__(self) -> None:
        self.wall, self.boot, self.since_boot = START, "first", 100.0

    def __call__(self) -> tuple[float, str, float]:
        return self.wall, self.boot, self.since_boot

    def pass_days(self, days: float) -> None:
        self.wall += days * DAY_SECONDS
        self.since_boot += days * DAY_SECONDS

    def restart(self) -> None:
        self.boot, self.since_boot = self.boot + "+", 5.0


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def recorded(folder: Path, clocks: Clocks, days: float = 7.0) -> str:
    store = RecordingStore(folder, clocks)
    return store.record(ArraySource(demo(), 16000), 1.0, days, "A. Person")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"clock.json"}


def test_what_is_recorded_is_what_was_heard_and_for_its_owner_alone(tmp_path, clocks) -> None:
    folder = tmp_path / "store"
    name = recorded(folder, clocks)
    with wave.open(str(folder / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    np.testing.assert_array_equal(samples, demo()[:16000])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    (kept,) = RecordingStore(folder, clocks).recordings().values()
    assert kept.consent_given_by == "A. Person"
    assert "7 days" in kept.consent_text


def test_it_is_deleted_when_its_time_is_over_and_not_before(tmp_path, clocks) -> None:
    name = recorded(tmp_path, clocks)
    clocks.pass_days(6.99)
    assert list(RecordingStore(tmp_path, clocks).recordings()) == [name]
    clocks.pass_days(0.02)
    store = RecordingStore(tmp_path, clocks)
    assert (store.deleted, names(tmp_path)) == ((name,), set())


@pytest.mark.parametrize("back", [1.0, 30.0, 10_000.0])
def test_setting_the_clock_back_delays_nothing(tmp_path, clocks, back) -> None:
    recorded(tmp_path, clocks)
    clocks.pass_days(3)
    clocks.wall -= back * DAY_SECONDS  # and nobody looks at the store before the time is over
    clocks.pass_days(4.01)
    assert RecordingStore(tmp_path, clocks).deleted


def test_a_board_that_forgets_the_time_at_each_start_deletes_nevertheless(tmp_path, clocks) -> None:
    recorded(tmp_path, clocks)
    for _ in range(8):
        clocks.restart()
        clocks.wall = 0.0  # no battery behind its clock
        RecordingStore(tmp_path, clocks)
        clocks.pass_days(0.95)
        store = RecordingStore(tmp_path, clocks)
    assert names(tmp_path) == set()
    assert store.recordings() == {}


def test_a_recording_from_a_clock_that_ran_ahead_is_deleted_in_time(tmp_path, clocks) -> None:
    clocks.wall += 1000 * DAY_SECONDS
    recorded(tmp_path, clocks)
    clocks.wall -= 1000 * DAY_SECONDS
    clocks.pass_days(7.01)
    assert RecordingStore(tmp_path, clocks).deleted


def test_setting_the_clock_ahead_may_delete_sooner_but_never_later(tmp_path, clocks) -> None:
    recorded(tmp_path, clocks)
    clocks.wall += 8 * DAY_SECONDS
    assert RecordingStore(tmp_path, clocks).deleted


def test_what_is_cut_short_is_described_and_expires(tmp_path, clocks) -> None:
    class Dies(ArraySource):
        def read(self) -> Block | None:
            if self._position > 5000:
                raise SystemError("killed")
            return super().read()

    store = RecordingStore(tmp_path, clocks)
    with pytest.raises(SystemError):
        store.record(Dies(demo(), 16000), 10.0, 1.0, "A. Person")
    assert names(tmp_path) == {f"{store.latest}.json", f"{store.latest}.wav"}
    clocks.pass_days(1.01)
    assert RecordingStore(tmp_path, clocks).deleted == (store.latest,)


def test_what_nobody_is_known_to_have_agreed_to_is_deleted_at_once(tmp_path, clocks) -> None:
    name = recorded(tmp_path, clocks)
    (tmp_path / f"{name}.json").write_text("{}")
    assert RecordingStore(tmp_path, clocks).deleted == (name,)
    assert names(tmp_path) == set()


def test_consent_can_be_taken_back(tmp_path, clocks) -> None:
    one, other = recorded(tmp_path, clocks), recorded(tmp_path, clocks)
    store = RecordingStore(tmp_path, clocks)
    store.delete(one)
    assert list(store.recordings()) == [other]
    for unknown in (one, f"../{tmp_path.name}/{other}", "clock"):
        with pytest.raises(SettingsError, match="no recording"):
            store.delete(unknown)


@pytest.mark.parametrize(
    ("seconds", "days", "name"),
    [
        (0.0, 7.0, "A"),
        (4000.0, 7.0, "A"),
        (float("nan"), 7.0, "A"),
        (1.0, 0.0, "A"),
        (1.0, 1e9, "A"),
        (1.0, float("inf"), "A"),
        (1.0, 7.0, " "),
    ],
)
def test_nothing_is_recorded_without_consent_or_without_an_end(tmp_path, clocks, seconds, days, name) -> None:
    folder = tmp_path / "store"
    with pytest.raises(SettingsError):
        RecordingStore(folder, clocks).record(ArraySource(demo(), 16000), seconds, days, name)
    assert not folder.exists()


def test_lost_audio_is_silence_and_a_lost_microphone_is_the_end(tmp_path, clocks) -> None:
    class Gaps(ArraySource):
        def __init__(self) -> None:
            self.name, self.sample_rate = "gaps", 16000
            ones = np.ones(1600, np.int16)
            self.blocks = [Block(ones), Block(ones, lost=800), Block(ones[:0], lost=9, away=True), Block(ones)]

        def read(self) -> Block | None:
            return self.blocks.pop(0)

    name = RecordingStore(tmp_path, clocks).record(Gaps(), 5.0, 1.0, "A. Person")
    with wave.open(str(tmp_path / f"{name}.wav")) as file:
        samples = np.frombuffer(file.readframes(99999), "<i2")
    assert samples.tolist() == [1] * 1600 + [0] * 800 + [1] * 1600
