"""The board as its files describe it, and no guess where they do not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge_ser.doctor import board
from edge_ser.doctor.finding import Finding

PI_4 = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/loadavg": "0.31 0.20 0.10 1/123 4567\n",
    "proc/meminfo": "MemTotal:        3884096 kB\nMemFree:          120000 kB\nMemAvailable:    3000000 kB\n",
    "proc/self/cgroup": "0::/user.slice/user-1000.slice/session-1.scope\n",
    board.GOVERNOR: "ondemand\n",
    board.DRIVER: "cpufreq-dt\n",
    board.THROTTLED: "0\n",
    "sys/class/thermal/thermal_zone0/temp": "51121\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, PI_4)
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)


def test_a_healthy_raspberry_pi_is_fine(root: Path) -> None:
    assert board.processor(root).found.startswith("Raspberry Pi 4 Model B Rev 1.4, ")
    assert board.processor(root).found.endswith("load 0.31")
    assert board.governor(root) == Finding("ok", "governor", "ondemand")
    assert board.temperature(root) == Finding("ok", "temperature", "51 C")
    assert board.throttling(root) == Finding("ok", "throttling", "none since it was started")
    assert board.memory(root) == Finding("ok", "memory", "3072 of 3977 MB free")
    assert board.service(root, {}).status == "ok"


def test_where_there_is_nothing_to_read_it_says_so_and_fails_nothing(tmp_path: Path) -> None:
    for check in (board.governor, board.temperature, board.throttling, board.memory):
        assert (check(tmp_path).status, check(tmp_path).found) == ("unknown", "not readable here")
    assert board.processor(tmp_path).status == "ok"
    assert board.service(tmp_path, {}).status == "ok"


@pytest.mark.parametrize("content", ["", "nonsense", "\xff\0"])
def test_files_that_hold_nonsense_are_not_readable(root: Path, content: str) -> None:
    for path in (board.THROTTLED, "proc/meminfo", "sys/class/thermal/thermal_zone0/temp"):
        (root / path).write_text(content)
    for check in (board.temperature, board.throttling, board.memory):
        assert check(root).status == "unknown"


def test_a_governor_that_stays_slow_is_named_with_the_command(root: Path) -> None:
    write(root, {board.GOVERNOR: "powersave\n"})
    finding = board.governor(root)
    assert finding.status == "warn"
    assert "performance | sudo tee" in finding.cure
    write(root, {board.DRIVER: "intel_pstate\n"})  # there it is the usual one, and goes up to full speed
    assert board.governor(root).status == "ok"


def test_the_hottest_plausible_sensor_counts(root: Path) -> None:
    write(root, {"sys/class/thermal/thermal_zone1/temp": "82000", "sys/class/thermal/thermal_zone2/temp": "999000"})
    finding = board.temperature(root)
    assert finding.status == "warn"
    assert finding.found.startswith("82 C")


@pytest.mark.parametrize(
    ("flags", "found", "cure"),
    [
        ("50005", "now: under-voltage, throttled; since it was started: under-voltage, throttled", "power supply"),
        ("0x80008", "now: close to the temperature limit; since it was started: close to the", "heat sink"),
        ("40000", "since it was started: throttled", "heat sink"),
        ("throttled=0x10000", "since it was started: under-voltage", "power supply"),
    ],
)
def test_throttling_is_told_with_its_reason(root: Path, flags: str, found: str, cure: str) -> None:
    write(root, {board.THROTTLED: f"{flags}\n"})
    finding = board.throttling(root)
    assert finding.status == "warn"
    assert finding.found.startswith(found)
    assert cure in finding.cure


def test_little_memory_is_told(root: Path) -> None:
    write(root, {"proc/meminfo": "MemTotal: 437000 kB\nMemAvailable: 60000 kB\n"})
    assert board.memory(root).status == "warn"


def test_a_clock_that_was_never_set_is_told() -> None:
    assert board.clock(now=0.0).status == "warn"
    assert "timedatectl" in board.clock(now=0.0).cure
    assert board.clock(now=time.time() + 1).status == "ok"


def test_a_service_without_a_session_is_told_what_it_lacks(root: Path) -> None:
    write(root, {"proc/self/cgroup": "0::/system.slice/edge-ser.service\n"})
    finding = board.service(root, {})
    assert finding.status == "warn"
    assert finding.found.startswith("run by edge-ser.service as ")
    assert "SupplementaryGroups=audio" in finding.cure
    assert board.service(root, {"XDG_RUNTIME_DIR": "/run/user/1000"}).status == "ok"
