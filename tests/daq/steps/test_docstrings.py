"""The examples in docstrings run."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    ("module", "examples"),
    [
        ("luggin.units", 3),
        ("luggin.documents.document", 2),
        ("luggin.documents.words", 1),
        ("luggin.steps.quantities", 3),
        ("luggin.steps.techniques", 3),
        ("luggin.steps.wording", 1),
    ],
)
def test_examples_in_docstrings(module, examples):
    assert doctest.testmod(importlib.import_module(module)) == (0, examples)
