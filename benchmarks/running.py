"""Runs one question, and puts into its report what the machine was like before and after."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks import machine
from benchmarks.report import Report


def measure(question: str, options: Mapping[str, Any]) -> Report:
    """Return the report of a question.

    Parameters
    ----------
    question : str
        Name of a module of `benchmarks`, with hyphens.
    options : mapping
        Arguments of its `run`.

    Raises
    ------
    EdgeSerError, ModuleNotFoundError
        It cannot be measured here; a package of the benchmarks is missing.
    """
    module = importlib.import_module(f"benchmarks.{question.replace('-', '_')}")
    before = machine.state()
    report: Report = module.run(**options)
    return replace(report, machine={**report.machine, **machine.before_and_after(before, machine.state())})
