"""Fixtures of the tests of integrations."""

from __future__ import annotations

import ctypes.util
import os
import shutil

import pytest


@pytest.fixture
def systemd_analyze() -> str:
    """The program that judges units; the test is skipped, visibly, without it."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze: apt-get install systemd")
    return program


@pytest.fixture
def can_confine(systemd_analyze: str) -> None:
    """Skip, visibly, where a unit's confinement cannot be had."""
    if os.geteuid() != 0 or ctypes.util.find_library("seccomp") is None:
        pytest.skip("a unit's confinement needs root and libseccomp2")
