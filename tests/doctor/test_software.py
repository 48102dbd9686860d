"""Versions, tables, model and runtimes: what is whole is fine, and what is not is named with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_ser.doctor import runtimes, software
from edge_ser.errors import BackendError
from edge_ser.features.tables import TABLES_PATH
from edge_ser.settings import Settings
from edge_ser.student import backend
from edge_ser.student.backend import BACKENDS, PACKAGES, installed_backends
from edge_ser.student.model_file import BUNDLED, ModelFile

MODEL = ModelFile.load_bundled()


@pytest.fixture(autouse=True)
def _nothing_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(backend.BACKEND_VARIABLE, raising=False)


def damaged(source: str | Path, folder: Path) -> Path:
    content = bytearray(Path(source).read_bytes())
    content[len(content) // 2] ^= 1
    path = folder / "damaged"
    path.write_bytes(content)
    return path


def test_this_installation_is_fine() -> None:
    assert software.python().status == software.numpy().status == software.tables().status == "ok"
    finding, model = software.model(Settings())
    assert (finding.status, model is not None) == ("ok", True)
    assert MODEL.metadata.tflite_sha256[:12] in finding.found


@pytest.mark.parametrize(("version", "status"), [((3, 9, 2), "warn"), ((3, 10, 0), "ok"), ((3, 14, 0), "warn")])
def test_a_python_that_nobody_tested_is_told(version: tuple[int, ...], status: str) -> None:
    assert software.python(version).status == status


@pytest.mark.parametrize(("version", "status"), [("1.19.5", "fail"), ("1.24.0", "ok"), ("2.5.0.dev0", "ok")])
def test_a_numpy_that_is_too_old_is_told(version: str, status: str) -> None:
    assert software.numpy(version).status == status


def test_one_flipped_bit_in_the_tables_is_found(tmp_path: Path) -> None:
    path = damaged(TABLES_PATH, tmp_path)
    assert software.tables(str(path)).status == "fail"
    assert "damaged" in software.tables(str(path)).found
    assert software.tables(str(tmp_path / "missing")).status == "fail"


def test_one_flipped_bit_in_the_model_is_found(tmp_path: Path) -> None:
    finding, model = software.model(Settings(model=str(damaged(BUNDLED, tmp_path))))
    assert (finding.status, model) == ("fail", None)
    assert "damaged" in finding.found
    assert finding.cure


def test_each_installed_runtime_is_tried_and_one_is_in_use() -> None:
    findings = list(runtimes.runtimes(MODEL, Settings()))
    assert [finding.check for finding in findings] == [PACKAGES[name] for name in installed_backends()]
    assert {finding.status for finding in findings} == {"ok"}
    assert sum("not in use" not in finding.found for finding in findings) == 1


def test_a_runtime_that_is_asked_for_and_missing_is_told_with_the_command() -> None:
    missing = set(BACKENDS) - set(installed_backends())
    if not missing:
        pytest.skip("both runtimes are installed")
    name = missing.pop()
    first, *_ = runtimes.runtimes(MODEL, Settings(backend=name))  # type: ignore[arg-type]
    assert (first.status, first.cure) == ("fail", f"Run `pip install {PACKAGES[name]}`")
    assert runtimes.speed(MODEL, Settings(backend=name)).status == "unknown"  # type: ignore[arg-type]


def test_without_a_runtime_it_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "installed_backends", tuple)
    (finding,) = runtimes.runtimes(MODEL, Settings())
    assert finding.status == "fail"
    assert "pip install" in finding.cure


@pytest.mark.parametrize(("works", "status"), [(True, "warn"), (False, "fail")])
def test_a_broken_runtime_is_a_warning_beside_one_that_works_and_else_a_failure(
    works: bool, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = backend._build
    sound = installed_backends()[0] if works else None

    def only_one_works(name: str, tflite: bytes, threads: int) -> backend.Interpreter:
        if name != sound:
            raise ImportError("numpy.core.multiarray failed to import")
        return build(name, tflite, threads)

    monkeypatch.setattr(backend, "_build", only_one_works)
    monkeypatch.setattr(runtimes, "installed_backends", lambda: tuple(BACKENDS))
    findings = {finding.check: finding for finding in runtimes.runtimes(MODEL, Settings())}
    for name, package in PACKAGES.items():
        assert findings[package].status == ("ok" if name == sound else status)
        assert bool(findings[package].cure) is (name != sound)


def test_a_runtime_that_computes_wrongly_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: object) -> None:
        raise BackendError("The TFLite runtime computes wrongly here", "Install another version")

    monkeypatch.setattr(runtimes.Stepper, "self_test", wrong)
    assert {finding.status for finding in runtimes.runtimes(MODEL, Settings())} == {"fail"}


@pytest.mark.parametrize(
    ("milliseconds", "status"), [(1.0, "ok"), (39.0, "ok"), (41.0, "warn"), (79.0, "warn"), (81.0, "fail")]
)
def test_a_board_that_cannot_keep_up_is_told(milliseconds: float, status: str) -> None:
    assert runtimes.judged_speed([milliseconds / 1000] * 50, step_seconds=0.08).status == status


def test_the_speed_is_that_of_the_whole_way() -> None:
    finding = runtimes.speed(MODEL, Settings())
    assert finding.status in ("ok", "warn", "fail")  # a busy machine may be late
    assert "% of real time" in finding.found


@pytest.mark.parametrize(
    ("python", "machine", "bits", "expected"),
    [
        ((3, 13), "aarch64", 64, "ai-edge-litert"),
        ((3, 11), "armv7l", 32, "tflite-runtime"),
        ((3, 11), "aarch64", 32, "tflite-runtime"),  # a 32-bit system on a 64-bit kernel
        ((3, 13), "armv7l", 32, "64-bit system"),
    ],
)
def test_the_runtime_to_install_is_one_that_there_is(
    python: tuple[int, int], machine: str, bits: int, expected: str
) -> None:
    assert expected in runtimes.install_cure(python, machine, bits)
