"""A look at the cell before anything is done to it: the step ``preflight``, and what it expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack

from pydantic import Field, ValidationInfo, field_validator

from luggin.capabilities import Technique
from luggin.steps.base import Modifiers, Record, Step
from luggin.steps.quantities import CurrentRange, Interval, Kind, PositiveDuration, Quantity, Rate, Written, refuse

#: A pre-flight looks, it does not polarise: it goes no further than this from the open-circuit potential (V).
LARGEST_AMPLITUDE = 0.05
#: Readings of the open-circuit potential without which neither drift nor noise can be told.
FEWEST_READINGS = 10
#: How long the excursion lasts, more or less (s).
LASTS = 2.0

Potential = Annotated[Quantity, Kind("V", "-1 V")]
Voltage = Annotated[Quantity, Kind("V", "1 mV", above=0.0)]
Drift = Annotated[Quantity, Kind("V/s", "1 mV/s", above=0.0)]
Current = Annotated[Quantity, Kind("A", "5 nA", above=0.0)]
Resistance = Annotated[Quantity, Kind("ohm", "1 kohm", at_least=0.0)]
Amplitude = Annotated[Quantity, Kind("V", "10 mV", above=0.0)]


class Expected(Record):
    """What a good cell looks like: ``{ocp = ["-1 V", "1 V"], drift_below = "1 mV/s"}``."""

    ocp: tuple[Potential, Potential] | None = Field(
        None,
        description="lowest and highest open-circuit potential; what the limits allow if left out",
        examples=[["-1 V", "1 V"]],
    )
    drift_below: Drift = Field(
        Quantity.parse("1 mV/s", "V/s"), description="largest drift of the open-circuit potential, to either side"
    )
    noise_below: Voltage = Field(
        Quantity.parse("1 mV", "V"),
        description="largest standard deviation of the open-circuit potential about a straight line",
    )
    current_noise_below: Current | None = Field(
        None, description="largest standard deviation of the current; not judged if left out"
    )
    resistance: tuple[Resistance, Resistance] | None = Field(
        None,
        description="lowest and highest resistance for slow changes of the potential; not below 1 ohm if left out",
        examples=[["1 kohm", "1 Mohm"]],
    )

    @field_validator("ocp", "resistance")
    @classmethod
    def _is_a_window(cls, window: tuple[Quantity, Quantity] | None) -> tuple[Quantity, Quantity] | None:
        if window is not None and window[0] >= window[1]:
            raise refuse(
                f"the lowest value, {window[0].written}, is not below the highest, {window[1].written}.",
                "Write the lower one first.",
            )
        return window


class MeasuringModifiers(Modifiers, total=False):
    """What a step that measures currents may be given besides its own parameters."""

    current_range: Written | None


class Preflight(Step):
    """Open-circuit potential, then its answer to a small excursion; a verdict before a long run starts.

    The cell is open while the open-circuit potential is measured. Only if that can be trusted, it is
    closed for a few seconds, in which the potential goes up and down by the amplitude about the
    open-circuit potential. What then flows tells whether the circuit is closed at all, the sign of
    the current, and a resistance.

    >>> sweep = Preflight(amplitude="5 mV").excursion(0.1, 0.5).parameters
    >>> [round(sweep["begin"], 3), *(round(v, 3) for v in sweep["vertices"])]
    [0.1, 0.105, 0.095]
    """

    do: Literal["preflight"] = "preflight"
    duration: PositiveDuration = Field(
        Quantity.parse("10 s", "s"), description="how long the open-circuit potential is measured"
    )
    dt: Interval = Field(Quantity.parse("0.1 s", "s"), description="time between two of its readings")
    amplitude: Amplitude = Field(
        Quantity.parse("10 mV", "V"), description="how far the excursion goes to either side, 50 mV or less"
    )
    rate: Rate | None = Field(
        None,
        description="how fast it is; if left out 50 mV/s, and where nothing answers, as fast as the instrument can",
        examples=["50 mV/s"],
    )
    current_range: CurrentRange | None = Field(
        None, description="largest current that must be measurable; the instrument chooses its ranges if left out"
    )
    expect: Expected = Field(
        default_factory=Expected, description="what a good cell looks like", examples=[{"ocp": ["-1 V", "1 V"]}]
    )
    on_fail: Literal["stop", "ask", "note"] = Field(
        "stop", description="stop: the run ends; ask: a person decides; note: it is written down, and the run goes on"
    )

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            duration: Written = "10 s",
            dt: Written = "0.1 s",
            amplitude: Written = "10 mV",
            rate: Written | None = None,
            expect: Expected | Mapping[str, Any] = ...,
            on_fail: Literal["stop", "ask", "note"] = "stop",
            **modifiers: Unpack[MeasuringModifiers],
        ) -> None: ...

    @field_validator("dt")
    @classmethod
    def _enough_readings(cls, dt: Quantity, info: ValidationInfo) -> Quantity:
        duration = info.data.get("duration")
        if duration is not None and dt * FEWEST_READINGS > duration:
            raise refuse(
                f"{duration.written} with a reading each {dt.written} are fewer than {FEWEST_READINGS} readings, by "
                "which neither drift nor noise can be told."
            )
        return dt

    @field_validator("amplitude")
    @classmethod
    def _small(cls, amplitude: Quantity) -> Quantity:
        if amplitude > LARGEST_AMPLITUDE:
            raise refuse(
                f"{amplitude.written} is more than a look at the cell; 50 mV or less are allowed.",
                "Polarise it with a technique of its own.",
            )
        return amplitude

    def open_circuit(self) -> Technique:
        """The measurement with the cell open."""
        return Technique("ocp", {"duration": float(self.duration), "dt": float(self.dt)})

    def excursion(self, ocp: float, rate: float, steps: int = 10) -> Technique:
        """The measurement with the cell closed: a triangle about ``ocp`` (V) at ``rate`` (V/s).

        ``steps`` lead from ``ocp`` to a turning point. It lasts 2 s, but goes round 3 times at least:
        what the instrument needs to settle is left out.
        """
        amplitude = float(self.amplitude)
        return Technique(
            "cv",
            {
                "begin": ocp,
                "vertices": (ocp + amplitude, ocp - amplitude),
                "end": ocp,
                "rate": rate,
                "step": amplitude / steps,
                "cycles": max(3, round(LASTS * rate / (4.0 * amplitude))),
                "quiet": 0.0,
                "current_range": None if self.current_range is None else float(self.current_range),
            },
        )
