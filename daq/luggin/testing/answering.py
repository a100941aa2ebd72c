"""Checks of single questions: an answer that makes no sense, none at all, and one that comes too late."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from luggin.errors import BadReply, InstrumentError, InstrumentFault, LimitError, ReplyTimeout
from luggin.instrument import Reading, Setting
from luggin.testing.checking import CheckFailed, NotApplicable, check, require
from luggin.testing.rig import MARGIN
from luggin.testing.subject import Subject

_NONSENSE = (b"\xff\xfe\x00", b"1.2.3", b"?!", b"", b"--5")


@check
def readings_are_read(subject: Subject) -> None:
    """Every declared reading and setting can be read from the twin; numbers are finite numbers.

    A real instrument may refuse one of them: not everything that it can read is connected.
    """
    with subject.rig() as rig:
        rig.device.identify()
        rig.device.make_safe()
        for name, declared in questions(rig.device):
            try:
                value = getattr(rig.device, name).read()
            except InstrumentFault:
                if subject.resource:
                    continue
                raise
            if declared.unit:
                require(
                    isinstance(value, int | float) and math.isfinite(value),
                    f"{name} is declared in {declared.unit!r}, but was read as {value!r}",
                )


@check
def nonsense_is_no_value(subject: Subject) -> None:
    """An answer that is no value of a reading is a `BadReply` with the bytes that came, never a value."""
    for answer in _NONSENSE:
        for name, declared in questions(subject.stand_in()[1]):
            _, device = subject.stand_in(answer)
            try:
                value = getattr(device, name).read()
            except BadReply as error:
                kept = not answer or (error.raw and error.raw in answer + subject.terminator)
                require(kept, f"{name}: {error!r} does not keep the bytes {answer!r}")
            except InstrumentError:
                continue  # a driver may notice earlier that something is wrong
            else:
                # Text may be anything that can be printed.
                taken = not declared.unit and isinstance(value, str) and value == answer.decode("ascii", "ignore")
                require(taken, f"{name}: {answer!r} was read as {value!r}")


@check
def silence_is_told_in_time(subject: Subject) -> None:
    """A question that nobody answers is a `ReplyTimeout` within the driver's patience; nothing hangs."""
    for name, _ in questions(subject.stand_in()[1]):
        line, device = subject.stand_in()
        began = line.clock.now()
        try:
            value = getattr(device, name).read()
        except ReplyTimeout:
            took = line.clock.now() - began
            allowed = subject.patience_with(line) + MARGIN
            require(took <= allowed, f"{name}: silence was told after {took:g} s; {allowed:g} s are allowed")
        else:
            raise CheckFailed(f"{name} was read as {value!r} although nobody answered")


@check
def settings_refuse_what_is_out_of_range(subject: Subject) -> None:
    """A setting outside its declared limits is a `LimitError`, and nothing is sent."""
    line, device = subject.stand_in()
    found = [(name, declared) for name, declared in questions(device) if isinstance(declared, Setting)]
    limited = [(name, declared.limits) for name, declared in found if declared.limits is not None]
    if not limited:
        raise NotApplicable("no setting has limits")
    for name, (low, high) in limited:
        for value in (low - 1.0, high + 1.0, math.nan):
            try:
                getattr(device, name).set(value)
            except LimitError:
                continue
            raise CheckFailed(f"{name} = {value:g} was set; allowed are {low:g} ... {high:g}")
    require(not line.written, f"it sent {line.written!r}")


def questions(device: Any) -> Iterator[tuple[str, Reading[Any] | Setting[Any]]]:
    """Everything that the driver declares to be readable."""
    found = [(name, getattr(type(device), name)) for name in dir(type(device))]
    questions = [(name, declared) for name, declared in found if isinstance(declared, Reading | Setting)]
    if not questions:
        raise NotApplicable("the driver declares no reading")
    yield from questions


CHECKS = (readings_are_read, nonsense_is_no_value, silence_is_told_in_time, settings_refuse_what_is_out_of_range)
