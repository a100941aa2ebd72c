"""Commands, called as the shell calls them, in an empty folder."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from luggin.cli import main


@dataclass
class Said:
    """What a command said."""

    code: int
    out: str
    errors: str

    @property
    def json(self):
        """The one JSON object on standard output."""
        return json.loads(self.out)

    @property
    def message(self):
        """The one message of a command that was refused."""
        assert "Traceback" not in self.out + self.errors
        lines = [line for line in self.errors.splitlines() if not line.startswith("No bench is named")]
        if lines and lines[0].startswith("run       "):  # what a resume would do is told before it is tried
            lines = lines[next(n for n, line in enumerate(lines) if line.startswith("luggin: ")) :]
        assert lines, "there is no message"
        assert lines[0].startswith(("luggin: ", "Usage: ")), lines
        assert sum(line.startswith("luggin: ") for line in lines) <= 1, lines
        return "\n".join(lines)


class Folder:
    """A working directory with commands in it."""

    def __init__(self, path, capfd, monkeypatch):
        self.path, self._capfd, self._monkeypatch = path, capfd, monkeypatch

    def write(self, name, text):
        """Write a file; its name."""
        path = self.path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def luggin(self, *arguments):
        """Call a command."""
        self._monkeypatch.setattr(sys, "argv", ["luggin", *map(str, arguments)])
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, errors = self._capfd.readouterr()
        return Said(ended.value.code, out, errors)

    def refused(self, *arguments, code=2):
        """Call a command that must be refused without leaving anything behind; its message."""
        before = self.listing()
        said = self.luggin(*arguments)
        assert said.code == code, said
        assert self.listing() == before
        assert said.out == ""
        return said.message

    def listing(self):
        """Everything in the folder."""
        return sorted(str(p.relative_to(self.path)) for p in self.path.rglob("*"))


@pytest.fixture
def folder(tmp_path, capfd, monkeypatch):
    """An empty working directory."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "140")
    return Folder(Path(os.getcwd()), capfd, monkeypatch)
