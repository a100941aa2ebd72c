"""What the tests apply, as the firmware computes it. Times are milliseconds since the start, potentials volts.

A test is a quiet time at its quiet value, and then a programme of straight pieces. Square waves, pulses and
sinusoids have their parameters here, but do not run in this simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from luggin_sim.dialects.iorodeo_rodeostat.json_lines import single_precision

_STAIRS: Mapping[str, Any] = {"startValue": -0.5, "finalValue": 0.5, "stepValue": 0.005}
#: Parameters of each test with their first values: an int is a whole number, a list the steps of a multi-step test.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "cyclic": {"amplitude": 1.0, "offset": 0.0, "period": 1000, "numCycles": 10, "shift": 0.0},
    "sinusoid": {"amplitude": 1.0, "offset": 0.0, "period": 1000, "numCycles": 10, "shift": 0.0},
    "constant": {"value": 1.0, "duration": 5000},
    "squareWave": {**_STAIRS, "amplitude": 0.025, "window": 0.2},
    "linearSweep": {"startValue": -0.5, "finalValue": 0.5, "duration": 2000},
    "chronoamp": {"step": [[1000, 0.5], [1000, -0.5]]},
    "multiStep": {"step": [[1000, 0.5], [1000, -0.5]]},
    "differentialPulse": {
        "startValue": -0.5,
        "finalValue": 0.5,
        "stepValue": 0.005,
        "pulseValue": 0.025,
        "window": 0.2,
    },
}
QUIET: Mapping[str, Any] = {"quietValue": 0.0, "quietTime": 0}
RUNNABLE = ("cyclic", "constant", "linearSweep", "chronoamp", "multiStep")
LONGEST_STEPS = {"chronoamp": 2, "multiStep": 50}


@dataclass
class Parameters:
    """The parameters of one test, as they are set."""

    test: str
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = {**QUIET, **DEFAULTS[self.test], **self.values}

    def set(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Take over what is right of ``given``; what was taken, and what was wrong."""
        taken: dict[str, Any] = {}
        wrong: list[str] = []
        for name, now in self.values.items():
            if name not in given:
                if name == "step":
                    wrong.append("step key not found")
                continue
            value, reason = _read(self.test, name, now, given[name])
            if reason:
                wrong.append(reason)
            else:
                self.values[name] = taken[name] = value
        return taken, wrong

    @property
    def done_at(self) -> int:
        """When the test is done (ms)."""
        return int(self.values["quietTime"]) + int(self._length())

    def _length(self) -> int:
        values = self.values
        if "numCycles" in values:
            return int(values["numCycles"] * values["period"])
        if "step" in values:
            return sum(duration for duration, _ in values["step"])
        return int(values.get("duration", 0))

    @property
    def extremes(self) -> tuple[float, float]:
        """Lowest and highest potential (V) by which the range is chosen; the quiet value counts for some only."""
        values = self.values
        if "numCycles" in values:
            return values["offset"] - values["amplitude"], values["offset"] + values["amplitude"]
        if "step" in values:
            levels = [level for _, level in values["step"]]
        else:
            levels = [values[name] for name in ("value", "startValue", "finalValue", "quietValue") if name in values]
        return min(levels), max(levels)

    def value(self, time: float) -> float:
        """The potential (V) at a time (ms), before the converter makes steps of it."""
        values = self.values
        after = time - values["quietTime"]
        if after < 0:
            return float(values["quietValue"])
        if self.test == "cyclic":
            return self._triangle(after)
        if self.test == "linearSweep":
            start, final = values["startValue"], values["finalValue"]
            return float((final - start) * after / values["duration"] + start)
        if self.test == "constant":
            return float(values["value"])
        end = 0
        for duration, level in values["step"]:
            end += duration
            if after <= end:
                return float(level)
        return 0.0

    def _triangle(self, after: float) -> float:
        values = self.values
        amplitude, period = values["amplitude"], values["period"]
        place = (after + self._shift) % period
        way = place if place < period / 2 else period - place
        return float(4.0 * amplitude * way / period + values["offset"] - amplitude)

    @property
    def _shift(self) -> float:
        """The shift in ms; the firmware cuts it to whole microseconds."""
        return int(self.values["shift"] * self.values["period"] * 1000.0) / 1000.0

    def turns(self, start: float, end: float) -> Iterator[tuple[float, bool]]:
        """Times (ms) within (start, end] at which a piece ends, and whether the potential jumps there."""
        quiet = float(self.values["quietTime"])
        if start < quiet <= end:
            yield quiet, True
        if self.test == "cyclic":
            half = self.values["period"] / 2
            first = max(start, quiet)
            number = int((first - quiet + self._shift) // half) + 1
            while (turn := quiet + number * half - self._shift) <= end:
                if turn > first:
                    yield turn, False
                number += 1
        elif "step" in self.values:
            turn = quiet
            for duration, _ in self.values["step"]:
                turn += duration
                if start < turn <= end:
                    yield turn, True


def _read(test: str, name: str, now: Any, given: Any) -> tuple[Any, str]:
    """A parameter as the firmware takes it, or why it does not."""
    if name == "step":
        return _read_steps(test, given)
    if isinstance(now, int):
        return (given, "") if _is_uint32(given) else (None, f"{name} not uint32")
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None, f"{name} not a float"
    return single_precision(float(given)), ""


def _read_steps(test: str, given: Any) -> tuple[Any, str]:
    if not isinstance(given, list):
        return None, "step not a JsonArray"
    if len(given) > LONGEST_STEPS[test]:
        return None, "step array too large"
    steps = []
    for item in given:
        if not isinstance(item, list):
            return None, "step item not JsonArary"
        if len(item) != 2:
            return None, "step item size!=2"
        if not _is_uint32(item[0]):
            return None, "step item[0] not uint32"
        if not isinstance(item[1], float):  # a whole number is refused here, unlike elsewhere
            return None, "step item[1] not float"
        steps.append([item[0], single_precision(item[1])])
    return steps, ""


def _is_uint32(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32
