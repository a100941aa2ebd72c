"""What the tests of all plugins share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of real files that are not part of the repository; a test without it is skipped."""
    folder = os.environ.get("LUGGIN_REFERENCE_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LUGGIN_REFERENCE_DATA does not name the folder with the reference files")
    return Path(folder)
