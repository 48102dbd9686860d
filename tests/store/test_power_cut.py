"""Power may go at any moment: before each system call of an installation the process is killed, with a real SIGKILL.

What was killed never runs another instruction, so this shows every state that the folder goes through. That the disk
holds what was written before the next step relies on it, a kill cannot show: that is in the order of the calls.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from store.models import identity, write_version

from edge_ser.settings import Settings
from edge_ser.store import install as store
from edge_ser.store.choose import choose_model
from edge_ser.store.folder import INCOMING_MODEL, INCOMING_STATE, LOCK, STATE, folder, identities, path_of

REPOSITORY = Path(__file__).parents[2]
# Names differ between processors; `?` is for those that there are none of here.
CALLS = ("openat", "write", "fsync", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat")
CALL_SET = ",".join(f"?{name}" for name in CALLS)
KILLED = -9
# What is tried out is in `test_trial`; here it would be the same process many times over.
INSTALL = """
import sys
from edge_ser.store import install
install.try_out = lambda path, backend=None: None
install.install(sys.argv[1], keep=2)
"""

pytestmark = pytest.mark.usefixtures("untried", "strace")


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "try_out", lambda path, backend=None: None)


@pytest.fixture(scope="module")
def strace() -> None:
    if not shutil.which("strace"):
        pytest.skip("no strace: apt-get install strace")
    if subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here: ptrace is forbidden")


@pytest.fixture(params=["first", "update"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """A device with no model yet, and one where the next replaces the oldest of two; return the version in use."""
    if request.param == "first":
        return None
    for version in ("1.0.0", "2.0.0"):
        store.install(write_version(tmp_path, version), keep=2)
    return "2.0.0"


def traced(file: Path, log: Path, *options: str) -> int:
    """Install in another process under strace, only calls on the folder of models counted; return the exit status."""
    where = folder()
    names = (LOCK, INCOMING_MODEL, INCOMING_STATE, STATE, path_of(identity(file)).name)
    others = (path_of(name).name for name in identities())
    paths = [*(where / name for name in (*names, *others)), where, where.parent, where.parents[1], where.parents[2]]
    watched = [option for path in paths for option in ("-P", str(path))]
    command = ["strace", "-qq", "-y", "-o", str(log), "-e", f"trace={CALL_SET}", *options, *watched]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    command += [sys.executable, "-c", INSTALL, str(file)]
    return subprocess.run(command, env=environment, capture_output=True).returncode


def calls_of(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if re.match(r"\w+\(", line)]


def points_of(log: Path) -> list[tuple[str, int]]:
    """Return each call as its name and how many of that name there were, itself included: strace counts so."""
    counts: Counter[str] = Counter()
    points = []
    for call in calls_of(log):
        name = call.split("(")[0]
        counts[name] += 1
        points.append((name, counts[name]))
    return points


def version_in_use() -> str | None:
    choice = choose_model(Settings())
    assert not choice.passed_over  # nothing is broken, nothing is missing
    return None if choice.origin == "shipped" else choice.model.metadata.version


def test_killed_before_any_call_a_working_model_is_left_and_the_next_install_works(
    before: str | None, tmp_path: Path, data_home: Path
) -> None:
    file, log, kept = write_version(tmp_path, "3.0.0"), tmp_path / "log", tmp_path / "kept"
    restore = (lambda: shutil.copytree(kept, data_home)) if before else data_home.mkdir
    data_home.mkdir(exist_ok=True)
    shutil.copytree(data_home, kept)
    assert traced(file, log) == 0
    points = points_of(log)
    assert len(points) > 15, "the calls were not seen"
    found = []
    for name, number in points:
        shutil.rmtree(data_home)
        restore()
        assert traced(file, log, "-e", f"inject={name}:signal=KILL:when={number}") == KILLED, (name, number)
        found.append(version_in_use())
        store.install(file, keep=2)
        assert version_in_use() == "3.0.0"
        left = {path.name for path in folder().iterdir()}
        assert left == {LOCK, STATE, *(path_of(which).name for which in identities())}
        assert len(identities()) == (2 if before else 1)
    switch = found.index("3.0.0")  # once, and never back
    assert found == [before] * switch + ["3.0.0"] * (len(found) - switch)


def test_nothing_relies_on_what_is_not_on_the_disk_yet(before: str | None, tmp_path: Path, data_home: Path) -> None:
    data_home.mkdir(exist_ok=True)
    log = tmp_path / "log"
    assert traced(write_version(tmp_path, "3.0.0"), log) == 0
    unwritten: set[str] = set()  # files, by what only memory knows
    unnamed = False  # a rename or unlink of a model that only memory knows
    renamed = []
    for call in calls_of(log):
        name, path = call.split("(")[0], next(iter(re.findall(r'<(/[^>]*)>|"(/[^"]*)"', call.split("(", 1)[1])))
        file = path[0] or path[1]
        if name == "write":
            unwritten.add(file)
        elif name == "fsync":
            unwritten.discard(file)
            unnamed = unnamed and file != str(folder())
        elif name.startswith("rename"):
            assert file not in unwritten
            assert not unnamed  # the state names a model that is on the disk
            renamed.append(Path(file).name)
            unnamed = True
        elif name.startswith("unlink") and "= 0" in call:
            assert not unnamed  # and no model goes before the state does without it
    assert renamed == [INCOMING_MODEL, INCOMING_STATE]
    assert not unwritten


@pytest.mark.parametrize("before", ["update"], indirect=True)
def test_a_disk_that_fails_at_any_call_is_an_error_and_leaves_a_working_model(
    before: str, tmp_path: Path, data_home: Path
) -> None:
    file, log, kept = write_version(tmp_path, "3.0.0"), tmp_path / "log", tmp_path / "kept"
    shutil.copytree(data_home, kept)
    assert traced(file, log) == 0
    for name, number in points_of(log):
        if name not in ("write", "fsync", "rename"):
            continue
        shutil.rmtree(data_home)
        shutil.copytree(kept, data_home)
        assert traced(file, log, "-e", f"inject={name}:error=ENOSPC:when={number}") == 1, (name, number)
        assert version_in_use() in (before, "3.0.0")
        store.install(file, keep=2)
        assert version_in_use() == "3.0.0"
