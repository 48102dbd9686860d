"""The TFLite runtime: ai-edge-litert where it works, else tflite-runtime.

Neither is imported before an interpreter is asked for, and a runtime counts as working only once it has built one:
tflite-runtime beside NumPy 2 can be imported, and fails there.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_ser.errors import BackendError

BACKENDS: Mapping[str, str] = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}
"""Module by name, in order of preference."""

PACKAGES: Mapping[str, str] = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}

BACKEND_VARIABLE = "EDGE_SER_BACKEND"
"""Environment variable that forces one of `BACKENDS`."""

_INSTALL = "Install one that suits this Python and NumPy: pip install ai-edge-litert"


class Interpreter(Protocol):
    """What both runtimes have in common."""

    def allocate_tensors(self) -> None: ...  # noqa: D102
    def invoke(self) -> None: ...  # noqa: D102
    def get_tensor(self, tensor_index: int) -> NDArray[Any]: ...  # noqa: D102
    def set_tensor(self, tensor_index: int, value: NDArray[Any]) -> None: ...  # noqa: D102
    def get_signature_list(self) -> dict[str, dict[str, list[str]]]: ...  # noqa: D102
    def get_signature_runner(self, signature_key: str) -> Any: ...  # noqa: D102


def installed_backends() -> tuple[str, ...]:
    """Return the names of the runtimes that are installed, the preferred one first; imports nothing."""
    return tuple(name for name in BACKENDS if _is_installed(name))


def build_interpreter(tflite: bytes, threads: int = 1, backend: str | None = None) -> Interpreter:
    """Return an interpreter with its tensors allocated.

    Parameters
    ----------
    tflite : bytes
        A .tflite file.
    threads : int
        At least 1.
    backend : str, optional
        One of `BACKENDS`; else what the environment variable `EDGE_SER_BACKEND` says; else the first that works.

    Raises
    ------
    BackendError
        None works, or the one that was asked for does not.
    """
    asked = backend or os.environ.get(BACKEND_VARIABLE)
    if asked is not None and asked not in BACKENDS:
        raise BackendError(f"Unknown TFLite runtime {asked!r}", f"Set {BACKEND_VARIABLE} to {' or '.join(BACKENDS)}")
    failures = []
    for name in (asked,) if asked else BACKENDS:
        try:
            return _build(name, tflite, threads)
        except Exception as error:  # whatever a broken installation throws, the next one may work
            failures.append(f"{PACKAGES[name]}: {_reason(name, error)}")
    raise BackendError(f"No TFLite runtime works ({'; '.join(failures)})", _INSTALL)


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(BACKENDS[name].split(".")[0]) is not None


def _build(name: str, tflite: bytes, threads: int) -> Interpreter:
    if not _is_installed(name):
        raise ModuleNotFoundError(name)
    if name == "tflite" and int(np.__version__.split(".")[0]) >= 2:
        raise ImportError("it was built for NumPy 1")  # importing it would only print a page of warnings first
    module = importlib.import_module(BACKENDS[name])
    # LiteRT's XNNPACK delegate takes a quarter of the time on x86, but rounds sums in another way, so that near ties
    # are decided otherwise than on the boards that have tflite-runtime. Without it both give the same bytes.
    plain = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter: Interpreter = module.Interpreter(
        model_content=tflite, num_threads=threads, experimental_op_resolver_type=plain
    )
    interpreter.allocate_tensors()
    return interpreter


def _reason(name: str, error: Exception) -> str:
    """Return one line that says why a runtime does not work."""
    if isinstance(error, ModuleNotFoundError):
        return "not installed"
    if name == "tflite" and isinstance(error, ImportError):
        return f"needs NumPy 1, found {np.__version__}"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
