r"""A bath with a sample in it: heating and cooling with limited power, and everything a little later.

Heat goes from the heater into the bath liquid and from there to the surroundings; the working sensor
follows the bath with a lag, the sample with a longer one:

.. math::
    C\,\dot T_b = P - G\,(T_b - T_a), \qquad
    \tau_s\,\dot T_s = T_b - T_s, \qquad
    \tau_x\,\dot T_x = T_b + \ell\,(T_a - T_b) - T_x

(lumped capacities: Incropera and DeWitt, *Fundamentals of Heat and Mass Transfer*, ch. 5). The power
comes from a proportional-integral controller that saturates, so large steps overshoot. Controlled at
the external sensor, a second such controller moves the set point of the first one (a cascade).

A chamber is shared by the instrument that tempers and by the cells in it. It goes on in steps of one
second from its first moment, whoever asks and however often: the same readings at the same time.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luggin.errors import Problem, ProtocolError
from luggin_sim.cells.redox_spec import Range, check_ranges
from luggin_sim.cells.table_reader import TableReader

#: How often the controller measures and acts (s); everything in the chamber takes much longer.
CYCLE = 1.0
_SLOWER_THAN = 5.0  # cycles
#: Gain of the outer controller of the cascade, and its integral time in lags of the sample.
_OUTER_GAIN, _OUTER_INTEGRAL = 1.0, 2.0

CHAMBER_RANGES = {
    "ambient": Range(200.0, 400.0, "K"),
    "starts_at": Range(150.0, 700.0, "K"),
    "heating": Range(0.0, 1e5, "W"),
    "cooling": Range(0.0, 1e5, "W"),
    "heat_capacity": Range(1.0, 1e8, "J/K"),
    "loss": Range(0.0, 1e4, "W/K"),
    "sensor_lag": Range(1.0, 1e4, "s"),
    "sample_lag": Range(1.0, 1e5, "s"),
    "sample_loss": Range(0.0, 0.5, ""),
    "proportional_band": Range(0.1, 100.0, "K"),
    "integral_time": Range(1.0, 1e5, "s"),
    "cascade": Range(0.0, 100.0, "K"),
    "noise": Range(0.0, 10.0, "K"),
}


@dataclass(frozen=True)
class ChamberSpec:
    """What a chamber is made of. Temperatures are K, powers W, times s.

    The defaults are those of a laboratory circulator with five litres and a jacketed cell.

    Attributes:
        ambient: temperature of the surroundings.
        starts_at: temperature of everything at the start; that of the surroundings if None.
        heating, cooling: largest powers.
        heat_capacity: of the bath (J/K).
        loss: to the surroundings (W/K).
        sensor_lag: time constant of the working sensor behind the bath.
        sample_lag: time constant of the sample, and of the sensor at it, behind the bath.
        sample_loss: which part of the way from the bath to the surroundings the sample stays away.
        proportional_band, integral_time: of the controller (K, s).
        cascade: how far the set point of the bath may be moved to bring the sample there (K).
        noise: standard deviation of a reading.
        seed: of the noise.
    """

    ambient: float = 296.15
    starts_at: float | None = None
    heating: float = 2000.0
    cooling: float = 800.0
    heat_capacity: float = 20_000.0
    loss: float = 4.0
    sensor_lag: float = 10.0
    sample_lag: float = 300.0
    sample_loss: float = 0.0
    proportional_band: float = 4.0
    integral_time: float = 120.0
    cascade: float = 10.0
    noise: float = 0.005
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, {k: r for k, r in CHAMBER_RANGES.items() if getattr(self, k) is not None})
        if self.loss and self.heat_capacity / self.loss < _SLOWER_THAN * CYCLE:
            raise ValueError(f"heat_capacity / loss is below {_SLOWER_THAN * CYCLE:g} s: this bath has no inertia")
        gain = self.heating / self.proportional_band
        if gain and self.heat_capacity / gain < _SLOWER_THAN * CYCLE:
            raise ValueError(
                "heat_capacity * proportional_band / heating is below "
                f"{_SLOWER_THAN * CYCLE:g} s: the controller would be faster than its own cycle"
            )

    @property
    def beginning(self) -> float:
        """Temperature of everything at the start (K)."""
        return self.ambient if self.starts_at is None else self.starts_at


class Chamber:
    """A chamber made from a `ChamberSpec`. Times are lab seconds of whoever asks; temperatures are K.

    Attributes:
        setpoint: what is controlled to.
        running: it circulates and controls.
        external: the sensor at the sample is controlled, not the bath's own.
        heater_works: False for a heater with a broken wire.

    Example:
        >>> chamber = Chamber(ChamberSpec(noise=0.0))
        >>> chamber.advance(0.0)
        >>> chamber.setpoint, chamber.running = 313.15, True
        >>> chamber.advance(7200.0)
        >>> round(chamber.bath, 2), round(chamber.sample, 2)
        (313.15, 313.15)
    """

    def __init__(self, spec: ChamberSpec) -> None:
        self._spec = spec
        self.setpoint = 298.15
        self.running = False
        self.external = False
        self.heater_works = True
        #: True temperatures.
        self.bath = self.sample = spec.beginning
        self._sensor = spec.beginning
        self._power = self._integral = self._outer = 0.0
        self._noise = random.Random(spec.seed)
        self._wrong = (0.0, 0.0)
        self._started: float | None = None
        self._cycles = 0
        self._due = -math.inf
        # Lines of different instruments ask from the threads of those who read them.
        self._lock = threading.Lock()

    @property
    def truth(self) -> ChamberSpec:
        """What the chamber was made from."""
        return self._spec

    @property
    def bath_reading(self) -> float:
        """The working sensor, with noise."""
        return self._sensor + self._wrong[0]

    @property
    def sample_reading(self) -> float:
        """The sensor at the sample, with noise."""
        return self.sample + self._wrong[1]

    @property
    def power(self) -> float:
        """Heating (positive) or cooling in use, as a part of the largest."""
        largest = self._spec.heating if self._power > 0 else self._spec.cooling
        return self._power / largest if largest else 0.0

    def advance(self, now: float) -> None:
        """Let time pass up to ``now`` (lab s). Earlier than somebody else has asked changes nothing."""
        if now < self._due:
            return
        with self._lock:
            if self._started is None:
                self._started = now
            cycles = int((now - self._started) / CYCLE)
            for _ in range(cycles - self._cycles):
                self._cycle()
            self._cycles = max(self._cycles, cycles)
            self._due = self._started + (self._cycles + 1) * CYCLE

    def _cycle(self) -> None:
        spec = self._spec
        self._power = self._controlled() if self.running else 0.0
        if not self.running:
            self._integral = self._outer = 0.0
        heat = self._power if self.heater_works or self._power < 0 else 0.0
        bath = self.bath
        self.bath = bath + CYCLE * (heat - spec.loss * (bath - spec.ambient)) / spec.heat_capacity
        self._sensor += (self.bath - self._sensor) * -math.expm1(-CYCLE / spec.sensor_lag)
        goal = self.bath + spec.sample_loss * (spec.ambient - self.bath)
        self.sample += (goal - self.sample) * -math.expm1(-CYCLE / spec.sample_lag)
        if spec.noise:
            gauss = self._noise.gauss
            self._wrong = (gauss(0.0, spec.noise), gauss(0.0, spec.noise))

    def _controlled(self) -> float:
        """The power (W) of this cycle: proportional and integral, within what there is."""
        spec = self._spec
        error = self._bath_setpoint() - self.bath_reading
        gain = spec.heating / spec.proportional_band
        wanted = gain * (error + self._integral)
        power = min(max(wanted, -spec.cooling), spec.heating)
        if power == wanted or error * (wanted - power) < 0:  # no winding up beyond what there is
            self._integral += error * CYCLE / spec.integral_time
        return power

    def _bath_setpoint(self) -> float:
        spec = self._spec
        if not self.external:
            return self.setpoint
        error = self.setpoint - self.sample_reading
        wanted = _OUTER_GAIN * error + self._outer
        moved = min(max(wanted, -spec.cascade), spec.cascade)
        if moved == wanted or error * (wanted - moved) < 0:
            self._outer += error * CYCLE / (_OUTER_INTEGRAL * spec.sample_lag)
        return self.setpoint + moved


def chamber_from_table(table: Mapping[str, Any], file: str = "bench", path: str = "chamber") -> Chamber:
    """The chamber that a table describes.

    Raises:
        ProtocolError: with all mistakes of the table.
    """
    spec, problems = read_chamber(table, path)
    if spec is None:
        raise ProtocolError(file, problems)
    return Chamber(spec)


def read_chamber(table: Mapping[str, Any], path: str = "chamber") -> tuple[ChamberSpec | None, tuple[Problem, ...]]:
    """What a table describes, or None and the mistakes that are in the way."""
    reader = TableReader(table, path, [])
    usual = ChamberSpec()
    values: dict[str, Any] = {}
    for name, allowed in CHAMBER_RANGES.items():
        if name not in reader:
            continue
        if allowed.unit:
            values[name] = reader.quantity(name, CHAMBER_RANGES)
        else:
            values[name] = reader.number(name, allowed, getattr(usual, name))
    values["seed"] = int(reader.number("seed", Range(0, 2**63, ""), 0, whole=True))
    reader.refuse_the_rest(("seed", *CHAMBER_RANGES))
    if not reader.problems:
        try:
            return ChamberSpec(**values), ()
        except ValueError as error:  # what no single key can tell
            reader.report("", str(error))
    return None, tuple(reader.problems)
