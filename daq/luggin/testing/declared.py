"""Checks of what a driver declares and prepares. Nothing is sent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from luggin import units
from luggin.capabilities import Capabilities, Range, Technique, TechniqueCapability, measures
from luggin.errors import LimitError, LugginError, NotSupported, UnitError, UsageError
from luggin.instrument import Action, Reading, Setting
from luggin.records import Schema
from luggin.testing.checking import CheckFailed, NotApplicable, check, require
from luggin.testing.subject import Subject

#: What a technique that Luggin knows has to measure; each entry is one column of several.
_NEEDED_COLUMNS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ocp": (("potential", "voltage"),),
    "ca": (("potential", "voltage"), ("current",)),
    "cp": (("potential", "voltage"), ("current",)),
    "lsv": (("potential", "voltage"), ("current",)),
    "cv": (("potential", "voltage"), ("current",), ("cycle",)),
}
#: Parameters whose range a technique must declare, and what kind of quantity they are.
_NEEDED_LIMITS: Mapping[str, tuple[str, ...]] = {
    "ocp": ("duration", "dt"),
    "ca": ("duration", "dt"),
    "cp": ("duration", "dt"),
    "lsv": ("rate", "step"),
    "cv": ("rate", "step", "cycles"),
}
_UNITS: Mapping[str, str] = {
    "duration": "s",
    "dt": "s",
    "quiet": "s",
    "rate": "V/s",
    "step": "V",
    "cycles": "1",
    "potential": "V",
    "current": "A",
}
#: A number with what may be its unit, as messages have them.
_QUANTITY = re.compile(r"(?<![\w.])([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s?([A-Za-zµ°%Ω][\w/*^µ°]*)?")
_MISSPELT = "no_such_setting"
_ODD = 1.000123456789


@check
def silent_constructor(subject: Subject) -> None:
    """Making an instrument and looking at each of its attributes sends no byte.

    A misspelt attribute cannot be assigned.
    """
    line, device = subject.stand_in()
    for name in dir(device):
        getattr(device, name)
    require(not line.written, f"it sent {line.written!r}")
    try:
        device.no_such_attribute = 1  # type: ignore[attr-defined]
    except AttributeError:
        return
    raise CheckFailed("no_such_attribute = 1 was taken without a word: a misspelt setting would do nothing")


@check
def works_offline(subject: Subject) -> None:
    """`offline` makes a driver without a line that declares the same as one with a line.

    What needs the line is refused.
    """
    offline, (_, online) = subject.offline(), subject.stand_in()
    if measures(offline) and measures(online):
        require(offline.capabilities == online.capabilities, "it declares other capabilities without a line")
    try:
        offline.identify()
    except LugginError:
        return
    raise CheckFailed("identify gave an answer although there is no line")


@check
def refuses_unknown_settings(subject: Subject) -> None:
    """A setting that the driver does not know is a `UsageError` that names it, before a line is opened."""
    settings = {**subject.settings, _MISSPELT: 1}
    for what in (subject.driver.line_settings, subject.driver.offline):
        try:
            what(settings)
        except UsageError as error:
            require(_MISSPELT in str(error), f"the refusal does not name {_MISSPELT!r}: {error}")
        else:
            raise CheckFailed(f"{_MISSPELT} = 1 was taken without a word by {what.__name__}")


@check
def units_and_docs_everywhere(subject: Subject) -> None:
    """Readings, settings, actions, columns and ranges have a unit and a line of documentation.

    Units can be read ("1" for numbers, "" for text). Numeric settings have limits. A range says where it comes
    from, or that it is unconfirmed.
    """
    device = subject.offline()
    found = [*_faults_of_declarations(type(device))]
    if measures(device):
        capabilities = device.capabilities
        found += _faults_of_range("potential", capabilities.potential, "V")
        found += _faults_of_range("current", capabilities.current, "A")
        for name, technique in capabilities.techniques.items():
            found += _faults_of_columns(technique.schema)
            for parameter, allowed in technique.limits.items():
                found += _faults_of_range(f"{name}.{parameter}", allowed, _UNITS.get(parameter, allowed.unit))
    require(not found, "; ".join(found))


def _faults_of_declarations(driver: type[Any]) -> Iterator[str]:
    for name in dir(driver):
        declared = getattr(driver, name)
        if not isinstance(declared, Reading | Setting | Action):
            continue
        if not (declared.__doc__ or "").strip():
            yield f"{name} has no doc"
        if isinstance(declared, Action):
            continue
        if not _is_unit(declared.unit):
            yield f"{name} has the unit {declared.unit!r}, which cannot be read"
        if isinstance(declared, Setting) and declared.unit:
            if declared.limits is None:
                yield f"{name} is a number without limits"
            elif not declared.limits[0] < declared.limits[1]:
                yield f"{name} has the limits {declared.limits}"


def _faults_of_columns(schema: Schema) -> Iterator[str]:
    for column in schema.columns:
        if not _is_unit(column.unit):
            yield f"column {column.name} of {schema.stream} has the unit {column.unit!r}, which cannot be read"
        if not column.long_name.strip():
            yield f"column {column.name} of {schema.stream} has no long name"


def _faults_of_range(what: str, allowed: Range, unit: str) -> Iterator[str]:
    if not (math.isfinite(allowed.low) and math.isfinite(allowed.high) and allowed.low < allowed.high):
        yield f"the range of {what} is {allowed.low!r} ... {allowed.high!r}"
    if allowed.unit != unit and not (_is_unit(allowed.unit) and units.same_kind(allowed.unit, unit)):
        yield f"the range of {what} is in {allowed.unit!r}, not in {unit!r}"
    if allowed.confirmed and not allowed.source.strip():
        yield f"the range of {what} does not say where it comes from (source), nor that it is unconfirmed"


def _is_unit(text: str) -> bool:
    if text in ("", "1"):
        return True
    try:
        units.convert(1.0, text, text)
    except UnitError:
        return False
    return True


@check
def capabilities_are_consistent(subject: Subject) -> None:
    """Each technique measures what it must and declares the ranges of its parameters.

    Current ranges ascend and are within the current; abort, polarity and what it was tested on are said.
    """
    capabilities = subject.offline_instrument().capabilities
    found = [*_contradictions(capabilities)]
    for name, technique in capabilities.techniques.items():
        found += _lacks(name, technique)
    require(not found, "; ".join(found))


def _contradictions(c: Capabilities) -> Iterator[str]:
    if not c.techniques:
        yield "it declares no technique"
    ranges = c.current_ranges
    if any(later <= earlier for earlier, later in pairwise(ranges)) or any(value <= 0 for value in ranges):
        yield f"the current ranges do not ascend: {ranges}"
    if ranges and ranges[-1] > max(abs(c.current.low), c.current.high) * (1 + 1e-9):
        yield f"its largest current range ({ranges[-1]:g} A) is above the current that it allows"
    if c.window is not None and not 0 < c.window <= (c.potential.high - c.potential.low) * (1 + 1e-9):
        yield f"its window of {c.window:g} V does not fit into its potentials"
    if not c.abort.strip() or not 0 < c.abort_latency < math.inf:
        yield "what an abort does, or how long it takes, is not said"
    if c.polarity == "unknown" and not any("olarity" in sentence for sentence in c.unconfirmed):
        yield "its polarity is unknown, and `unconfirmed` does not say so"
    if not c.model.strip() or not c.tested_on.strip():
        yield "model or tested_on is empty"
    measured = {column for technique in c.techniques.values() for column in technique.schema.names}
    if strange := set(c.enforced) - measured:
        yield f"it holds limits of {', '.join(sorted(strange))}, which no technique measures"


def _lacks(name: str, technique: TechniqueCapability) -> Iterator[str]:
    names = technique.schema.names
    if names[0] != "instrument_time":
        yield f"the first column of {name} is {names[0]}, not instrument_time"
    for either in _NEEDED_COLUMNS.get(name, ()):
        if not set(either) & set(names):
            yield f"{name} has no column {' or '.join(either)}"
    for parameter in _NEEDED_LIMITS.get(name, ()):
        if parameter not in technique.limits:
            yield f"{name} declares no range of {parameter}"
    if not 0 < technique.latency < math.inf:
        yield f"{name} has a latency of {technique.latency} s"


@check
def prepare_says_what_it_will_do(subject: Subject) -> None:
    """`prepare` sends nothing and names in its notes what it had to round.

    It gives schemas, durations and rows for each technique, and the same ones the second time.
    """
    line, device = subject.stand_in()
    if not measures(device):
        raise NotApplicable("the instrument runs no techniques on a cell")
    for technique in subject.techniques(device.capabilities):
        realised = device.prepare([technique])
        require(not line.written, f"preparing {technique.name} sent {line.written!r}")
        require(realised == device.prepare([technique]), f"preparing {technique.name} twice gives two answers")
        require(
            [t.name for t in realised.techniques] == [technique.name]
            and realised.schemas == (device.capabilities.techniques[technique.name].schema,)
            and len(realised.durations) == len(realised.rows) == 1,
            f"{technique.name} is realised as {realised}",
        )
        require(realised.durations[0] > 0 and realised.rows[0] > 0, f"{technique.name} promises nothing: {realised}")
        require(0 < realised.latency < math.inf, f"{technique.name} promises a latency of {realised.latency} s")
        odd = _odd(technique)
        realised = device.prepare([odd])
        for parameter, asked in odd.parameters.items():
            _require_said(odd.name, parameter, asked, realised.techniques[0], realised.notes)


def _odd(technique: Technique) -> Technique:
    """The same with values that no instrument has a step for."""
    odd = {
        name: value * _ODD for name, value in technique.parameters.items() if name in ("rate", "potential", "current")
    }
    return Technique(technique.name, {**technique.parameters, **odd})


def _require_said(name: str, parameter: str, asked: Any, realised: Technique, notes: tuple[str, ...]) -> None:
    require(parameter in realised.parameters, f"what {name} will do does not say its {parameter}")
    got = realised.parameters[parameter]
    pairs = zip(asked, got, strict=True) if isinstance(asked, tuple | list) else [(asked, got)]
    for wanted, real in pairs:
        if not math.isclose(wanted, real, rel_tol=1e-9, abs_tol=1e-12):
            said = any(name in note and parameter in note for note in notes)
            require(said, f"{name}.{parameter} became {real!r} instead of {wanted!r}, and no note says so")


@check
def refuses_what_is_out_of_range(subject: Subject) -> None:
    """A value outside a declared range is a `LimitError` with the value and the range in it.

    What is no number, what is missing and what is unknown is refused too. Nothing is sent.
    """
    line, device = subject.stand_in()
    if not measures(device):
        raise NotApplicable("the instrument runs no techniques on a cell")
    capabilities = device.capabilities
    for technique in subject.techniques(capabilities):
        for changed, value, allowed in _outside(technique, capabilities):
            _require_limit_error(device, changed, value, allowed)
        for changed in _senseless(technique):
            try:
                device.prepare([changed])
            except UsageError:
                continue
            except LimitError:
                continue
            raise CheckFailed(f"{changed} was prepared")
    try:
        device.prepare([Technique("no_such_technique", {})])
    except NotSupported as error:
        require("no_such_technique" in str(error), f"the refusal does not name the technique: {error}")
    else:
        raise CheckFailed("a technique that does not exist was prepared")
    require(not line.written, f"it sent {line.written!r}")


def _outside(technique: Technique, capabilities: Capabilities) -> Iterator[tuple[Technique, float, Range]]:
    """The technique with one parameter too small or too large, that value, and what is allowed."""
    given = technique.parameters
    for name, allowed in capabilities.techniques[technique.name].limits.items():
        for value in (_below(allowed), _above(allowed)):
            whole = int(value) if allowed.unit == "1" else value
            yield Technique(technique.name, {**given, name: whole}), whole, allowed
    for value in (_below(capabilities.potential), _above(capabilities.potential)):
        # A cv ends where it begins; the other potentials are what they were.
        for names in {"lsv": ("begin", "end"), "ca": ("potential",), "cv": ("begin end",)}.get(technique.name, ()):
            yield (
                Technique(technique.name, {**given, **dict.fromkeys(names.split(), value)}),
                value,
                capabilities.potential,
            )
        if "vertices" in given:
            yield Technique(technique.name, {**given, "vertices": (value, 0.0)}), value, capabilities.potential


def _below(allowed: Range) -> float:
    return allowed.low - 0.5 * (abs(allowed.low) or 2.0)


def _above(allowed: Range) -> float:
    return allowed.high + 0.5 * (abs(allowed.high) or 2.0)


def _require_limit_error(device: Any, technique: Technique, value: float, allowed: Range) -> None:
    what = f"{technique.name} with {technique.parameters}"
    try:
        device.prepare([technique])
    except LimitError as error:
        text = str(error)
        require(_mentions(text, value, allowed.unit), f"the refusal of {what} does not name {value:g}: {error}")
        bounds = [bound for bound in (allowed.low, allowed.high) if _mentions(text, bound, allowed.unit)]
        require(bounds, f"the refusal of {what} names neither {allowed.low:g} nor {allowed.high:g}: {error}")
    else:
        raise CheckFailed(
            f"{what} was prepared; {value:g} {allowed.unit} is outside {allowed.low:g} ... {allowed.high:g}"
        )


def _senseless(technique: Technique) -> Iterator[Technique]:
    name, given = technique.name, technique.parameters
    yield Technique(name, {**given, _MISSPELT: 1.0})
    for parameter, value in given.items():
        if isinstance(value, int | float):
            yield Technique(name, {**given, parameter: math.nan})
    first = next(iter(given))
    yield Technique(name, {key: value for key, value in given.items() if key != first})


def _mentions(text: str, value: float, unit: str) -> bool:
    """Whether a message has this value, in whatever unit of the same kind."""
    for number, said in _QUANTITY.findall(text):
        if math.isclose(float(number), value, rel_tol=2e-3):
            return True
        try:
            if (
                said
                and unit not in ("", "1")
                and math.isclose(units.parse(f"{number} {said}", unit), value, rel_tol=2e-3)
            ):
                return True
        except UnitError:
            continue
    return False


CHECKS = (
    silent_constructor,
    works_offline,
    refuses_unknown_settings,
    units_and_docs_everywhere,
    capabilities_are_consistent,
    prepare_says_what_it_will_do,
    refuses_what_is_out_of_range,
)
