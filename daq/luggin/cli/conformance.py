"""The group ``luggin instruments``: the list of drivers, and the conformance kit for one of them."""

from __future__ import annotations

import contextlib
import getpass
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from luggin import plugins as plugin_manager
from luggin.cli.looking import list_drivers, parse_options
from luggin.cli.output import echo_json
from luggin.errors import UsageError

if TYPE_CHECKING:
    from luggin.capabilities import Driver
    from luggin.testing import Subject, Verdict

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
_ONLY_SIMULATED = "Nothing was tested on hardware: this was the driver against its simulated twin."
_ON_HARDWARE = (
    "Tested on hardware{}, without faults on the line. What breaks is tested on the twin only: run the same command "
    "without --resource."
)
#: What a person (or an option) has to say before anything is sent, by whether the instrument holds a cell.
_CONSENT: Mapping[bool, tuple[str, str, str]] = {
    True: (
        "--yes-dummy-cell",
        "that a dummy resistor is the cell. With one in place",
        "Is the dummy resistor in place, and the real cell taken off?",
    ),
    False: ("--yes-set-it", "that this may be done. If it may", "May this be done?"),
}


class _ListOrTest(click.Group):
    """A group in which whatever is no subcommand belongs to ``list``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ListOrTest)
def instruments() -> None:
    """List drivers and what their instruments can do, or test one.

    Without a subcommand it lists: `luggin instruments` all drivers, `luggin instruments DRIVER` what
    the instruments of one can do and what is unconfirmed. `luggin instruments test DRIVER` runs the
    conformance kit.
    """


@instruments.command("list")
@click.argument("driver", required=False)
@_json
def list_(driver: str | None, as_json: bool) -> int:
    """List drivers, or say what the instruments of one DRIVER can do and what is unconfirmed."""
    return list_drivers(driver, as_json)


@instruments.command()
@click.argument("driver")
@click.option("--model", help="Test this model only (default: all models of the driver).")
@click.option("--setting", "settings", multiple=True, metavar="NAME=VALUE", help="Setting as in a bench file (TOML).")
@click.option("--resource", help="Test a real instrument here; its cell must be a dummy resistor. Needs --model.")
@click.option("--dummy", default="10 kohm", show_default=True, help="The dummy resistor of --resource.")
@click.option("--yes-dummy-cell", "consent", is_flag=True, help="Do not ask: a dummy resistor is the cell.")
@click.option("--yes-set-it", "settable", is_flag=True, help="Do not ask: what holds no cell (a bath) may be set.")
@_json
def test(
    driver: str,
    model: str | None,
    settings: tuple[str, ...],
    resource: str | None,
    dummy: str,
    consent: bool,
    settable: bool,
    as_json: bool,
) -> int:
    """Run the conformance kit on DRIVER: against its simulated twin, in virtual time.

    With --resource it runs the checks that are safe on hardware on a real instrument, whose cell is a
    dummy resistor if it holds one. It says before what it will apply or set, and asks. Ends with exit
    code 1 if a check failed.
    """
    from luggin.testing import Subject, holds_a_cell, verdicts, verdicts_on_hardware
    from luggin.units import parse

    plugins = plugin_manager.load()
    found = plugins.driver(driver)
    given = parse_options(settings, "--setting")
    results: dict[str, list[Verdict]] = {}
    with_cell = False
    for chosen in _models(found, model, resource):
        subject = Subject(driver, {"model": chosen, **given}, plugins=plugins)
        found.line_settings(subject.settings)  # a setting that is wrong is no fault of the driver
        if resource is None:
            with _drivers_quiet():
                results[chosen] = _shown(f"{chosen}: {found.models[chosen]}", verdicts(subject), as_json)
            continue
        real = subject.on_hardware(resource, parse(dummy, "ohm"))
        with_cell = holds_a_cell(real)
        _require_consent(real, with_cell, consent if with_cell else settable, as_json)
        with _owned(resource):
            results[chosen] = _shown(f"{chosen} at {resource}", verdicts_on_hardware(real), as_json)
    if as_json:
        models = {name: [_json_of(verdict) for verdict in those] for name, those in results.items()}
        echo_json({"driver": driver, "hardware": resource is not None, "models": models})
    else:
        click.echo(_ONLY_SIMULATED if resource is None else _ON_HARDWARE.format(" with a dummy resistor" * with_cell))
    return int(any(verdict.outcome == "failed" for those in results.values() for verdict in those))


def _models(driver: Driver, model: str | None, resource: str | None) -> list[str]:
    """The models that are tested; UsageError for one that the driver does not have."""
    if model is not None and model not in driver.models:
        raise UsageError(f"{driver.id} has no model {model!r}; it has {', '.join(driver.models)}")
    if model is None and resource is not None and len(driver.models) > 1:
        raise UsageError(f"which instrument is at {resource}? Say --model with one of {', '.join(driver.models)}")
    return list(driver.models) if model is None else [model]


def _require_consent(subject: Subject, with_cell: bool, consent: bool, as_json: bool) -> None:
    """Say what will be done, and go on only if a person (or the option for it) says that it may."""
    from luggin.testing import announcement

    option, said, question = _CONSENT[with_cell]
    for sentence in announcement(subject):
        click.echo(sentence, err=as_json)
    if consent:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{subject.resource}: nobody is here to say {said}, add {option}. Nothing was sent.")
    if not click.confirm(question, err=as_json):
        raise UsageError("Nothing was sent.")


@contextlib.contextmanager
def _drivers_quiet() -> Iterator[None]:
    """What drivers log about faults that are put in on purpose is nobody's news, and would stand between verdicts.

    Whoever has set up logging gets it all the same.
    """
    root, taker = logging.getLogger(), logging.NullHandler()
    root.addHandler(taker)
    try:
        yield
    finally:
        root.removeHandler(taker)


@contextlib.contextmanager
def _owned(resource: str) -> Iterator[None]:
    """The line is ours meanwhile, for other programs of Luggin to see."""
    from luggin.clock import RealClock
    from luggin.engine.session import canonical
    from luggin.transport import LineOwnership

    since = RealClock().utc().astimezone().isoformat(timespec="seconds")
    with LineOwnership(canonical(resource), user=getpass.getuser(), purpose="luggin instruments test", since=since):
        yield


def _shown(title: str, verdicts: Iterable[Verdict], as_json: bool) -> list[Verdict]:
    """All verdicts; each is printed as it comes."""
    if not as_json:
        click.echo(title)
    seen = []
    for verdict in verdicts:
        seen.append(verdict)
        if not as_json:
            detail = f": {verdict.detail}" if verdict.detail else ""
            word = "FAILED" if verdict.outcome == "failed" else verdict.outcome
            click.echo(f"  {verdict.check.name.replace('_', ' '):42} {word}{detail}")
    if not as_json:
        counts = {
            outcome: sum(v.outcome == outcome for v in seen) for outcome in ("passed", "failed", "not applicable")
        }
        click.echo(f"  {', '.join(f'{count} {outcome}' for outcome, count in counts.items())}")
    return seen


def _json_of(verdict: Verdict) -> Mapping[str, Any]:
    return {
        "check": verdict.check.name,
        "requires": verdict.check.requires,
        "outcome": verdict.outcome,
        "detail": verdict.detail,
    }
