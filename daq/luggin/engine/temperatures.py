"""Which instrument tempers, whether it can do what a step asks, and the columns of its rows. Talks to nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeGuard

from luggin import units
from luggin.capabilities import TemperatureController
from luggin.errors import UsageError
from luggin.records import FLAGS, Column, Schema

if TYPE_CHECKING:
    from luggin.engine.bounds import Limit
    from luggin.steps import Step, TemperatureStep

TEMPERATURE = Schema(
    "temperature",
    (
        Column("temperature", "degC", "f8", "temperature at the sensor that is judged"),
        Column("bath_temperature", "degC", "f8", "temperature of the bath"),
        Column("sample_temperature", "degC", "f8", "temperature at the sample"),
        Column("setpoint", "degC", "f8", "set point, as the controller took it"),
        FLAGS,
    ),
)


def tempers(device: object) -> TypeGuard[TemperatureController]:
    """Whether an instrument is a temperature controller."""
    return hasattr(device, "set_temperature") and hasattr(device, "read_temperature")


def controller_role(devices: Mapping[str, object], on: str | None) -> str:
    """The role of the controller that a step means: the one that it names, or the only one.

    Raises:
        UsageError: there is none, it is another kind of instrument, or it is not clear which is meant.
    """
    there = [name for name, device in devices.items() if tempers(device)]
    if on is not None:
        if on not in devices:
            raise UsageError(f"the bench has no role {on!r}; it has {', '.join(devices)}")
        if on not in there:
            can = f"; of this bench {', '.join(there)} does" if there else ""
            raise UsageError(f"{on} controls no temperature{can}")
        return on
    if len(there) != 1:
        which = f"it has {', '.join(there)}; say which with `on`" if there else "the bench has none"
        raise UsageError(f"which temperature controller is meant? {which[0].upper()}{which[1:]}.")
    return there[0]


def states_made(devices: Mapping[str, object], step: Step) -> tuple[str, ...]:
    """The states of the sample that a step makes by itself, such as ``temperature@oven``."""
    from luggin.steps import TemperatureStep

    if not isinstance(step, TemperatureStep):
        return ()
    return (f"temperature@{controller_role(devices, step.on)}",)


def objection(devices: Mapping[str, object], limits: Iterable[Limit], step: TemperatureStep) -> str:
    """Why a step cannot be done on these instruments and within these limits (of a run); empty if it can.

    Talks to nobody, so it can be asked before a run.
    """
    try:
        role = controller_role(devices, step.on)
    except UsageError as error:
        return str(error)
    device = devices[role]
    target = float(step.target)
    if not tempers(device):  # pragma: no cover - the role was found as one that does
        return f"{role} controls no temperature"
    reach = device.range
    if target not in reach.temperature:
        return (
            f"{step.target.written} is out of reach of {role} ({reach.model}); allowed are "
            f"{reach.temperature.low:g} ... {reach.temperature.high:g} degC"
        )
    rate = getattr(step, "rate", None)
    if rate is not None and reach.rate is not None and rate * 60.0 > reach.rate.high:
        return f"{rate.written} is too fast for {role} ({reach.model}); it follows {reach.rate.high:g} K/min"
    for limit in limits:
        windowed = limit.column == "temperature" and limit.kind == "between"
        if windowed and not limit.low <= units.convert(target, "degC", limit.unit) <= limit.high:
            return f"{step.target.written} lies outside of the limits of this run ({limit.describe()})"
    return ""
