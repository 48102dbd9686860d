"""What a person installs: small, quick to import, complete, and each dependency with a reason."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from benchmarks.footprint import build_wheel

REPOSITORY = Path(__file__).parent.parent
PYPROJECT = REPOSITORY / "pyproject.toml"

HEAVY = {"tensorflow", "tf_keras", "sounddevice", "matplotlib", "soundfile", "soxr", "scipy", "convert", "uvicorn"}
RUNTIMES = {"tflite_runtime", "ai_edge_litert"}
CARRIED = {
    "edge_ser/py.typed",
    "edge_ser/features/tables.bin",
    "edge_ser/models/default.tflite",
    "edge_ser/recordings/demo.wav",
    "edge_ser/json_lines/v1.schema.json",
    "edge_ser/integrations/page/static/index.html",
    "edge_ser/integrations/page/static/page.css",
    "edge_ser/integrations/page/static/page.js",
}
MAX_WHEEL_BYTES = 1_000_000


def imported_by(statement: str) -> set[str]:
    """Return the top-level packages that a statement loads in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    names = re.findall(r"^import time:[ \d|]+\|\s*([\w.]+)$", done.stderr, flags=re.MULTILINE)
    return {name.split(".")[0] for name in names}


def test_import_edge_ser_loads_nothing_that_is_not_needed_yet() -> None:
    imported = imported_by("import edge_ser")
    assert "edge_ser" in imported
    assert not imported & (HEAVY | RUNTIMES)


def test_import_check_would_notice() -> None:
    assert {"numpy", "json"} <= imported_by("import numpy.linalg, json.decoder")


def test_every_public_name_can_be_imported() -> None:
    import edge_ser

    for name in edge_ser.__all__:
        assert getattr(edge_ser, name) is not None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    path = build_wheel(tmp_path_factory.mktemp("wheel"))
    assert path.name.endswith("-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_wheel_carries_the_student_the_tables_and_the_recording(wheel: zipfile.ZipFile) -> None:
    assert set(wheel.namelist()) >= CARRIED
    for name in CARRIED:
        assert wheel.read(name) == (REPOSITORY / name).read_bytes()


def test_wheel_carries_every_module_of_the_board(wheel: zipfile.ZipFile) -> None:
    modules = {
        path.relative_to(REPOSITORY).as_posix()
        for folder in ("edge_ser", "benchmarks")
        for path in (REPOSITORY / folder).rglob("*.py")
    }
    assert set(wheel.namelist()) >= modules
    assert not [name for name in wheel.namelist() if name.startswith("convert/")]  # TensorFlow's part, no board's


def test_the_workshop_is_packed_whole_and_fits_this_version() -> None:
    workshop = tomllib.loads((REPOSITORY / "convert" / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {path.parent.relative_to(REPOSITORY) for path in (REPOSITORY / "convert").rglob("*.py")}
    assert set(workshop["tool"]["setuptools"]["packages"]) == {".".join(folder.parts) for folder in folders}
    version = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
    assert workshop["project"]["version"] == version
    assert workshop["project"]["dependencies"] == [f"edge-ser[convert]=={version}"]


def test_wheel_is_small(wheel: zipfile.ZipFile) -> None:
    assert wheel.filename is not None
    assert Path(wheel.filename).stat().st_size <= MAX_WHEEL_BYTES


def test_wheel_carries_no_tests_and_states_its_licence(wheel: zipfile.ZipFile) -> None:
    assert not [name for name in wheel.namelist() if name.startswith(("tests/", "build/", "examples/"))]
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    assert "License-Expression: Apache-2.0" in wheel.read(metadata).decode()
    assert [name for name in wheel.namelist() if name.endswith("licenses/LICENSE")]


@pytest.mark.parametrize("command", ["edge-ser", "edge-ser-convert", "edge-ser-bench"])
def test_console_command_starts(command: str) -> None:
    path = Path(sysconfig.get_path("scripts")) / command
    if not path.exists():
        pytest.skip("edge-ser is not installed in this environment: pip install -e .")
    done = subprocess.run([path, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"usage: {command}" in done.stdout


def test_every_dependency_has_its_reason_in_a_comment() -> None:
    lines = PYPROJECT.read_text(encoding="utf-8").splitlines()
    requirement = re.compile(r'\s+"[\w-]+[><=]')
    found = 0
    for before, line in pairwise(lines):
        if requirement.match(line):
            found += 1
            shared = '"numpy' in line and '"numpy' in before  # the two lines of NumPy have one reason
            assert "#" in line or before.strip().startswith("#") or shared, f"no reason given: {line.strip()}"
    assert found >= 20
