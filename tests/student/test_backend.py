"""The runtime is chosen by what works, and where none does the error names the cure."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

from edge_ser.errors import BackendError
from edge_ser.student.backend import BACKEND_VARIABLE, BACKENDS, build_interpreter, installed_backends
from edge_ser.student.model_file import ModelFile


@pytest.fixture(autouse=True)
def _nothing_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BACKEND_VARIABLE, raising=False)


class Broken:
    """An interpreter as tflite-runtime's is beside NumPy 2: it can be imported, and that is all."""

    def __init__(self, **_: object) -> None:
        raise ImportError("numpy.core.multiarray failed to import")


def install_broken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(BACKENDS[name])
    module.Interpreter = Broken  # type: ignore[attr-defined]
    package = ModuleType(BACKENDS[name].split(".")[0])
    package.__spec__ = ModuleSpec(package.__name__, None)
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_a_runtime_is_installed() -> None:
    assert installed_backends()


@pytest.mark.parametrize("backend", installed_backends())
def test_each_installed_runtime_runs_the_student(model: ModelFile, backend: str) -> None:
    interpreter = build_interpreter(model.tflite, backend=backend)
    interpreter.invoke()
    assert type(interpreter).__module__ == BACKENDS[backend]


@pytest.mark.parametrize("backend", installed_backends())
def test_environment_variable_forces_a_runtime(model: ModelFile, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BACKEND_VARIABLE, backend)
    assert type(build_interpreter(model.tflite)).__module__ == BACKENDS[backend]


def test_unknown_runtime_is_refused(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BACKEND_VARIABLE, "torch")
    with pytest.raises(BackendError, match=r"'torch'.*EDGE_SER_BACKEND to litert or tflite"):
        build_interpreter(model.tflite)


def test_forced_runtime_that_is_missing_is_named(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = set(BACKENDS) - set(installed_backends())
    if not missing:
        pytest.skip("both runtimes are installed")
    with pytest.raises(BackendError, match=r"not installed.*pip install ai-edge-litert"):
        build_interpreter(model.tflite, backend=missing.pop())


def test_tflite_runtime_beside_numpy_2_is_named(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    install_broken("tflite", monkeypatch)
    monkeypatch.setattr(np, "__version__", "2.1.0")
    with pytest.raises(BackendError, match=r"tflite-runtime: needs NumPy 1, found 2\.1\.0"):
        build_interpreter(model.tflite, backend="tflite")


def test_runtime_that_imports_and_then_fails_is_passed_over(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    works = installed_backends()[-1]
    for name in BACKENDS:
        if name != works:
            install_broken(name, monkeypatch)
    assert type(build_interpreter(model.tflite)).__module__ == BACKENDS[works]


def test_damaged_network_is_one_line_of_reason() -> None:
    with pytest.raises(BackendError) as caught:
        build_interpreter(b"\x1c\0\0\0TFL3" + bytes(40))
    assert "\n" not in str(caught.value)


def test_nothing_is_written_to_standard_error() -> None:
    script = (
        "from edge_ser.student.model_file import ModelFile as M; from edge_ser.student.stepper import Stepper as S\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script + "S(M.load_bundled()).self_test()"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
