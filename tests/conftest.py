"""Fixtures every test may use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from virtual_microphone import VirtualMicrophone
from virtual_microphone import virtual_microphone as start_virtual_microphone

# What the tests see must not depend on configuration and models of who runs them; child processes inherit it.
os.environ["EDGE_SER_CONFIG"] = os.devnull
os.environ["XDG_DATA_HOME"] = "/nonexistent"

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Folder of real corpora; the test is skipped, visibly, where there is none."""
    folder = Path(os.environ.get("EDGE_SER_CORPORA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}: set EDGE_SER_CORPORA to the folder that holds ravdess, emodb, ...")
    return folder


@pytest.fixture
def virtual_microphone() -> Callable[..., AbstractContextManager[VirtualMicrophone]]:
    """Start a microphone without hardware: `with virtual_microphone(sample_rate, channels) as microphone`."""
    if not shutil.which("pulseaudio") or not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        pytest.skip("no virtual microphone: apt-get install pulseaudio libasound2-plugins libportaudio2")
    return start_virtual_microphone
