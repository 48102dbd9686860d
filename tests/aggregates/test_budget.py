"""What was spent is spent: over restarts, power cuts, clocks that go back, and several processes at once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_ser.aggregates.budget import MICRO, Budget
from edge_ser.errors import SettingsError

REPOSITORY = Path(__file__).parents[2]
NEGATIVE = '{"format": 1, "last_hour": 1, "today_micro": -5, "total_micro": 0}'
HOUR = 480_000  # hours since 1970, the first of a day

KILLED_AFTER_PAYING = """
import os, signal, sys
from pathlib import Path
from edge_ser.aggregates.budget import Budget
from edge_ser.cli import aggregate

def noise(exact):
    os.kill(os.getpid(), signal.SIGKILL)

budget = Budget(Path(sys.argv[1]), 1.0)
aggregate._release(int(sys.argv[2]), {"happy": 3}, budget, noise, {"epsilon": 0.5})
"""

KILLED_WHILE_PAYING = """
import os, signal, sys
from pathlib import Path
from edge_ser.aggregates.budget import Budget

def killing(name, number):
    function = getattr(os, name)
    def killed(*arguments):
        nonlocal number
        number -= 1
        if number < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)
    return killed

name, number = sys.argv[3], int(sys.argv[4])
setattr(os, name, killing(name, number))
Budget(Path(sys.argv[1]), 1.0).pay(int(sys.argv[2]), 0.25)
"""


def spent(path: Path) -> tuple[int, float, float]:
    found = Budget(path, 1.0).spent()
    return found.last_hour, found.today_micro / MICRO, found.total_micro / MICRO


def run_killed(code: str, *arguments: object) -> None:
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], cwd=REPOSITORY, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == b""  # nothing was released


def test_epsilons_add_up_exactly_and_end_at_the_budget(tmp_path) -> None:
    path = tmp_path / "budget.json"
    paid = [Budget(path, 1.0).pay(HOUR + hour, 0.1) for hour in range(24)]  # each as after a restart
    assert paid == [True] * 10 + [False] * 14  # ten times 0.1 in floating point is less than 1
    assert spent(path) == (HOUR + 9, 1.0, 1.0)
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_day_has_its_own_budget_and_the_sum_goes_on(tmp_path) -> None:
    budget = Budget(tmp_path / "budget.json", 1.0)
    assert [budget.pay(HOUR + 23, 1.0), budget.pay(HOUR + 24, 1.0), budget.pay(HOUR + 25, 1.0)] == [True, True, False]
    assert spent(tmp_path / "budget.json") == (HOUR + 24, 1.0, 2.0)


def test_no_hour_is_paid_for_twice_and_none_that_lies_before(tmp_path) -> None:
    budget = Budget(tmp_path / "budget.json", 10.0)
    assert budget.pay(HOUR, 0.5)
    for hour in (HOUR, HOUR - 1, HOUR - 24, 0):
        assert not budget.pay(hour, 0.5)
    assert spent(tmp_path / "budget.json")[2] == 0.5


def test_who_is_killed_between_paying_and_releasing_has_paid_for_nothing(tmp_path) -> None:
    path = tmp_path / "budget.json"
    run_killed(KILLED_AFTER_PAYING, path, HOUR)
    assert spent(path) == (HOUR, 0.5, 0.5)
    assert not Budget(path, 1.0).pay(HOUR, 0.5)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(("call", "number"), [("open", 1), ("fsync", 0), ("replace", 0), ("open", 2), ("fsync", 1)])
def test_a_power_cut_while_paying_leaves_what_was_or_what_is_paid(tmp_path, call, number, before) -> None:
    path = tmp_path / "budget.json"
    if before:
        Budget(path, 1.0).pay(HOUR, 0.5)
    run_killed(KILLED_WHILE_PAYING, path, HOUR + 1, call, number)
    nothing_paid = (HOUR, 0.5, 0.5) if before else (-1, 0.0, 0.0)
    assert spent(path) in (nothing_paid, (HOUR + 1, nothing_paid[1] + 0.25, nothing_paid[2] + 0.25))
    assert Budget(path, 1.0).pay(HOUR + 2, 0.25)


def test_processes_that_pay_at_once_pay_once_an_hour(tmp_path) -> None:
    path = tmp_path / "budget.json"
    with ThreadPoolExecutor(8) as pool:
        paid = list(pool.map(lambda turn: Budget(path, 1.0).pay(HOUR + turn // 8, 0.25), range(32)))
    assert sum(paid) == spent(path)[2] / 0.25 <= 4


@pytest.mark.parametrize("content", ["", "{}", "not JSON", NEGATIVE])
def test_a_damaged_file_is_not_taken_for_an_empty_one(tmp_path, content) -> None:
    path = tmp_path / "budget.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"budget\.json"):
        Budget(path, 1.0).pay(HOUR, 0.5)
    assert path.read_text() == content


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan"), float("inf"), 0.0000001, 1e9])
def test_an_impossible_epsilon_is_refused(tmp_path, epsilon) -> None:
    with pytest.raises(SettingsError, match="epsilon"):
        Budget(tmp_path / "budget.json", 1.0).pay(HOUR, epsilon)
    assert not (tmp_path / "budget.json").exists()


def test_the_file_is_what_its_dataclass_says(tmp_path) -> None:
    Budget(tmp_path / "budget.json", 1.0).pay(HOUR, 0.5)
    assert json.loads((tmp_path / "budget.json").read_text()) == {
        "format": 1, "last_hour": HOUR, "today_micro": 500_000, "total_micro": 500_000
    }  # fmt: skip
