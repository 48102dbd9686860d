"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import edge_ser

OF_EXTRAS = {"starlette", "uvicorn"}
"""Packages that whole modules are made for; the board's environment does without."""

MODULES = [module.name for module in pkgutil.walk_packages(edge_ser.__path__, "edge_ser.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in OF_EXTRAS:
            raise
        pytest.skip(f"{error.name} is not installed")
    assert doctest.testmod(module, extraglobs={"np": np}).failed == 0


def test_examples_are_found_at_all() -> None:
    assert doctest.testmod(importlib.import_module("edge_ser.pipeline"), extraglobs={"np": np}).attempted > 0
