"""Pages are stories: their blocks are run from top to bottom in an empty folder with the examples in it.

A comment on the line before a fence says what a block is for::

    <!-- test -->             python or console: it is run
    <!-- output -->           what the python block before it printed
    <!-- file: NAME -->       it is written to NAME, for the blocks that follow
    <!-- no-test: reason -->  it is not run, and this is why

In a console block, lines behind ``$ `` are commands, the others what they print: ``...`` stands for
anything, numbers with a decimal point agree to 0.002 (2 mV), run folders are all alike. A command
must end with exit code 0 unless ``$ echo $?`` follows. Known commands are ``luggin``, ``python FILE``
and ``pip install -e FOLDER`` (which makes the folder's entry points known, and installs nothing).
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import re
import runpy
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_DIRECTIVE = re.compile(r"<!--\s*(test|output|file: .+?|no-test: .+?)\s*-->\s*")
_FENCE = re.compile(r"( *)```(\w*)\s*")
_RUN_FOLDER = re.compile(r"\d{8}T\d{6}Z_[\w-]*_[0-9a-f]{4}")
_DECIMAL = re.compile(r"[-+]?\d+\.\d+")
AGREE_WITHIN = 0.002


@dataclass(frozen=True)
class Block:
    """One fenced block of a page; ``line`` is that of its first line, counted from 1."""

    page: Path
    line: int
    language: str
    text: str
    directive: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page.name}:{self.line}"


def pages() -> list[Path]:
    """README, changelog and everything below docs/."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    blocks: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.fullmatch(lines[number])
        if fence is None:
            number += 1
            continue
        said = _DIRECTIVE.fullmatch(lines[number - 1].strip()) if number else None
        end = next((n for n in range(number + 1, len(lines)) if lines[n].strip() == "```"), None)
        assert end is not None, f"{page}:{number + 1}: this block has no end"
        inside = [line.removeprefix(fence[1]) for line in lines[number + 1 : end]]
        blocks.append(Block(page, number + 2, fence[2], "\n".join(inside) + "\n", said[1] if said else ""))
        number = end + 1
    return blocks


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
    if "story" in metafunc.fixturenames:
        told = [page for page in pages() if any(block.directive == "test" for block in blocks_of(page))]
        metafunc.parametrize("story", told, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def all_pages() -> list[Path]:
    return pages()


@pytest.fixture
def blocks():
    return blocks_of


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a reader follows a page: the examples, and nothing that earlier runs left."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("runs", "__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "140")
    for name in ("LUGGIN_BLOCK_PLUGINS", "LUGGIN_TRACE_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@dataclass
class Shell:
    """Runs the commands of console blocks in this process."""

    monkeypatch: pytest.MonkeyPatch
    site: Path
    code: int = 0

    def run(self, command: str) -> str:
        """What the command prints, on both channels, in order; `code` is its exit code."""
        if command == "echo $?":
            return f"{self.code}\n"
        program, *arguments = shlex.split(command)
        if program == "pip":
            self.code = 0
            return self._install(arguments)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            self.code = self._call(program, arguments)
        return printed.getvalue()

    def _call(self, program: str, arguments: list[str]) -> int:
        from luggin.cli import main

        self.monkeypatch.setattr(sys, "argv", [program, *arguments] if program == "luggin" else arguments)
        try:
            if program == "luggin":
                main()
            elif program == "python":
                runpy.run_path(arguments[0], run_name="__main__")
            else:
                pytest.fail(f"this shell does not know the command {program!r}")
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    def _install(self, arguments: list[str]) -> str:
        """Make a package and its entry points known, as an editable installation does."""
        assert arguments[:2] == ["install", "-e"], f"pip {arguments}: write pip install -e FOLDER"
        folder = Path(arguments[2]).resolve()
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        info = self.site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
        )
        points = [
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
            for group, entries in project["entry-points"].items()
        ]
        (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
        for place in (self.site, folder):
            self.monkeypatch.syspath_prepend(str(place))
        importlib.invalidate_caches()
        return ""


@dataclass
class Story:
    """The blocks of one page, run in order."""

    shell: Shell
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "__main__"})
    printed: str = ""

    def tell(self, page: Path) -> None:
        for block in blocks_of(page):
            kind, _, argument = block.directive.partition(": ")
            if kind == "file":
                target = Path(argument)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block.text, encoding="utf-8")
            elif kind == "output":
                assert_printed(block.text, self.printed, block.place)
            elif kind == "test" and block.language == "python":
                self._python(block)
            elif kind == "test":
                self._console(block)

    def _python(self, block: Block) -> None:
        printed = io.StringIO()
        # Line numbers of tracebacks are those of the page.
        code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec")
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            exec(code, self.names)
        self.printed = printed.getvalue()

    def _console(self, block: Block) -> None:
        commands = list(_commands(block))
        for number, (command, expected) in enumerate(commands):
            printed = self.shell.run(command)
            following = commands[number + 1][0] if number + 1 < len(commands) else ""
            if self.shell.code and following != "echo $?" and command != "echo $?":
                pytest.fail(f"{block.place}: `{command}` ended with exit code {self.shell.code}:\n{printed}")
            if expected.strip():
                assert_printed(expected, printed, f"{block.place}: `{command}`")


def _commands(block: Block) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"{block.place}: a console block begins with `$ `"
    for part in parts[1:]:
        command, _, expected = part.partition("\n")
        yield command.partition("  #")[0].strip(), expected


def assert_printed(expected: str, printed: str, place: str) -> None:
    """Fail unless a page shows what is printed."""
    wanted, got = _tidy(expected), _tidy(printed)
    if not _lines_agree(wanted, got):
        difference = "\n".join(difflib.unified_diff(wanted, got, "the page", "printed", lineterm="", n=100))
        pytest.fail(f"{place}: the page shows something else than is printed\n{difference}")


def _tidy(text: str) -> list[str]:
    """Lines without what depends on widths, times and chance."""
    lines = [" ".join(_RUN_FOLDER.sub("RUN", line).replace("─", "").split()) for line in text.splitlines()]
    return [line for line in lines if line]


def _lines_agree(wanted: list[str], got: list[str]) -> bool:
    if not wanted:
        return not got
    if wanted[0] == "...":
        return any(_lines_agree(wanted[1:], got[skip:]) for skip in range(len(got) + 1))
    return bool(got) and _line_agrees(wanted[0], got[0]) and _lines_agree(wanted[1:], got[1:])


def _line_agrees(wanted: str, got: str) -> bool:
    pattern = "".join(
        ".*" if piece == "..." else f"({_DECIMAL.pattern})" if _DECIMAL.fullmatch(piece) else re.escape(piece)
        for piece in re.split(rf"(\.\.\.|{_DECIMAL.pattern})", wanted)
    )
    match = re.fullmatch(pattern, got)
    if match is None:
        return False
    numbers = _DECIMAL.findall(wanted)
    return all(abs(float(w) - float(g)) <= AGREE_WITHIN for w, g in zip(numbers, match.groups(), strict=True))


@pytest.fixture
def shell(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(monkeypatch, workplace / "site-packages")


@pytest.fixture
def teller(shell: Shell) -> Iterator[Story]:
    """A story to be told; modules that it imported from its folder are forgotten afterwards."""
    before = set(sys.modules)
    yield Story(shell)
    here = str(Path.cwd())
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(here):
            del sys.modules[name]


@pytest.fixture
def printed_agrees():
    return assert_printed
