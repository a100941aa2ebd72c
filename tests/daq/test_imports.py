"""What is loaded at start: the command line, plugin discovery and the guardian's layer stay light."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import luggin

#: Packages that cost tens to hundreds of milliseconds; each is loaded when it is first used.
HEAVY = {
    "google_crc32c",
    "matplotlib",
    "numcodecs",
    "numpy",
    "pydantic",
    "pyvisa",
    "rich",
    "scipy",
    "serial",
    "xarray",
    "zarr",
}
ROOT = Path(__file__).parents[2]
ENTRY_POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]["luggin"]

COMMAND = """
import sys
from luggin.cli import main
sys.argv = ["luggin", {argument!r}]
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
"""


def loaded_by(code: str) -> set[str]:
    """Modules that a fresh interpreter has loaded after this code."""
    report = "\nimport sys\nprint('--- loaded')\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True, timeout=50)
    return set(done.stdout.partition("--- loaded\n")[2].split())


def heavy(modules: set[str]) -> set[str]:
    return HEAVY & {module.partition(".")[0] for module in modules}


def test_the_check_itself_sees_what_is_loaded():
    assert heavy(loaded_by("import numpy")) == {"numpy"}


def test_importing_luggin_loads_next_to_nothing():
    loaded = loaded_by("import luggin")
    assert not heavy(loaded)
    assert {module for module in loaded if module.startswith("luggin.")} == set()


@pytest.mark.parametrize("argument", ["--help", "plugins"])
def test_help_and_the_list_of_plugins_load_nothing_heavy(argument):
    assert not heavy(loaded_by(COMMAND.format(argument=argument)))


@pytest.mark.parametrize("module", ["transport", "clock", "platform", "errors", "signals", "plugins", "hookspecs"])
def test_the_lower_layers_load_nothing_heavy(module):
    """The guardian makes a cell safe with the transport layer alone; plugin discovery is part of every start."""
    assert not heavy(loaded_by(f"import luggin.{module}"))


@pytest.mark.parametrize("module", ["instrument", "capabilities", "records", "results", "units"])
def test_what_drivers_are_made_of_loads_nothing_heavy(module):
    assert not heavy(loaded_by(f"import luggin.{module}"))


def test_limits_recorder_and_history_load_no_numpy():
    assert not heavy(loaded_by("import luggin.engine.limits, luggin.engine.recorder, luggin.engine.history"))


@pytest.mark.parametrize("module", ENTRY_POINTS.values())
def test_modules_of_entry_points_load_nothing_heavy(module):
    assert not heavy(loaded_by(f"import {module}"))


def test_asking_for_drivers_loads_nothing_heavy():
    modules = ", ".join(ENTRY_POINTS.values())
    code = f"import {modules}\nfrom luggin import plugins\nplugins.load(discover=False, modules=[{modules}]).drivers()"
    assert not heavy(loaded_by(code))


def test_the_core_loads_no_driver_plugin_or_simulator():
    loaded = loaded_by("import luggin\nfor name in luggin.__all__: getattr(luggin, name)")
    assert not {module for module in loaded if module.partition(".")[0] in ENTRY_POINTS.values()}


# -- the one public surface


@pytest.mark.parametrize("name", luggin.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert getattr(luggin, name).__doc__
    assert name in dir(luggin)


def test_a_name_that_there_is_not():
    with pytest.raises(AttributeError, match="module 'luggin' has no attribute 'CVs'"):
        luggin.CVs  # noqa: B018
