"""Nothing that is read can run: no pickle, no marshal, no YAML objects, nowhere, by the syntax tree of every file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SOURCES = [
    path for folder in ("edge_ser", "convert", "benchmarks", "examples") for path in (REPOSITORY / folder).rglob("*.py")
]
MODULES = {
    "pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "copyreg", "torch", "yaml",
    "jsonpickle", "pickletools",
}  # fmt: skip
CALLS = {"eval", "exec", "compile", "__import__", "read_pickle", "to_pickle"}
"""By their last name; `model.compile(...)` of Keras is another's."""


ARITHMETIC = {"benchmarks/frontend_peers.py": {"torch"}}
"""What a file may import all the same: it computes with it, and loads nothing."""


def faults(source: str) -> Iterator[str]:
    """Yield what runs, or may run, what it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                yield str(node.module)
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if isinstance(node.func, ast.Attribute) and node.func.attr.endswith("_pickle"):
                name = node.func.attr
            if name in CALLS:
                yield name
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if "allow_pickle" in given and not _is_false(given["allow_pickle"]):
                yield "allow_pickle"


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import os, shelve", "np.load(f, allow_pickle=True)",
        "np.load(f, allow_pickle=x)", "eval(text)", "frame.to_pickle(p)", "__import__(name)", "from torch import load",
    ],
)  # fmt: skip
def test_a_fault_is_found(source: str) -> None:
    assert list(faults(source))


def test_nothing_that_is_read_can_run() -> None:
    assert len(SOURCES) > 100
    found: dict[str, set[str]] = {}
    for path in SOURCES:
        name = path.relative_to(REPOSITORY).as_posix()
        found[name] = set(faults(path.read_text(encoding="utf-8"))) - ARITHMETIC.get(name, set())
    assert {path: what for path, what in found.items() if what} == {}
