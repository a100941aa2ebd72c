"""Versions of what makes the numbers; kept with every run and every result."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from functools import cache

_PARTS = ("luggin", "numpy", "numcodecs", "zarr", "pydantic", "pyserial")


@cache
def software() -> Mapping[str, str]:
    """Name and version of Python, of Luggin, and of the libraries that rows and results go through."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PARTS}}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
