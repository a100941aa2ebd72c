"""Examples in docstrings are run, in every module of every package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest


def modules():
    for name in ("luggin", "luggin_drivers", "luggin_plugins", "luggin_sim", "pyvisa_luggin"):
        package = importlib.import_module(name)
        yield name
        for found in pkgutil.walk_packages(package.__path__, name + "."):
            if not found.name.endswith("__main__"):
                yield found.name


MODULES = sorted(modules())


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    attempted = sum(doctest.testmod(importlib.import_module(name)).attempted for name in MODULES)
    assert attempted > 20
