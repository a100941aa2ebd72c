"""Steps of a temperature controller: ``set_temperature ramp equilibrate``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

from pydantic import Field, ValidationInfo, field_validator

from luggin.steps.base import Modifiers, Step
from luggin.steps.quantities import Duration, Interval, Kind, PositiveDuration, Quantity, Written, refuse
from luggin.units import show_duration

#: How much longer than its dwell an `Equilibrate` may take, where nothing else is said (s).
LONGEST_APPROACH = 6 * 3600.0

_CELSIUS = re.compile("degC|°C|℃")


@dataclass(frozen=True)
class DifferenceKind(Kind):
    """A difference of temperatures, or a rate of change: of 1 degC it is 1 K, not 274.15 K."""

    def read(self, value: object) -> Quantity:
        """The validated quantity, remembered as it was written."""
        if not isinstance(value, str):
            return super().read(value)
        plain = super().read(_CELSIUS.sub("K", value))
        return Quantity(float(plain), plain.unit, value)


Temperature = Annotated[Quantity, Kind("degC", "40 degC", at_least=-273.15)]
Difference = Annotated[Quantity, DifferenceKind("K", "0.2 K", above=0.0)]
Drift = Annotated[Quantity, DifferenceKind("K/s", "0.02 K/min", above=0.0)]


class TemperatureStep(Step):
    """A step that a temperature controller does: the one that ``on`` names, or the only one of the bench.

    It establishes the temperature of that controller, so a resumed run does it again before anything
    that follows.
    """

    target: Temperature = Field(description="the temperature", examples=["40 degC"])


class SetTemperature(TemperatureStep):
    """Set the set point of a temperature controller and go on at once.

    >>> SetTemperature(target="313.15 K").target
    <313.15 K>
    """

    do: Literal["set_temperature"] = "set_temperature"

    if TYPE_CHECKING:

        def __init__(self, *, target: Written, **modifiers: Unpack[Modifiers]) -> None: ...


class Ramp(TemperatureStep):
    """Move the set point from the present temperature to another one at a constant rate.

    The computer moves it in small steps; it is over when the set point has arrived. Where the
    sample is by then, `Equilibrate` says.
    """

    do: Literal["ramp"] = "ramp"
    rate: Drift = Field(description="how fast the set point moves", examples=["1 K/min"])
    dt: Interval = Field(
        "10 s",  # type: ignore[assignment]  # read by its kind, as what a file says
        description="time between two steps of the set point, and between two readings",
    )

    if TYPE_CHECKING:

        def __init__(
            self, *, target: Written, rate: Written, dt: Written = "10 s", **modifiers: Unpack[Modifiers]
        ) -> None: ...


class Equilibrate(TemperatureStep):
    """Set a temperature and wait until a sensor says that it has been reached, and stays.

    Reached means: the sensor reads the target, within ``within``, without a break for ``dwell``, and
    (with ``slope``) a straight line through the last ``window`` of its readings is flatter than that.
    A reading outside begins the dwell anew.

    >>> Equilibrate(target="40 degC", within="0.2 K", dwell="2 h").longest / 3600
    8.0
    """

    do: Literal["equilibrate"] = "equilibrate"
    sensor: Literal["sample", "bath"] = Field("sample", description="the sensor that is judged")
    within: Difference = Field(description="largest distance from the target, to either side")
    dwell: Duration = Field(description="how long all of it must hold without a break", examples=["2 h"])
    slope: Drift | None = Field(None, description="largest slope over the window; not judged if left out")
    window: PositiveDuration = Field(
        "10 min",  # type: ignore[assignment]  # as above
        description="time over which the slope is taken",
    )
    timeout: PositiveDuration | None = Field(
        None, description="how long the whole step may take; the dwell and 6 h if left out", examples=["8 h"]
    )
    on_timeout: Literal["stop", "measure and flag"] = Field(
        "stop", description="what then: end the run, or go on with what follows and say so in the data"
    )
    dt: Interval = Field(
        "10 s",  # type: ignore[assignment]  # as above
        description="time between two readings",
    )

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            target: Written,
            within: Written,
            dwell: Written,
            sensor: Literal["sample", "bath"] = "sample",
            slope: Written | None = None,
            window: Written = "10 min",
            timeout: Written | None = None,
            on_timeout: Literal["stop", "measure and flag"] = "stop",
            dt: Written = "10 s",
            **modifiers: Unpack[Modifiers],
        ) -> None: ...

    @field_validator("timeout")
    @classmethod
    def _leaves_time(cls, timeout: Quantity | None, info: ValidationInfo) -> Quantity | None:
        dwell = info.data.get("dwell")
        if timeout is not None and dwell is not None and timeout <= dwell:
            raise refuse(
                f"{timeout.written} is over before a dwell of {dwell.written} can be.",
                f"Write more than {show_duration(dwell)}.",
            )
        return timeout

    @field_validator("dt")
    @classmethod
    def _is_dense_enough(cls, dt: Quantity, info: ValidationInfo) -> Quantity:
        slope, window = info.data.get("slope"), info.data.get("window")
        if slope is not None and window is not None and 2 * dt > window:
            raise refuse(f"with a reading each {dt.written}, a window of {window.written} has no slope.")
        return dt

    @property
    def longest(self) -> float:
        """How long the step may take (s)."""
        return float(self.dwell) + LONGEST_APPROACH if self.timeout is None else float(self.timeout)
