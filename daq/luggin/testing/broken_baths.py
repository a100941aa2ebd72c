"""What a line that fails does to the control of a temperature: reading it, setting it, leaving it.

What controls a temperature runs no techniques, so its faults come in the midst of its three operations. It either
does what it was asked to, or raises one of Luggin's errors in time; it never makes a temperature up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luggin.capabilities import TemperatureController
from luggin.errors import InstrumentError
from luggin.testing.checking import CheckFailed, NotApplicable, require
from luggin.testing.faults import WireFault
from luggin.testing.rig import MARGIN, NAME, Rig

if TYPE_CHECKING:
    from luggin.testing.subject import Subject

#: What befalls a cell does not befall a bath.
_ONLY_CELLS = ("overload", "nan")
#: Set points (K from what it reads): before, and of the operation. So far apart that no reading passes for another.
_FIRST, _NEXT = 10.0, 15.0
#: A set point is read back as near as this (K).
NEAR = 0.05
#: A reading may be this far (K) outside of what was read before and behind it.
_NOISE = 0.3
#: What controls has gone so far of the way to its set point after so long (s).
_MOVES_WITHIN, _SHARE_OF_THE_WAY = 3600.0, 0.5

Operation = Callable[[Rig, float], float | str]


def _read(rig: Rig, target: float) -> float:
    return rig.controller.read_temperature()


def _set(rig: Rig, target: float) -> float:
    return rig.controller.set_temperature(target)


def _leave(rig: Rig, target: float) -> str:
    return rig.device.make_safe()


OPERATIONS: Mapping[str, Operation] = {"read_temperature": _read, "set_temperature": _set, "make_safe": _leave}


@dataclass(frozen=True)
class BathCase:
    """One operation, and how it goes undisturbed.

    Attributes:
        name: of the method.
        replies: how often something came over the line.
        lasts: how long it takes (lab s).
        setting: what carries the set point; nothing if the operation sets none.
        said: what `make_safe` says.
    """

    name: str
    replies: int
    lasts: float
    setting: tuple[bytes, ...]
    said: float | str


def find_bath_cases(subject: Subject) -> list[BathCase]:
    """The operations with how they go.

    Raises:
        NotApplicable: it controls no temperature, or the simulator puts no faults on lines.
    """
    found = []
    for name, operation in OPERATIONS.items():
        writes = []
        for distance in (_NEXT, _NEXT + 1.0):
            with subject.rig() as rig:
                if getattr(rig.lab, "faults", None) is None:
                    raise NotApplicable("the simulator puts no faults on its lines (its laboratory has no `faults`)")
                before = _prepared(rig)
                rig.said.clear()
                began = rig.clock.now()
                said = operation(rig, _target(rig, before, distance))
                lasts = rig.clock.now() - began
                replies = sum(direction == "<" for _, direction, _ in rig.said)
                writes.append(rig.writes)
        setting = tuple(data for data in writes[-1] if data not in writes[0])
        found.append(BathCase(name, replies, lasts, setting, said))
    return found


def break_bath(subject: Subject, fault: WireFault) -> None:
    """Each operation with this fault, at its first reply, in its midst and at its last ones."""
    if fault.kind in _ONLY_CELLS:
        raise NotApplicable("there is no cell on this instrument")
    for case in subject.bath_cases:
        for after in sorted({0, case.replies // 2, max(0, case.replies - 2), case.replies - 1}):
            _break(subject, case, fault, after)


def _break(subject: Subject, case: BathCase, fault: WireFault, after: int) -> None:
    with subject.rig() as rig:
        where = f"{case.name}, {fault.kind} after {after} of {case.replies} replies"
        known = rig.device.identify()
        before = _prepared(rig)
        target = _target(rig, before, _NEXT + 1.0)
        faults = rig.lab.faults(NAME)  # type: ignore[attr-defined]  # there is one, or there would be no case
        planned = fault.planned(rig.line.timeout)
        faults.inject(fault.kind, after=after, **planned)
        rig.said.clear()
        began = rig.clock.now()
        said: float | str | None = None
        try:
            said = OPERATIONS[case.name](rig, target)
        except InstrumentError:
            pass
        except Exception as error:
            raise CheckFailed(f"{where}: it raised {error!r}, which is no InstrumentError") from error
        allowed = case.lasts + subject.patience_with(rig.line) + MARGIN
        if case.name == "make_safe":
            allowed += 2 * sum(one.timeout for one in rig.device.safe_dialogue())
        if said is not None:
            allowed += planned.get("duration", 0.0) + case.replies * planned.get("delay", 0.0)
        took = rig.clock.now() - began
        require(took <= allowed, f"{where}: it took {took:.3g} s; {allowed:.3g} s are allowed")
        for data in case.setting:
            require(rig.writes.count(data) <= 1, f"{where}: {data!r} was sent {rig.writes.count(data)} times")
        happened = bool(faults.events)
        faults.clear()
        rig.clock.sleep(planned.get("duration", 0.0))
        if happened:
            behind = _require_recovered(rig, known, target, where, same_line=fault.kind != "unplug")
            # One that is started anew behind its last answer has done what it said.
            kept = fault.kind != "reboot" or after < case.replies - 1
            _require_true(rig, case, said, (before, behind, target), where, kept=kept)


def _require_recovered(rig: Rig, known: object, target: float, where: str, *, same_line: bool) -> float:
    """The fault is over: the same driver, if it still has its line, and a new one get right answers.

    Returns:
        The temperature (degC) that was read first.
    """
    read = []
    for new in (False, True) if same_line else (True,):
        if new:
            rig.reopen()
        how = f"{where}, then {'a new driver' if new else 'the same driver'}"
        try:
            read.append(rig.controller.read_temperature())
            answered = rig.device.identify()
        except InstrumentError as error:
            raise CheckFailed(f"{how}: {error!r} although the fault is over") from error
        require(answered == known, f"{how}: identify says {answered}, before it was {known}")
    return read[0]


def _require_true(
    rig: Rig,
    case: BathCase,
    said: float | str | None,
    known: tuple[float, float, float],
    where: str,
    *,
    kept: bool,
) -> None:
    """What was said while the line failed, against what it says now (degC: before, behind, target).

    ``kept`` False: what it said was true, and is no more.
    """
    before, behind, target = known
    if case.name == "read_temperature" and said is not None:
        low, high = sorted((before, behind))
        right = low - _NOISE <= float(said) <= high + _NOISE
        require(right, f"{where}: it read {said!r} degC; before it were {before:g} degC, behind it {behind:g} degC")
    if case.name == "make_safe" and said is not None and kept:
        says = rig.device.make_safe()
        require(said == says, f"{where}: it said {said!r}, and now it says {says!r}")
    if case.name == "set_temperature" and said is not None:
        require(abs(float(said) - target) <= NEAR, f"{where}: it says {said!r} degC; {target:g} degC were asked for")
    if case.name == "set_temperature" and said is not None and kept:
        rig.clock.sleep(_MOVES_WITHIN)
        now = rig.controller.read_temperature()
        on_the_way = abs(target - now) <= (1 - _SHARE_OF_THE_WAY) * abs(target - behind)
        require(on_the_way, f"{where}: it said {said!r} degC, but {_MOVES_WITHIN:g} s later there are {now:g} degC")
    try:
        again = rig.controller.set_temperature(target)
        rig.device.make_safe()
    except InstrumentError as error:
        raise CheckFailed(f"{where}, then once more: {error!r} although the fault is over") from error
    require(abs(again - target) <= NEAR, f"{where}, then once more: it says {again:g} degC")


def _prepared(rig: Rig) -> float:
    """It controls at a set point far from what it reads; that temperature (degC)."""
    rig.device.identify()
    rig.device.make_safe()
    controller = rig.controller
    before = controller.read_temperature()
    controller.set_temperature(_target(rig, before, _FIRST))
    return controller.read_temperature()


def _target(rig: Rig, before: float, distance: float) -> float:
    """A set point (degC) at a distance (K) from a temperature, on the side where there is room for it."""
    allowed = rig.controller.range.temperature
    return round(before) + (distance if before + distance + 1.0 <= allowed.high else -distance)


def controls_a_temperature(subject: Subject) -> bool:
    """Whether it is broken while it controls, and not in the midst of techniques."""
    return isinstance(subject.offline(), TemperatureController)
