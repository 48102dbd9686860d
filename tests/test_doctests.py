"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import edge_ser

MODULES = [module.name for module in pkgutil.walk_packages(edge_ser.__path__, "edge_ser.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), extraglobs={"np": np})
    assert result.failed == 0


def test_examples_are_found_at_all() -> None:
    assert doctest.testmod(importlib.import_module("edge_ser.pipeline"), extraglobs={"np": np}).attempted > 0
