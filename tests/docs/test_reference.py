"""Reference pages are complete: every command, name, code, column and bit, and none that does not exist."""

from __future__ import annotations

import ast
import copy
import re
from pathlib import Path

import click
import pytest

import luggin
from luggin import errors
from luggin.cli import cli


def _commands() -> list[str]:
    return cli.list_commands(click.Context(cli))


def _sections(text: str) -> dict[str, str]:
    """Heading of the second level -> what stands below it."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _codes_in_rows(text: str) -> set[str]:
    """What stands in backticks in the first cell of table rows."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


@pytest.fixture
def reference(root):
    def read(name: str) -> str:
        return (root / "docs" / "reference" / name).read_text(encoding="utf-8")

    return read


def test_every_command_has_a_section_and_no_other(reference):
    documented = [h.removeprefix("luggin ") for h in _sections(reference("command-line.md")) if h.startswith("luggin ")]
    assert documented == _commands()


@pytest.mark.parametrize("name", _commands())
def test_every_option_of_a_command_is_documented_and_no_other(reference, name):
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    section = _sections(reference("command-line.md"))[f"luggin {name}"]
    # click keeps the help option that a command was first used with, whatever its group says.
    command = copy.copy(command)
    command._help_option = None
    context = click.Context(command, info_name=f"luggin {name}", **cli.context_settings)
    options = {o for p in command.get_params(context) if isinstance(p, click.Option) for o in p.opts}
    documented = {written.split()[0] for written in _codes_in_rows(section)}
    assert documented == options
    assert f"`{command.get_usage(context).removeprefix('Usage: ')}`" in section


def test_every_exit_code_is_documented_with_its_errors(reference):
    section = _sections(reference("command-line.md"))["Exit codes"]
    rows = [line.split("|")[1:] for line in section.splitlines() if re.match(r"\| \d", line)]
    documented = {int(code): set(re.findall(r"`(\w+)`", names)) for code, _, names, _ in rows}
    existing: dict[int, set[str]] = {0: set()}
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.LugginError):
            existing.setdefault(kind.exit_code, set()).add(name)
    assert documented == existing


def test_every_environment_variable_is_documented(root, reference):
    used = {
        name
        for source in (root / "daq").rglob("*.py")
        for name in re.findall(r'"(LUGGIN_[A-Z_]+)"', source.read_text(encoding="utf-8"))
    }
    assert used == _codes_in_rows(_sections(reference("command-line.md"))["Environment"])


def test_every_public_name_is_documented_and_no_other(reference):
    documented = [name for name in _codes_in_rows(reference("python-api.md")) if name.startswith("luggin.")]
    assert sorted(documented) == sorted(f"luggin.{name}" for name in luggin.__all__)


def _refusal_codes(*folders: Path) -> set[str]:
    """The first argument of every Refusal(...) in the sources."""
    codes = set()
    for source in (path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal" and node.args:
                code = node.args[0]
                assert isinstance(code, ast.Constant), f"{source}:{node.lineno}: a code that cannot be listed"
                codes.add(str(code.value))
    return codes


def test_every_refusal_of_the_analyses_is_documented_and_no_other(root):
    pages = [page.read_text(encoding="utf-8") for page in (root / "docs" / "reference" / "analyses").glob("*.md")]
    sections = [_sections(page).get("Refusals", "") for page in pages]
    documented = set().union(*map(_codes_in_rows, sections))
    assert documented == _refusal_codes(root / "plugins" / "luggin_plugins" / "cv")


def test_every_refusal_of_the_core_is_documented_and_no_other(root, reference):
    section = _sections(reference("results-json.md"))["Refusals of any analysis"]
    assert _codes_in_rows(section) == _refusal_codes(root / "daq" / "luggin")


def test_every_quantity_of_half_waves_is_documented(root):
    source = (root / "plugins" / "luggin_plugins" / "cv" / "findings.py").read_text(encoding="utf-8")
    given = {one or other for one, other in re.findall(r'name="(\w+)"|add\("(\w+)"', source)}
    page = (root / "docs" / "reference" / "analyses" / "cv-half-waves.md").read_text(encoding="utf-8")
    assert given
    assert given <= _codes_in_rows(_sections(page)["What comes out"])


# -- the run folder


@pytest.fixture
def run_folder(workplace, shell):
    """A run in which something of everything happened: a trip, a resume with another protocol, an error in a script."""
    text = (workplace / "examples" / "resume-me.toml").read_text(encoding="utf-8")
    text = text.replace("benches/", "examples/benches/")
    (workplace / "narrow.toml").write_text(text.replace('["-100 uA"', '["-4 uA"'), encoding="utf-8")
    (workplace / "wide.toml").write_text(text, encoding="utf-8")
    shell.run("luggin run narrow.toml --folder runs/tripped --no-report")
    assert shell.code == 3
    shell.run("luggin resume runs/tripped --clear-trip --protocol wide.toml --no-report")
    assert shell.code == 0
    return workplace / "runs" / "tripped"


def test_what_is_in_a_run_is_documented(run_folder, reference):
    import json

    import zarr

    page = reference("run-folder.md")
    sections = _sections(page)
    lines = (run_folder / "run.log").read_text(encoding="utf-8").splitlines()
    kinds = {json.loads(line)["record"]["kind"] for line in lines}
    seldom = {"interrupted", "broken", "preflight", "plugins", "observers"}
    assert kinds == _codes_in_rows(sections["run.log"]) - seldom
    store = zarr.open_group(run_folder / "data.zarr", mode="r")
    assert set(store.attrs) == _codes_in_rows(sections["data.zarr"])
    documented = sections["Columns"]
    for name, group in store.groups():
        assert f"`{name}`" in documented, f"stream {name}"
        for column, array in group.arrays():
            row = next((line for line in documented.splitlines() if line.startswith(f"| `{column}` |")), "")
            assert row.split("|")[2:4] == [f" {array.attrs['units']} ", f" {array.dtype} "], f"{column} of {name}"
    for place in run_folder.iterdir():
        assert place.name in page, f"{place.name} in the run folder"


def test_every_flag_and_event_is_documented_with_its_number(reference):
    from luggin.engine.events import Event
    from luggin.records import Flag

    sections = _sections(reference("run-folder.md"))
    for heading, kinds in (("Flags", Flag), ("Events", Event)):
        rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", sections[heading], re.MULTILINE)
        assert {name: int(number) for number, name in rows} == {str(kind.name).lower(): int(kind) for kind in kinds}


def test_a_stop_is_recorded_as_the_page_says_and_resumed_as_the_tutorial_says(workplace, shell, root):
    """What the tutorial does with Ctrl-C in a second window, in virtual time: the third step is stopped."""
    from luggin import plugins
    from luggin.bench import load_bench
    from luggin.cli.running import vocabulary
    from luggin.engine.progress import Silent
    from luggin.engine.protocols import plan_of, run_protocol
    from luggin.steps import load_protocol

    class Stopping(Silent):
        """Somebody who presses Ctrl-C when the third step begins."""

        run: luggin.Run

        def step_began(self, path: str, title: str, duration: float, rows: int) -> None:
            if path == "3":
                self.run.stop_by_signal(1, "SIGINT")

    installed = plugins.load()
    loaded = load_protocol(workplace / "examples" / "resume-me.toml", vocabulary(installed))
    bench = load_bench(workplace / "examples" / "benches" / "cv-cell.toml")
    somebody = Stopping()
    from dataclasses import replace

    plan = replace(plan_of(loaded, bench), folder=workplace / "stopped", analyses=())
    finished = run_protocol(
        loaded, plan, installed, watcher=somebody, on_begin=lambda run: setattr(somebody, "run", run)
    )
    assert finished.outcome == "interrupted"
    tutorial = (root / "docs" / "tutorial" / "first-voltammogram.md").read_text(encoding="utf-8")
    assert str(finished.error) in tutorial
    said = shell.run("luggin resume stopped --no-report")
    assert shell.code == 0
    assert "conditioning@cell: step 2 is done again, because the stop undid it" in said
    assert "conditioning@cell: step 2 is done again, because the stop undid it" in tutorial
    steps = [(s.path, s.attempt, s.status) for s in luggin.open("stopped").steps]
    assert steps == [
        ("1", 1, "done"),
        ("2", 1, "done"),
        ("3", 1, "interrupted"),
        ("2", 2, "done"),
        ("3", 2, "done"),
        ("4", 1, "done"),
    ]
