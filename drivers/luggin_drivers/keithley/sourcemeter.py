"""The driver: Keithley 2450, 2460 and 2461 as potentiostat (list sweeps) and as source-measure unit.

Tested on hardware: nothing so far. Sources: 2450 Reference Manual 2450-901-01, 2461 Reference Manual
2461-901-01, and the maker's electrochemistry scripts for facts and figures.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from luggin import units
from luggin.capabilities import (
    Capabilities,
    Exchange,
    Identity,
    LimitRequest,
    Realised,
    SourceReading,
    Technique,
)
from luggin.clock import Clock
from luggin.errors import InstrumentFault, LimitError, UnsafeState, UsageError
from luggin.records import Flag, Frame
from luggin.transport import Transport
from luggin_drivers.keithley import commands, replies
from luggin_drivers.keithley.capabilities import capabilities
from luggin_drivers.keithley.command_table import CommandTable
from luggin_drivers.keithley.identity import require_model, require_scpi
from luggin_drivers.keithley.plan import Plan, allowed_current, held_current, make_plan
from luggin_drivers.keithley.safety import open_and_verify, safe_exchanges
from luggin_drivers.keithley.settings import Settings
from luggin_drivers.keithley.sweep import Requests, SweepRun
from luggin_drivers.keithley.tables import OPEN_CIRCUIT_RANGE

log = logging.getLogger(__name__)

Sourced = Literal["VOLT", "CURR"]

# A limit that was read back may differ by the digits that the instrument keeps.
_SAME_LIMIT = 2e-3
# Stepped readings integrate one power line cycle, which hides the hum of the mains.
_STEPPED_NPLC = 1.0
# Room for a line that is slower now and then.
_ROOM = 1.25
_TOLERANCE = 1e-9


class SourceMeter(CommandTable):
    """One source-measure unit: W on HI and sense HI, reference on sense LO, counter on LO."""

    def __init__(self, transport: Transport, clock: Clock, name: str, settings: Settings) -> None:
        super().__init__(transport, clock, name)
        self._settings = settings
        self._requests = Requests(clock)
        self._plan: Plan | None = None
        self._armed = False
        self._run: SweepRun | None = None
        self._sourced: Sourced = "VOLT"
        self._range = 0.0
        self._measured_at = -math.inf

    @cached_property
    def _capabilities(self) -> Capabilities:
        return capabilities(self._settings)

    @property
    def capabilities(self) -> Capabilities:
        """What this model can do with its settings."""
        return self._capabilities

    # -- who is there
    def identify(self) -> Identity:
        """Ask who is there and which command set it speaks; in another one than SCPI nothing else is said.

        Raises:
            NoInstrument: something else answers, another model than the bench says, or another command set.
        """
        said = self.identity.read()
        require_model(said, self._settings.table, self.name, self.transport.resource)
        require_scpi(self.language.read(), self._settings.table, self.name, self.transport.resource)
        return Identity("Keithley", self._settings.table.title, said.serial, said.firmware, said.raw)

    # -- list sweeps
    def prepare(self, techniques: Sequence[Technique]) -> Realised:
        """Check, round and cut into list sweeps; nothing is sent.

        Raises:
            LimitError, NotSupported, UsageError: it cannot be done; the message says what can.
        """
        self._plan = make_plan(techniques, self._settings, self._capabilities)
        self._armed, self._run = False, None
        self._requests.forget()
        return self._plan.realised

    def arm(self, limits: Sequence[LimitRequest]) -> Mapping[str, str]:
        """Make it a potential source with the current limited by the instrument; the output stays off.

        Raises:
            InstrumentFault: it did not take a setting, or reads back another limit.
        """
        plan = self._plan
        if plan is None:
            return {}
        held = held_current(limits, self._settings.table, plan.potential_range, plan.current_range)
        nplc = plan.segments[0].nplc
        held = self._become_potential_source(plan.potential_range, held, plan.current_range, nplc)
        self._armed = True
        return {
            "current": f"compliance clamps at +-{units.show(held, 'A')}, read back; it does not open the cell",
        }

    def frames(self) -> Iterator[Frame]:
        """Run the prepared sweeps and yield their readings in blocks, a few for each second.

        Raises:
            UsageError: nothing was prepared.
            InstrumentFault, LineLost, ReplyTimeout, BadReply: the cell may still be on.
            UnsafeState: the output is still on behind the last sweep.
        """
        plan = self._plan
        if plan is None:
            raise UsageError(f"{self.name}: prepare a technique first; each preparation runs once")
        if self._requests.abort:
            self._plan = None
            return
        if not self._armed:
            self.arm(())
        self._plan = None
        self._run = SweepRun(plan, self, self._requests, self._settings.poll)
        yield from self._run.frames()

    def achieved(self) -> Mapping[str, Any]:
        """Real distances of the points, realised rates and gaps of the last sweeps."""
        if self._run is None:
            return {}
        return {"execution": "native", "timing": [part.to_json() for part in self._run.achieved]}

    def request_abort(self) -> None:
        """Ask the owner of the line to say ABOR and OUTP OFF between two polls."""
        self._requests.ask_abort()

    def end_technique(self) -> None:
        """End the technique that runs; a chain goes on with the next, the cell stays closed."""
        self._requests.ask_end()

    # -- a source that measures
    @property
    def fastest_interval(self) -> float:
        """Shortest time (s) for a level and a reading over this line, with room to spare."""
        return _ROOM * (self._settings.step_overhead + self._settings.integrating(self._stepped_nplc))

    @property
    def _stepped_nplc(self) -> float:
        return self._settings.nplc or _STEPPED_NPLC

    def source_potential(self, level: float, current_limit: float) -> None:
        """Become a potential source whose range covers ``level`` (V); the current (A) is limited and measured.

        Raises:
            LimitError: the model cannot do that; nothing was sent.
            InstrumentFault: it did not take a setting, or reads back another limit.
        """
        model = self._settings.table
        chosen = self._covering(model.potential_ranges, level, "V")
        allowed = allowed_current(model, chosen)
        if not 0 < current_limit <= allowed * (1 + _TOLERANCE):
            raise LimitError(
                f"{self.name}: a current limit of {units.show(current_limit, 'A')}; on its range of "
                f"{units.show(chosen, 'V')} the {model.title} allows up to {units.show(allowed, 'A')}"
            )
        self._become_potential_source(chosen, current_limit, None, self._stepped_nplc)

    def source_current(self, level: float, potential_limit: float) -> None:
        """Become a current source whose range covers ``level`` (A); the potential (V) is limited and measured.

        Raises:
            LimitError: the model cannot do that; nothing was sent.
            InstrumentFault: it did not take a setting, or reads back another limit.
        """
        model = self._settings.table
        chosen = self._covering(model.current_ranges, level or OPEN_CIRCUIT_RANGE, "A")
        largest = model.potential_ranges[-1]
        if not 0 < potential_limit <= largest * (1 + _TOLERANCE) or abs(level) > allowed_current(
            model, potential_limit
        ):
            raise LimitError(
                f"{self.name}: {units.show(level, 'A')} with up to {units.show(potential_limit, 'V')}; the "
                f"{model.title} allows {units.show(allowed_current(model, min(abs(potential_limit), largest)), 'A')} "
                f"there, and {units.show(largest, 'V')} at most"
            )
        self._configure(commands.current_source(self._settings, chosen, potential_limit, self._stepped_nplc))
        self._verify(self.potential_limit.read(), potential_limit, "V", "VOLT")
        self._sourced, self._range = "CURR", chosen

    def set_level(self, level: float) -> None:
        """Another level of the same source (V or A).

        Raises:
            LimitError: beyond the range that was chosen for the source; nothing was sent.
        """
        if not abs(level) <= self._range * (1 + _TOLERANCE):
            unit = "V" if self._sourced == "VOLT" else "A"
            raise LimitError(
                f"{self.name}: {units.show(level, unit)} is beyond the range of {units.show(self._range, unit)} that "
                "the source was opened with"
            )
        self.command(commands.level(self._sourced, level))

    def switch(self, on: bool) -> None:
        """Close or open the cell circuit, and read it back.

        Raises:
            InstrumentFault: the output did not go on, or the unit has lost its settings, so it stays off.
            UnsafeState: the output did not go off.
        """
        if on:
            self._require_settings_kept()
        self.command(commands.OUTPUT_ON if on else commands.OUTPUT_OFF)
        if self.output_is_on() == on:
            self._measures_technique = on
            return
        if on:
            said = "; ".join(map(str, self.errors())) or "no error is queued"
            raise InstrumentFault(
                f"{self.name}: the output does not go on: {said}. Is the interlock closed, or has a protection tripped?"
            )
        raise UnsafeState(
            f"{self.name}: OUTP OFF was sent, but the output is still on. Switch the instrument off or unplug the "
            "cell, then look at it."
        )

    def measure(self) -> SourceReading:
        """Measure now.

        Raises:
            BadReply: a reading that came before, or one of a unit that was started anew: its time does not go on.
        """
        before = self._brought_in_step
        reply = self.query(commands.READ)
        values = replies.decode(reply, 1, self.name)
        self._measured_at = replies.require_later(values, self._measured_at, reply, self.name)
        measures_current = self._sourced == "VOLT"
        sourced, measured = float(values.sourced[0]), float(values.measured[0])
        potential, current = (sourced, measured) if measures_current else (measured, sourced)
        flags = int(values.flags(measures_current=measures_current)[0])
        if self._brought_in_step != before:  # so it was taken later than it was asked for
            flags |= Flag.TIMING.value
        return SourceReading(float(values.time[0]), potential, current, flags)

    # -- settings
    def _become_potential_source(
        self, potential_range: float, limit: float, current_range: float | None, nplc: float
    ) -> float:
        self._configure(commands.potential_source(self._settings, potential_range, limit, current_range, nplc))
        held = self.current_limit.read()
        self._verify(held, limit, "A", "CURR")
        self._sourced, self._range = "VOLT", potential_range
        return held

    def _configure(self, block: Sequence[str]) -> None:
        """Each setting with its own look into the error queue; what was in there before is nobody's fault here."""
        for entry in self.errors():
            log.warning("%s: in the error queue before the first setting: %s", self.name, entry)
        self._measures_technique = True
        for command in [*block, commands.CLEAR]:
            self.checked(command)
        self._measured_at = -math.inf

    def _verify(self, held: float, asked: float, unit: str, measured: str) -> None:
        """Before the output goes on: the limit, where it senses, and how it goes off."""
        if not math.isclose(held, asked, rel_tol=_SAME_LIMIT):
            raise InstrumentFault(
                f"{self.name}: the source limit was set to {units.show(asked, unit, 6)}, but reads back as "
                f"{units.show(held, unit, 6)}; the output stays off"
            )
        remote = self.query(f"SENS:{measured}:RSEN?").strip()
        if remote != (b"1" if self._settings.sense == "4-wire" else b"0"):
            raise InstrumentFault(
                f"{self.name}: {self._settings.sense} sense was set, but SENS:{measured}:RSEN? answers {remote!r}; the "
                "output stays off"
            )

    def _require_settings_kept(self) -> None:
        """Directly before the output goes on: the off mode is ours. A unit that was started anew has another one.

        With its other settings it has lost the limit and where it senses.
        """
        for header in commands.off_mode_headers(self._settings):
            found = self.query(f"{header}?").strip().decode("ascii", "replace")
            if not found.upper().startswith(commands.RELAY_OPENS):
                raise InstrumentFault(
                    f"{self.name}: {header}? answers {found!r}, not {commands.RELAY_OPENS!r} as set: it has lost its "
                    "settings. Was it started anew? The output stays off."
                )

    def _covering(self, ranges: Sequence[float], level: float, unit: str) -> float:
        """The smallest range that reaches a level; the model's own limit lies a little above its largest range."""
        allowed = self._capabilities.potential if unit == "V" else self._capabilities.current
        if level not in allowed:
            raise LimitError(
                f"{self.name}: {units.show(level, unit)}; the {self._settings.table.title} allows "
                f"{units.show(allowed.low, unit)} ... {units.show(allowed.high, unit)}"
            )
        return next((r for r in ranges if r >= abs(level) * (1 - _TOLERANCE)), ranges[-1])

    # -- safety
    def make_safe(self) -> str:
        """End what runs, open the relay, and read back that the output is off and how.

        Tried twice, because the first attempt may only have brought line and instrument in step.

        Raises:
            UnsafeState: both attempts failed.
            LineLost: the line broke.
        """
        verified = open_and_verify(self.transport, self.clock, self.name, self.safe_dialogue())
        self._measures_technique = False
        return verified

    def safe_dialogue(self) -> tuple[Exchange, ...]:
        """The exchanges of `make_safe`, as plain data."""
        return safe_exchanges(self._settings)
