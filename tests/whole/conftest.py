"""What the tests of the whole road share."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import killing


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Nothing of these tests is noted in the home of whoever runs them."""
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    """A simulated instrument that survives whoever drives it."""
    if not hasattr(os, "openpty"):
        pytest.skip("this operating system has no pseudo-terminals")
    with killing.Oracle(tmp_path_factory.mktemp("oracle")) as running:
        yield running
