"""Checks of what controls a temperature."""

from __future__ import annotations

import math

from luggin.errors import InstrumentError, LimitError, UsageError
from luggin.testing.broken_baths import NEAR
from luggin.testing.checking import CheckFailed, check, require
from luggin.testing.subject import Subject

#: From what the instrument reads to what it is set to (K).
STEP = 1.0


@check
def temperatures_are_set_and_read_back(subject: Subject) -> None:
    """`set_temperature` gives the set point that the instrument has, read back.

    The temperature is a finite number (degC).
    """
    with subject.rig() as rig:
        controller = rig.controller
        rig.device.identify()
        rig.device.make_safe()
        before = controller.read_temperature()
        require(math.isfinite(before), f"the temperature is read as {before!r}")
        allowed = controller.range.temperature
        target = min(max(before + STEP, allowed.low), allowed.high)
        said = controller.set_temperature(target)
        require(abs(said - target) <= NEAR, f"set to {target:g} degC, it says {said:g} degC")
        rig.device.make_safe()


@check
def temperatures_out_of_range_are_refused(subject: Subject) -> None:
    """A set point outside the declared range is a `LimitError`, an unknown sensor a `UsageError`.

    Nothing is sent.
    """
    with subject.rig() as rig:
        controller = rig.controller
        rig.device.identify()
        allowed = controller.range.temperature
        before = rig.written
        for target in (allowed.low - 1.0, allowed.high + 1.0, math.nan):
            try:
                controller.set_temperature(target)
            except LimitError:
                continue
            raise CheckFailed(f"{target:g} degC was set; {allowed.low:g} ... {allowed.high:g} degC are allowed")
        try:
            controller.read_temperature("no such sensor")
        except UsageError:
            pass
        except InstrumentError as error:
            raise CheckFailed(f"a sensor that does not exist is told as {error!r}") from error
        else:
            raise CheckFailed("a sensor that does not exist was read")
        require(rig.written == before, f"it sent {rig.written[len(before) :]!r}")


CHECKS = (temperatures_are_set_and_read_back, temperatures_out_of_range_are_refused)
