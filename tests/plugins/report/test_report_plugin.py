"""The report as a plugin: found by its hook, written whole, and polite about what is missing."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import luggin_plugins
from luggin.errors import RunFolderError, StoreReadOnly, UsageError
from luggin_plugins.report import write_report


@pytest.fixture
def exporter(installed):
    (found,) = [e for group in installed.hook.luggin_exporters() for e in group if e.name == "report"]
    return found


def test_hook_writes_the_page(completed, exporter, tmp_path):
    target = tmp_path / f"page{exporter.suffix}"
    exporter.write(completed.folder, target)
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>\n<html")
    assert repr(completed.results[0]["quantities"][0]["value"]) in page
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_older_report_is_replaced(completed, tmp_path):
    target = tmp_path / "report.html"
    target.write_text("old")
    write_report(completed.folder, target)
    assert target.read_text(encoding="utf-8").endswith("</html>\n")


def test_without_matplotlib_it_says_what_to_install(completed, tmp_path, monkeypatch):
    for name in [m for m in sys.modules if m == "matplotlib" or m.startswith("matplotlib.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r'install with: pip install "luggin\[report\]"'):
        write_report(completed.folder, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunFolderError, match="not a run folder"):
        write_report(tmp_path, tmp_path / "report.html")


def test_place_that_cannot_be_written_is_named(completed, tmp_path):
    with pytest.raises(StoreReadOnly, match="Choose another place with --output"):
        write_report(completed.folder, tmp_path / "missing" / "report.html")


def test_figures_are_drawn_without_pyplot_and_without_changing_settings(completed, tmp_path, monkeypatch):
    import matplotlib

    def settings_now():
        return {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would fail
    before = settings_now()
    write_report(completed.folder, tmp_path / "report.html")
    assert settings_now() == before
    assert "Nothing failed" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_entry_point_module_imports_nothing_heavy():
    tree = ast.parse(Path(luggin_plugins.__file__).read_text(encoding="utf-8"))
    modules = {n.module for n in tree.body if isinstance(n, ast.ImportFrom)} | {
        alias.name for n in tree.body if isinstance(n, ast.Import) for alias in n.names
    }
    assert modules <= {"__future__", "collections.abc", "pathlib", "re", "typing", "luggin.hookspecs"}
