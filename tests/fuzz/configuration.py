"""The configuration file, TOML: `edge_ser.configuration` and what it is made of."""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path

from edge_ser import configuration
from edge_ser.errors import SettingsError
from edge_ser.setting_values import example_of

MAX_BYTES = 2560
# A file in memory: a disk would be what is measured.
MEMORY = Path("/dev/shm")
FILE = (MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())) / f"edge-ser-fuzz-{os.getpid()}.toml"
atexit.register(FILE.unlink, missing_ok=True)


def check(data: bytes) -> None:
    """A file is refused, or gives settings that written as a file give the same settings."""
    FILE.write_bytes(data)
    try:
        found = configuration.load(FILE, environment={})
    except SettingsError:
        return
    FILE.write_text(found.to_toml(), encoding="utf-8")
    assert configuration.load(FILE, environment={}).settings == found.settings, "written as a file they differ"


def seeds() -> list[bytes]:
    """Return a file of each setting, one of all, and some TOML that is unusual."""
    lines = [f"{name} = {example_of(declared)}" for name, declared in configuration.fields().items()]
    unusual = [
        "half_life_seconds = inf",
        "[table]\nthreads = 1",
        "threads = 0x10",
        "a.b = [1, {c = 1979-05-27}]",
        "'' = ''",
        'speaker = """\n\\u00e4"""',
        "hysteresis = 1e-3",
        "coverage = nan",
        "threads = 99999999999999999999",
        f"hysteresis = 1{400 * '0'}",
        f"speaker = {2000 * '['}",
    ]
    return [line.encode() for line in (*lines, *unusual, "\n".join(lines))]


WORDS = (b"true", b"inf", b"nan", b'"""', b"[[", b"'''", b" = ")
DICTIONARY = (*(name.encode() for name in configuration.fields()), *WORDS)
