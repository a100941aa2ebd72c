"""Commands that run: run, resume, recover."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luggin import plugins as plugin_manager
from luggin.cli.output import echo_json, print_finished, scripts_print_to

if TYPE_CHECKING:
    from luggin.bench import Bench
    from luggin.engine.outlook import Outlook
    from luggin.engine.protocols import Finished
    from luggin.engine.start import Source
    from luggin.engine.together import Job
    from luggin.errors import LugginError
    from luggin.plugins import Plugins
    from luggin.steps import LoadedProtocol, Vocabulary

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else."
)
bench_option = click.option(
    "--bench", "bench_path", type=click.Path(path_type=Path), help="Bench file instead of the protocol's."
)
protocol_argument = click.argument("protocol", type=click.Path(path_type=Path))


@click.command()
@protocol_argument
@bench_option
@click.option("--folder", type=click.Path(path_type=Path), help="The run folder (default: a new one below runs/).")
@click.option("--force", is_flag=True, help="Run on a real bench without a rehearsal; this is recorded.")
@click.option("--yes", is_flag=True, help="Answer every prompt of the protocol with yes.")
@click.option("--no-report", is_flag=True, help="Do not write report.html.")
@click.argument("arguments", nargs=-1)
@json_option
def run(
    protocol: Path,
    bench_path: Path | None,
    folder: Path | None,
    force: bool,
    yes: bool,
    no_report: bool,
    arguments: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run PROTOCOL (.toml, .yaml, or .py with its ARGUMENTS) and print its results.

    Several protocol files run at the same time, each as a run of its own.

    Ctrl-C once stops safely at a row boundary, twice at once. The cell is verified open on every
    way out, and the run can be taken up again with: luggin resume FOLDER
    """
    from luggin.cli.people import people_for, watching

    plugins = plugin_manager.load()
    if protocol.suffix == ".py":
        return _run_script(protocol, arguments, bench_path, folder, plugins, force, yes, no_report, as_json)
    if arguments:
        files = [protocol, *(Path(argument) for argument in arguments)]
        return _run_several(files, bench_path, folder, plugins, force, yes, no_report, as_json)
    from dataclasses import replace

    from luggin.engine.protocols import plan_of, run_protocol
    from luggin.rehearsal import look_over

    loaded, bench = load(protocol, bench_path, plugins)
    plan = replace(plan_of(loaded, bench), folder=folder, force=force)
    plan = replace(plan, bytes=look_over(loaded, plan, plugins).bytes)
    with watching(as_json, loaded.protocol.title) as watcher:
        finished = run_protocol(loaded, plan, plugins, people=people_for(yes, bench), watcher=watcher)
    return _end(finished, plugins, no_report, as_json)


def _run_several(
    files: Sequence[Path],
    bench_path: Path | None,
    folder: Path | None,
    plugins: Plugins,
    force: bool,
    yes: bool,
    no_report: bool,
    as_json: bool,
) -> int:
    from dataclasses import replace

    from luggin.engine.progress import Silent, SimulatedOperator
    from luggin.engine.protocols import plan_of
    from luggin.engine.together import Job, NamedLines, run_together
    from luggin.rehearsal import look_over

    foreign = [str(path) for path in files if path.suffix.lower() not in (".toml", ".yaml", ".yml")]
    if foreign:
        raise click.UsageError(
            f"only Python protocols take arguments, and only protocol files run together; got {', '.join(foreign)}"
        )
    if folder is not None:
        raise click.UsageError("--folder names one run folder; with several protocols each gets its own below runs/")
    jobs = []
    for path in files:
        loaded, bench = load(path, bench_path, plugins)
        plan = replace(plan_of(loaded, bench), force=force)
        plan = replace(plan, bytes=look_over(loaded, plan, plugins).bytes)
        jobs.append(Job(loaded, plan, Silent() if as_json else NamedLines(path.name)))
    _require_different_instruments(jobs)
    run_together(jobs, plugins, SimulatedOperator() if yes else None)
    said = []
    for job, path in zip(jobs, files, strict=True):
        if job.finished is None:
            click.echo(f"luggin: {path}: {job.error}", err=True)
            error = {"type": type(job.error).__name__, "message": str(job.error)}
            said.append({"protocol": str(path), "error": error})
            continue
        if not no_report:
            job.finished.report = _report(job.finished.folder, plugins)
        if not as_json:
            click.echo(f"\n=== {path}")
        print_finished(job.finished, quiet=as_json)
        said.append({"protocol": str(path), **job.finished.to_json()})
    if as_json:
        echo_json({"runs": said})
    return max(job.exit_code for job in jobs)


def _require_different_instruments(jobs: Sequence[Job]) -> None:
    """UsageError if two protocols want the same real line: which of them got it would be chance."""
    from luggin.engine.session import canonical

    taken: dict[str, str] = {}
    for job in jobs:
        for role in job.plan.bench.roles.values():
            if role.resource.startswith("sim://"):
                continue
            line = canonical(role.resource)
            if line in taken:
                raise click.UsageError(
                    f"{taken[line]} and {job.plan.source.name} both use {role.resource} ({role.name}). "
                    "Run them one after the other, or put them into one protocol."
                )
            taken[line] = job.plan.source.name


def _run_script(
    protocol: Path,
    arguments: tuple[str, ...],
    bench_path: Path | None,
    folder: Path | None,
    plugins: Plugins,
    force: bool,
    yes: bool,
    no_report: bool,
    as_json: bool,
) -> int:
    from luggin.cli.people import people_for, watching
    from luggin.engine.protocols import watched
    from luggin.engine.scripts import execute_script, read_script
    from luggin.engine.start import Ambient

    source = read_script(protocol, arguments)
    bench = None if bench_path is None else read_bench(bench_path, plugins)
    with watching(as_json, protocol.name) as watcher:
        surroundings = Ambient(
            plugins,
            source,
            people=people_for(yes, bench),
            watcher=watcher,
            folder=folder,
            bench=bench,
            force=force,
        )
        with scripts_print_to(as_json):
            finished = watched(surroundings, lambda: execute_script(surroundings))
    return _end(finished, plugins, no_report, as_json)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@bench_option
@click.option(
    "--protocol", type=click.Path(path_type=Path), help="A protocol that is changed behind what is completed."
)
@click.option("--force", is_flag=True, help="Go on with a changed protocol or bench without a rehearsal.")
@click.option("--clear-trip", is_flag=True, help="The limit that stopped the run was looked into.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done; touches nothing.")
@click.option("--yes", is_flag=True, help="Agree to what will be done, and answer every prompt with yes.")
@click.option("--no-report", is_flag=True, help="Do not write report.html.")
@json_option
def resume(
    folder: Path,
    bench_path: Path | None,
    protocol: Path | None,
    force: bool,
    clear_trip: bool,
    dry_run: bool,
    yes: bool,
    no_report: bool,
    as_json: bool,
) -> int:
    """Take the run in FOLDER up where it ended.

    What completed is not done again; the interrupted step goes on as its technique says, and what the
    safe stop destroyed (steps with `establishes`) is established again first. All of that is told
    before it is done, and on a real bench somebody has to agree to it.
    """
    from luggin.cli.people import people_for, watching
    from luggin.clock import RealClock
    from luggin.engine.foreseen import foresee, refusal
    from luggin.engine.outlook import confirm_resume, read_outlook
    from luggin.engine.protocols import resume_protocol
    from luggin.engine.scripts import read_script
    from luggin.engine.start import Source
    from luggin.observing import bench_of
    from luggin.steps import load_protocol

    plugins = plugin_manager.load()
    if (place := bench_path or bench_of(folder)) is not None:
        plugins.add_bench_plugin(place.parent)
    words = vocabulary(plugins)
    changed: LoadedProtocol | Source | None = None
    if protocol is not None:
        changed = read_script(protocol, ()) if protocol.suffix == ".py" else load_protocol(protocol, words)
    bench = None if bench_path is None else read_bench(bench_path, plugins)
    people = people_for(yes, bench)
    if (folder / "run.log").is_file():
        foresee(folder, plugins, words, bench=bench, changed=changed, clear_trip=clear_trip, force=force)
        outlook = read_outlook(folder, words, None if isinstance(changed, Source) else changed)
        if dry_run:
            return _tell(outlook, refusal(outlook, clear_trip), as_json)
        if not outlook.blocked and (clear_trip or not outlook.trip):
            click.echo("\n".join(outlook.words(RealClock().utc())), err=True)
            confirm_resume(outlook, people)
    with watching(as_json, f"resuming {folder.name}") as watcher, scripts_print_to(as_json):
        finished = resume_protocol(
            folder,
            plugins,
            words,
            bench=bench,
            changed=changed,
            clear_trip=clear_trip,
            force=force,
            people=people,
            watcher=watcher,
        )
    return _end(finished, plugins, no_report, as_json)


def _tell(outlook: Outlook, refused: LugginError | None, as_json: bool) -> int:
    """Say what a resume would do; the exit code is that of the resume, as far as it can be known."""
    from luggin.clock import RealClock

    if as_json:
        error = None if refused is None else {"type": type(refused).__name__, "message": str(refused)}
        echo_json(outlook.to_json() | ({} if error is None else {"error": error}))
    else:
        click.echo("\n".join(outlook.words(RealClock().utc())))
    if refused is None:
        return 0
    click.echo(f"luggin: {refused}", err=True)
    return refused.exit_code


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--accept-damage", is_flag=True, help="Keep the rows before a damaged place of the journal; set the rest aside."
)
@json_option
def recover(folder: Path, accept_damage: bool, as_json: bool) -> int:
    """Bring the run in FOLDER in order after a crash or a power cut. Can be repeated.

    All acknowledged rows are published into the zarr store; nothing is invented. (`luggin resume`
    does this by itself.)
    """
    from luggin.store import recover as recover_store

    recovery = recover_store(folder, accept_damage=accept_damage)
    if as_json:
        echo_json({"run": str(folder), "recovery": str(recovery)})
    else:
        click.echo(f"{folder}: {recovery}")
    return 0


def vocabulary(plugins: Plugins) -> Vocabulary:
    """The steps and analyses of everything that is installed."""
    from luggin.steps import Vocabulary

    return Vocabulary(plugins.step_types(), {name: a.parameters for name, a in plugins.analyses().items()})


def load(path: Path, bench_path: Path | None, plugins: Plugins) -> tuple[LoadedProtocol, Bench]:
    """A protocol file, and the bench that is given or that it names; else the built-in one, which is said."""
    from luggin.bench import load_bench
    from luggin.engine.scripts import NO_BENCH
    from luggin.steps import load_protocol

    _know_bench_plugin(path, bench_path, plugins)
    loaded = load_protocol(path, vocabulary(plugins))
    if bench_path is None and loaded.protocol.bench is None:
        bench = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
        click.echo(NO_BENCH, err=True)
        return loaded, bench
    if bench_path is None:
        bench_path = path.parent / str(loaded.protocol.bench)
        _require_there(bench_path, loaded)
    return loaded, read_bench(bench_path, plugins)


def _know_bench_plugin(protocol: Path, bench: Path | None, plugins: Plugins) -> None:
    """Load the plugin beside the bench file first: it may add to the steps that a protocol may use."""
    from luggin.documents import read_document

    named = bench or read_document(protocol).data.get("bench")
    if isinstance(named, str | Path):
        plugins.add_bench_plugin((protocol.parent / named if bench is None else bench).parent)


def _require_there(bench: Path, loaded: LoadedProtocol) -> None:
    """ProtocolError with the line of ``bench``, if there is no such file."""
    from luggin.documents import did_you_mean
    from luggin.errors import Problem, ProtocolError

    if bench.exists():
        return
    beside = [p.name for p in bench.parent.glob("*.toml")] if bench.parent.is_dir() else []
    hint = did_you_mean(bench.name, beside) or "It is looked for from the folder of the protocol."
    line = loaded.document.line(("bench",))
    raise ProtocolError(loaded.document.name, [Problem(f"there is no file {bench}.", "bench", line, hint)])


def read_bench(path: Path, plugins: Plugins) -> Bench:
    """A bench file with its simulated tables checked; all mistakes at once."""
    from luggin.bench import load_bench
    from luggin.errors import ProtocolError

    plugins.add_bench_plugin(path.parent)
    bench = load_bench(path, drivers=list(plugins.drivers()))
    if bench.simulated_tables:
        problems = plugins.simulator().check(bench.simulated_tables)
        if problems:
            raise ProtocolError(str(path), bench.located(problems))
    return bench


def _end(finished: Finished, plugins: Plugins, no_report: bool, as_json: bool) -> int:
    if not no_report:
        finished.report = _report(finished.folder, plugins)
    if as_json:
        echo_json(finished.to_json())
    print_finished(finished, quiet=as_json)
    return finished.exit_code


def _report(folder: Path, plugins: Plugins) -> Path | None:
    from luggin.cli.looking import write_report
    from luggin.errors import LugginError

    try:
        return write_report(folder, plugins)
    except LugginError as error:
        click.echo(f"no report: {error}", err=True)
        return None
