"""What a report says of the machine that measured it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.energy import watts_of


def test_facts_name_the_processor_and_what_runs_on_it() -> None:
    facts = machine.machine_facts()
    assert facts["processor"]
    assert facts["cores"] == os.cpu_count()
    assert str(facts["python"]).startswith(f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert "tflite-runtime" in facts
    assert "throttling" in facts


def test_before_and_after_are_both_told() -> None:
    found = machine.before_and_after({"load": 1.0}, {"load": 2.0})
    assert found == {"load_before": 1.0, "load_after": 2.0}
    assert machine.loop_us() > 0


@pytest.mark.parametrize(
    ("bits", "said"),
    [
        ("throttled=0x0", "none"),
        ("throttled=0x4", "throttled"),
        ("throttled=0x20002", "frequency capped, frequency capping has occurred"),
    ],
)
def test_throttling_of_a_raspberry_pi_is_named(bits: str, said: str) -> None:
    assert machine.throttling_of(bits) == said


def test_a_raspberry_pi_is_asked_by_its_own_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.throttling() is None or Path("/usr/bin/vcgencmd").exists()
    program = tmp_path / "vcgencmd"
    program.write_text('#!/bin/sh\n[ "$1" = get_throttled ] && echo throttled=0x50005\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert subprocess.run(["vcgencmd", "get_throttled"], check=True, capture_output=True).stdout
    assert "under-voltage" in str(machine.throttling())


def test_power_is_summed_over_the_rails_that_have_both_current_and_voltage() -> None:
    told = "A_A current(0)=1.0A\nB_A current(1)=2.0A\nA_V volt(2)=3.0V\nB_V volt(3)=0.5V\nEXT5V_V volt(4)=5.1V"
    assert watts_of(told) == pytest.approx(4.0)
    assert watts_of("") is None
