"""Commands that look: analyse, report, plugins, schema; and the list of drivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luggin import plugins as plugin_manager
from luggin.cli.output import echo_json, print_results
from luggin.errors import FileFormatError, UsageError
from luggin.units import show, show_duration

if TYPE_CHECKING:
    from luggin.capabilities import Capabilities, Driver, TemperatureRange
    from luggin.hookspecs import Reader
    from luggin.plugins import Plugins
    from luggin.results import Analysis, Table

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
_LARGEST_FILE = 256 << 20
mapping_option = click.option(
    "--map",
    "mapping",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Mapping of a foreign file: columns, units, sign (default: data.toml beside data.csv).",
)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--use", "names", multiple=True, help="Name of the analysis (default: those that fit).")
@click.option("--on", multiple=True, help="Id of a step of the run (default: all that fit).")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the analysis (TOML value).")
@mapping_option
@click.option("--save", type=click.Path(path_type=Path), help="Folder for the results (a run keeps its own).")
@_json
def analyse(
    path: Path,
    names: tuple[str, ...],
    on: tuple[str, ...],
    options: tuple[str, ...],
    mapping: Path | None,
    save: Path | None,
    as_json: bool,
) -> int:
    """Analyse PATH: a run folder, or a file of another program.

    A run keeps the results; those of a file are printed, and kept with --save.
    """
    from luggin.analysis import ask, ask_and_keep, outcome_to_json
    from luggin.clock import RealClock

    plugins = plugin_manager.load()
    parameters = parse_options(options)
    if mapping is not None and path.is_dir():
        raise UsageError(f"--map is for files of other programs; {path} is a folder")
    source = _RunSource(path) if path.is_dir() else _FileSource(path, plugins, mapping)
    place = save or source.place
    results = []
    for name, chosen, of in source.questions(names, on, plugins):
        analysis, wanted = plugins.analysis(name), {**chosen, **parameters}
        if place is None:
            outcome = ask(analysis, source.asked(analysis, of, wanted), source.sample, wanted)
        else:
            tables, created = source.asked(analysis, of, wanted), RealClock().utc().isoformat()
            outcome, _ = ask_and_keep(analysis, tables, source.sample, wanted, folder=place, created=created)
        results.append(outcome_to_json(name, outcome))
    if as_json:
        echo_json({"path": str(path), "results": results})
    else:
        print_results(results)
        if place is not None:
            click.echo(f"\nkept in {place}")
    return 0


#: An analysis, its options, and the ids of the steps that it is asked about (none: all that fit).
Question = tuple[str, Mapping[str, Any], Sequence[str]]


class _RunSource:
    """A run folder: what the protocol asks, or what is asked on the command line."""

    def __init__(self, path: Path) -> None:
        from luggin.analysis import open_run

        self._archive = open_run(path)
        self.sample: Mapping[str, Any] = self._archive.sample
        self.place: Path | None = path / "results"

    def tables(self, of: Sequence[str]) -> list[Table]:
        return self._archive.tables(list(of) or None)

    def asked(self, analysis: Analysis, of: Sequence[str], options: Mapping[str, Any]) -> list[Table]:
        """The tables of these steps, and of those that the options name."""
        from luggin.analysis.asking import tables_for

        return tables_for(self._archive, analysis, list(of) or None, options)

    def questions(self, names: Sequence[str], on: Sequence[str], plugins: Plugins) -> list[Question]:
        planned: list[Question] = []
        for entry in self._archive.header.get("analyses", ()):
            options = {k: v for k, v in entry.items() if k not in ("use", "on")}
            of = entry.get("on", ())
            planned.append((str(entry["use"]), options, on or ([of] if isinstance(of, str) else of)))
        if not names:
            return planned or _fitting(self.tables(on), on, plugins)
        return [q for q in planned if q[0] in names] + [(n, {}, on) for n in names if n not in {q[0] for q in planned}]


class _FileSource:
    """A file of another program."""

    def __init__(self, path: Path, plugins: Plugins, mapping: Path | None) -> None:
        self._path = path
        self._tables = list(read_foreign(path, plugins, mapping))
        self.sample: Mapping[str, Any] = {}
        self.place: Path | None = None

    def asked(self, analysis: Analysis, of: Sequence[str], options: Mapping[str, Any]) -> list[Table]:
        """All tables of the file."""
        return self._tables

    def questions(self, names: Sequence[str], on: Sequence[str], plugins: Plugins) -> list[Question]:
        if on:
            raise UsageError(f"{self._path}: --on chooses steps of a run; a file has none")
        return [(name, {}, ()) for name in names] or _fitting(self._tables, (), plugins)


def read_foreign(path: Path, plugins: Plugins, mapping: Path | None = None) -> tuple[Table, ...]:
    """The tables of a foreign file, by the reader that `reader_of` finds.

    Raises:
        FileFormatError: there is no such file, no reader knows it, or it has mistakes.
    """
    reader = reader_of(path, plugins, mapping)
    if mapping is not None and reader.read_mapped is not None:
        return tuple(reader.read_mapped(path, mapping))
    return tuple(reader.read(path))


def reader_of(path: Path, plugins: Plugins, mapping: Path | None = None) -> Reader:
    """The reader that recognises a foreign file.

    With a mapping only those that take one are asked, and the last of them reads a file that none
    recognises.

    Raises:
        FileFormatError: there is no such file, or no reader knows it.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise FileFormatError(
                f"{path}: {path.stat().st_size >> 20} MiB; files over {_LARGEST_FILE >> 20} MiB are not read"
            )
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError as error:
        raise FileFormatError(f"{path}: there is no such file or run folder.") from error
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror})") from error
    readers = [r for r in plugins.readers() if mapping is None or r.read_mapped is not None]
    for reader in readers:
        if reader.recognises(path, head):
            return reader
    if mapping is not None and readers:
        return readers[-1]
    known = "; ".join(f"{r.title}" for r in readers)
    what = "is empty" if not head else "is not in a format that Luggin reads"
    raise FileFormatError(f"{path}: {what}. It reads run folders and: {known}.")


def _fitting(tables: Sequence[Table], on: Sequence[str], plugins: Plugins) -> list[Question]:
    """Every analysis that can look at some of these tables."""
    techniques = {t.technique for t in tables}
    analyses = plugins.analyses().items()
    fitting: list[Question] = [(name, {}, on) for name, a in analyses if a.unasked and techniques & set(a.needs)]
    if not fitting:
        raise UsageError(
            f"no analysis fits {', '.join(sorted(techniques)) or 'an empty run'}; "
            f"installed are {', '.join(plugins.analyses())}"
        )
    return fitting


def parse_options(options: tuple[str, ...], option_name: str = "--option") -> dict[str, Any]:
    """``NAME=VALUE`` as the command line has them; a value that is no TOML is text."""
    import tomllib

    parsed: dict[str, Any] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise click.UsageError(f"{option_name} {option!r}: write NAME=VALUE")
        try:
            parsed[name.strip()] = tomllib.loads(f"v = {value}")["v"]
        except tomllib.TOMLDecodeError:
            parsed[name.strip()] = value
    return parsed


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--output", type=click.Path(path_type=Path), help="File to write (default: report.html in the run folder)."
)
def report(folder: Path, output: Path | None) -> int:
    """Write the report of the run in FOLDER: one HTML file with figures, conditions and results."""
    click.echo(write_report(folder, plugin_manager.load(), output))
    return 0


def write_report(folder: Path, plugins: Plugins, output: Path | None = None) -> Path:
    """Write the report of a run; returns its path.

    Raises:
        UsageError: no plugin writes reports, or something that it needs is not installed.
    """
    exporters = plugins.exporters()
    if "report" not in exporters:
        raise UsageError("no plugin that writes reports is installed")
    target = output or folder / "report.html"
    exporters["report"].write(folder, target)
    return target


@click.command()
@_json
def plugins(as_json: bool) -> int:
    """List plugins: package, version, and the hooks that each implements.

    LUGGIN_BLOCK_PLUGINS=name,name leaves plugins out; LUGGIN_TRACE_PLUGINS=1 prints every hook call.
    """
    infos = plugin_manager.load().infos()
    if as_json:
        echo_json({"plugins": [vars(info) for info in infos]})
        return 0
    for info in infos:
        state = "BLOCKED" if info.blocked else ", ".join(h.removeprefix("luggin_") for h in info.provides) or "nothing"
        click.echo(f"{info.name:24} {info.distribution} {info.version:10} {state}")
    return 0


def list_drivers(driver: str | None, as_json: bool) -> int:
    """What ``luggin instruments`` prints: all drivers, or what the instruments of one can do."""
    drivers = plugin_manager.load().drivers()
    if driver is not None and driver not in drivers:
        raise UsageError(f"unknown driver {driver!r}; installed are {', '.join(drivers)}")
    if as_json:
        echo_json({name: _driver_json(d) for name, d in drivers.items() if driver in (None, name)})
        return 0
    for name, d in drivers.items():
        if driver in (None, name):
            click.echo(f"{name}: {d.title}")
            for model, title in d.models.items():
                click.echo(f"  {model:14} {title}")
                if driver is not None:
                    _print_what_it_can(d, model)
    return 0


def _shown(value: float, unit: str) -> str:
    """A bound of a range: a count without a unit, a time in the units of people."""
    if unit == "1":
        return f"{value:g}"
    return show_duration(value) if unit == "s" and value >= 60 else show(value, unit)


def _print_what_it_can(driver: Driver, model: str) -> None:
    if (can := _capabilities(driver, model)) is not None:
        _print_capabilities(can)
    elif (reach := _temperatures(driver, model)) is not None:
        _print_temperatures(reach)


def _temperatures(driver: Driver, model: str) -> TemperatureRange | None:
    """What a model can be set to, if it is a temperature controller."""
    from luggin.engine.temperatures import tempers

    device = driver.offline({"model": model})
    return device.range if tempers(device) else None


def _print_temperatures(reach: TemperatureRange) -> None:
    low, high, confirmed = reach.temperature.low, reach.temperature.high, reach.temperature.confirmed
    click.echo(f"    temperature {low:g} ... {high:g} degC{'' if confirmed else ' (unconfirmed)'}")
    if reach.rate is not None:
        click.echo(f"    rate        up to {reach.rate.high:g} K/min")
    click.echo(f"    tested      {reach.tested_on}")
    for sentence in reach.unconfirmed:
        click.echo(f"    unconfirmed {sentence}")


def _capabilities(driver: Driver, model: str) -> Capabilities | None:
    """What a model can do, with the techniques that it is stepped through; None if it runs none."""
    from luggin.capabilities import measures
    from luggin.clock import RealClock
    from luggin.engine.stepping import with_stepping

    instrument = with_stepping(driver.offline({"model": model}), RealClock())
    return instrument.capabilities if measures(instrument) else None


def _driver_json(driver: Any) -> dict[str, Any]:
    models = {}
    for model, title in driver.models.items():
        c = _capabilities(driver, model)
        if c is None:
            models[model] = {"title": title, "techniques": {}}
            if (reach := _temperatures(driver, model)) is not None:
                models[model] |= {
                    "temperature": [reach.temperature.low, reach.temperature.high],
                    "unconfirmed": list(reach.unconfirmed),
                    "tested_on": reach.tested_on,
                }
            continue
        models[model] = {
            "title": title,
            "techniques": {n: t.execution for n, t in c.techniques.items()},
            "potential": [c.potential.low, c.potential.high],
            "current": [c.current.low, c.current.high],
            "current_ranges": list(c.current_ranges),
            "enforced_limits": dict(c.enforced),
            "polarity": c.polarity,
            "unconfirmed": list(c.unconfirmed),
            "tested_on": c.tested_on,
        }
    return {"title": driver.title, "models": models}


def _print_capabilities(c: Capabilities) -> None:
    click.echo(f"    potential   {show(c.potential.low, 'V')} ... {show(c.potential.high, 'V')}")
    click.echo(
        f"    current     up to {show(c.current.high, 'A')}; ranges {', '.join(show(r, 'A') for r in c.current_ranges)}"
    )
    for name, technique in c.techniques.items():
        limits = "; ".join(
            f"{p} {_shown(r.low, r.unit)} ... {_shown(r.high, r.unit)}{'' if r.confirmed else ' (unconfirmed)'}"
            for p, r in technique.limits.items()
        )
        click.echo(f"    {name:11} {technique.execution}; {limits}")
    held = "; ".join(f"{k}: {v}" for k, v in c.enforced.items()) or "none; the runner watches every reading"
    click.echo(f"    limits held by the instrument: {held}")
    click.echo(f"    abort       {c.abort}")
    click.echo(f"    tested      {c.tested_on}")
    for sentence in c.unconfirmed:
        click.echo(f"    unconfirmed {sentence}")


@click.command()
def schema() -> int:
    """Print the JSON schema of protocol files (with the steps of all installed plugins).

    Save it and put `#:schema ./protocol.schema.json` into the first line of a protocol: editors with
    a TOML language server complete and check it then.
    """
    from luggin.cli.running import vocabulary
    from luggin.steps import json_schema

    echo_json(json_schema(vocabulary(plugin_manager.load())))
    return 0
