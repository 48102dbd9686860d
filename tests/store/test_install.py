"""Models in the field: the installed one is used, a broken one is passed over, there is always one to go back to."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from store.models import identity, write_version

from edge_ser import Recognizer
from edge_ser.cli.main import main
from edge_ser.errors import EdgeSerError, ModelFileError, SettingsError
from edge_ser.settings import Settings
from edge_ser.store import install as store
from edge_ser.store.choose import choose_model
from edge_ser.store.folder import STATE, changing, folder, identities, path_of, read_state
from edge_ser.student.model_file import BUNDLED


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the other process where it is not what is tested: that is in `test_trial`."""
    monkeypatch.setattr(store, "try_out", lambda path, backend=None: None)


def version_in_use() -> str:
    return choose_model(Settings()).model.metadata.version


def test_an_installed_model_comes_before_the_shipped_one_and_after_a_named_one(tmp_path: Path) -> None:
    assert choose_model(Settings()).origin == "shipped"
    done = store.install(write_version(tmp_path, "1.0.0"))
    assert (done.signer, done.signature, done.removed) == (None, "not signed", ())
    assert choose_model(Settings()).origin == "installed"
    assert Recognizer().model.metadata.version == "1.0.0"
    assert choose_model(Settings(model=str(BUNDLED))).origin == "named"
    assert Recognizer(BUNDLED).model.metadata.version != "1.0.0"


@pytest.mark.usefixtures("untried")
def test_going_back_goes_through_what_was_used_and_ends_with_the_shipped_one(tmp_path: Path) -> None:
    for version in ("1.0.0", "2.0.0"):
        store.install(write_version(tmp_path, version))
    assert version_in_use() == "2.0.0"
    store.rollback()
    assert version_in_use() == "1.0.0"
    assert store.rollback() == "shipped"
    assert choose_model(Settings()).origin == "shipped"
    with pytest.raises(SettingsError, match="nothing to go back from"):
        store.rollback()
    store.use(identity(tmp_path / "2.0.0.tflite")[:6])  # it was kept
    assert version_in_use() == "2.0.0"
    assert store.use("shipped") == "shipped"
    assert choose_model(Settings()).origin == "shipped"
    store.rollback()
    assert version_in_use() == "2.0.0"


@pytest.mark.usefixtures("untried")
def test_the_last_models_are_kept_and_no_more(tmp_path: Path) -> None:
    files = [write_version(tmp_path, f"{number}.0.0") for number in range(5)]
    for file in files:
        done = store.install(file, keep=2)
    assert identities() == sorted(map(identity, files[-2:]))
    assert done.removed == (identity(files[-3]),)
    store.rollback()
    store.install(files[0], keep=2)  # what was gone back from is not kept
    assert identities() == sorted([identity(files[-2]), identity(files[0])])
    store.use("shipped")  # counts as none
    store.install(files[1], keep=2)
    assert identities() == sorted(map(identity, files[:2]))
    with pytest.raises(SettingsError, match="keep is 1"):
        store.install(files[0], keep=1)


@pytest.mark.usefixtures("untried")
def test_removing_the_one_in_use_uses_the_one_before(tmp_path: Path) -> None:
    files = [write_version(tmp_path, version) for version in ("1.0.0", "2.0.0")]
    for file in files:
        store.install(file)
    store.remove(identity(files[1]))
    assert version_in_use() == "1.0.0"
    assert identities() == [identity(files[0])]
    for which, problem in (("shipped", "cannot be removed"), ("", "no installed"), ("../../etc", "no installed")):
        with pytest.raises(SettingsError, match=problem):
            store.remove(which)


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("damage", ["flipped", "missing", "another"])
def test_a_broken_model_is_passed_over_and_told(damage: str, tmp_path: Path) -> None:
    files = [write_version(tmp_path, version) for version in ("1.0.0", "2.0.0")]
    for file in files:
        store.install(file)
    broken = path_of(identity(files[1]))
    if damage == "missing":
        broken.unlink()
    elif damage == "another":  # whole, but not the one that was checked
        broken.write_bytes(BUNDLED.read_bytes())
    else:
        content = bytearray(broken.read_bytes())
        content[1000] ^= 1
        broken.write_bytes(content)
    recognizer = Recognizer()
    assert recognizer.model.metadata.version == "1.0.0"
    assert broken.stem[:12] in recognizer.passed_over[0]
    for _ in range(2):  # each stream says so, once
        events = recognizer.recognize(np.zeros(16000, np.int16), 16000).timeline
        assert [event.notices for event in events] == [("model_fallback",), *[()] * (len(events) - 1)]
    path_of(identity(files[0])).unlink()
    assert choose_model(Settings()).origin == "shipped"
    store.install(files[1])  # mends it
    assert (version_in_use(), choose_model(Settings()).passed_over) == ("2.0.0", ())


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize(
    "state",
    [
        b"", b"\xff", b"[]", b"[" * 90_000, b'{"format": 2}', b'{"used": ["../../../etc/passwd"], "format": 1}',
        b'{"used": ["A"], "format": 1}', b'{"format": 1, "used": [], "more": 1}', b" " * 200_000 + b"{}",
    ],
)  # fmt: skip
def test_a_damaged_state_leaves_the_shipped_model_and_the_next_install_mends_it(state: bytes, tmp_path: Path) -> None:
    store.install(write_version(tmp_path, "1.0.0"))
    (folder() / STATE).write_bytes(state)
    choice = choose_model(Settings())
    assert choice.origin == "shipped"
    assert "Which model is in use cannot be read" in choice.passed_over[0]
    store.install(write_version(tmp_path, "2.0.0"))
    assert version_in_use() == "2.0.0"
    assert not choose_model(Settings()).passed_over


@pytest.mark.usefixtures("untried")
def test_two_that_install_at_once_take_turns(tmp_path: Path) -> None:
    files = [write_version(tmp_path, f"{number}.0.0") for number in range(4)]
    threads = [threading.Thread(target=store.install, args=(file,), kwargs={"keep": 4}) for file in files]
    with changing():
        for thread in threads:
            thread.start()
        threads[0].join(0.1)
        assert identities() == []  # they wait
    for thread in threads:
        thread.join()
    assert sorted(read_state().used) == identities() == sorted(map(identity, files))


def test_a_folder_that_cannot_be_written_is_an_error_with_a_cure(tmp_path: Path, data_home: Path) -> None:
    data_home.write_text("a file where the folder should be")
    with pytest.raises(EdgeSerError, match="cannot be changed"):
        store.install(write_version(tmp_path, "1.0.0"))
    assert choose_model(Settings()).origin == "shipped"


def test_a_user_without_a_home_has_the_shipped_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # a container's, that is in no list of users
    choice = choose_model(Settings())
    assert (choice.origin, choice.passed_over) == ("shipped", ())
    with pytest.raises(SettingsError, match="Set XDG_DATA_HOME"):
        store.install(write_version(tmp_path, "1.0.0"))


def test_commands_show_what_is_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_version(tmp_path, "1.0.0")
    assert main(["model", "install", str(file)]) == 0
    assert capsys.readouterr().out == f"default 1.0.0 ({identity(file)[:12]}) is in use; not signed\n"
    assert main(["config"]) == 0
    assert f"model in use: default 1.0.0 (installed, {path_of(identity(file))})" in capsys.readouterr().out
    assert main(["model", "show"]) == 0
    assert "1.0.0" in capsys.readouterr().out
    assert main(["model", "list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["version"], row["in_use"]) for row in rows][:1] == [("1.0.0", True)]
    assert [row["identity"] for row in rows] == [identity(file), "shipped"]
    main(["doctor", "--no-record"])
    assert "1.0.0 (installed) is whole" in " ".join(capsys.readouterr().out.split())
    path_of(identity(file)).write_bytes(b"")
    main(["doctor", "--no-record"])
    assert "(shipped) is whole" in " ".join(capsys.readouterr().out.split())
    assert main(["model", "list"]) == 0
    out, error = capsys.readouterr()
    assert "* shipped" in out
    assert "is passed over" in error
    assert main(["model", "remove", identity(file)[:8]]) == 0
    assert main(["model", "rollback"]) == 2
    assert main(["model", "use", "shipped"]) == 0
    assert "(shipped, " in capsys.readouterr().out


@pytest.mark.usefixtures("untried")
def test_names_in_a_model_reach_neither_the_terminal_nor_a_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data_home: Path
) -> None:
    file = write_version(tmp_path, "1")
    hostile = write_hostile_name(file)
    assert main(["model", "install", str(hostile)]) == 0
    for action in (["list"], ["show"], ["show", "--card"]):
        assert main(["model", *action]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert {path.name for path in data_home.rglob("*")} == {
        "edge-ser", "models", ".lock", STATE, f"{identity(hostile)}.tflite",
    }  # fmt: skip


def write_hostile_name(file: Path) -> Path:
    from dataclasses import replace

    from edge_ser.student.model_file import ModelFile

    model = ModelFile.load(file)
    metadata = replace(model.metadata, name="../../../tmp/x\x1b[2J", version="/etc/passwd\x00\x9b2J")
    replace(model, metadata=metadata, card="# \x1b]0;title\x07").write(file)
    return file


def test_what_is_named_must_be_whole(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        choose_model(Settings(model=str(tmp_path / "missing")))
