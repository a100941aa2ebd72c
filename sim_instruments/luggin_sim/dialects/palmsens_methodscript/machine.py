"""Runs a MethodSCRIPT on a cell, in the script's own time.

The machine is a generator: it yields the time (s since the script's start) at which it wants to go
on, and what it sends is in ``sent`` whenever it yields. So every line has its time, and nothing is
computed before it is due. Values depend on the script's time only, never on the lab's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import repeat
from typing import TypeAlias

from luggin_sim.dialects.palmsens_methodscript import samplers
from luggin_sim.dialects.palmsens_methodscript.language import COMMANDS, objection
from luggin_sim.dialects.palmsens_methodscript.output import pack
from luggin_sim.dialects.palmsens_methodscript.potentiostat import Potentiostat, Refused
from luggin_sim.dialects.palmsens_methodscript.programmes import cycle, cycle_steps, sweep, whole_steps
from luggin_sim.dialects.palmsens_methodscript.pulses import DifferentialPulse, PulseProgramme, SquareWave, steps
from luggin_sim.dialects.palmsens_methodscript.ranging import TIMING
from luggin_sim.dialects.palmsens_methodscript.rules import Rules
from luggin_sim.dialects.palmsens_methodscript.samplers import Sampler, Variable
from luggin_sim.dialects.palmsens_methodscript.script import Name, Script, Statement
from luggin_sim.dialects.palmsens_methodscript.spectra import LARGEST_AMPLITUDE, Spectrum, lasts

Course: TypeAlias = Generator[float, None, None]

LSV, DPV, SWV, CV, CA, OCP, EIS = 0x0000, 0x0001, 0x0002, 0x0005, 0x0007, 0x000B, 0x000D

IMPOSSIBLE_TIMING = 0x005A
INVALID_FREQUENCY, INVALID_AMPLITUDE = 0x0011, 0x0012
AT_LEAST_ONE_STEP = 0x4029

_ROUNDING = 1e-9


class Fault(Exception):
    """A run-time error: the script ends where it is, and the cell stays as it is."""

    def __init__(self, code: int, line: int) -> None:
        super().__init__(f"{code:04X} in line {line}")
        self.code, self.line = code, line


class Abort(Exception):
    """``Z``: on to ``on_finished:``. ``at`` is the script's time."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at = at


class EndLoop(Exception):
    """``Y``: out of the measurement loop. ``at`` is the script's time."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at = at


class Machine:
    """One instrument's interpreter; runs one script after the other."""

    def __init__(self, potentiostat: Potentiostat, rules: Rules) -> None:
        self.sent: list[str] = []
        self.in_loop = False
        self._potentiostat, self._rules = potentiostat, rules
        self._time = self._reached = self._timer = 0.0
        self._variables: dict[str, Variable] = {}
        self._fields: list[str] = []
        self._courses: dict[str, Callable[[Statement], Course]] = {
            "wait": self._wait,
            "meas_loop_cv": self._cyclic,
            "meas_loop_lsv": self._linear,
            "meas_loop_dpv": self._differential_pulse,
            "meas_loop_swv": self._square_wave,
            "meas_loop_eis": self._spectrum,
            "meas_loop_ca": self._constant,
            "meas_loop_ocp": self._open_circuit,
        }

    @property
    def critical_current(self) -> float:
        """The current (A) at which a script ends with an error."""
        return self._potentiostat.critical_current

    def run(self, script: Script) -> Course:
        """The course of a script; throw `Abort` or `EndLoop` into it where it waits.

        Raises:
            Fault: a run-time error. ``on_finished:`` was not run.
        """
        self._time = self._reached = self._timer = 0.0
        self._variables = {}
        for part in (script.statements, script.on_finished):
            try:
                for statement in part:
                    try:
                        yield from self._do(statement)
                    except Refused as refusal:
                        raise Fault(refusal.code, statement.line) from refusal
            except Abort as abort:
                self._pass(abort.at)

    def _do(self, statement: Statement) -> Course:
        course = self._courses.get(statement.command)
        if course is not None:
            yield from course(statement)
        else:
            self._action(statement)()

    # -- arguments
    def _variable(self, statement: Statement, index: int) -> Variable:
        name = statement.arguments[index]
        if not isinstance(name, Name):
            raise TypeError(f"{statement.command}: argument {index} is not a variable")
        return self._variables[name.name]

    def _number(self, statement: Statement, index: int) -> float:
        argument = statement.arguments[index]
        if isinstance(argument, float):
            return argument
        value = self._variable(statement, index).value
        if (code := objection(COMMANDS[statement.command][index], value)) is not None:
            raise Refused(code)
        return value

    def _numbers(self, statement: Statement, first: int) -> list[float]:
        return [self._number(statement, index) for index in range(first, len(statement.arguments))]

    # -- commands that take no time
    def _action(self, statement: Statement) -> Callable[[], None]:
        """A statement with its variables looked up, ready to be done many times."""
        sent, fields = self.sent, self._fields
        match statement.command:
            case "pck_start":
                return fields.clear
            case "pck_add":
                added = self._variable(statement, 0)
                return lambda: fields.append(added.kind + pack(added.value) + added.metadata)
            case "pck_end":
                return lambda: sent.append("P" + ";".join(fields))
            case "timer_get":
                timed = self._variable(statement, 0)
                return lambda: timed.store(self._time - self._timer, "eb")
            case "timer_start":
                return self._start_timer
            case "store_var":
                stored, kind = self._variable(statement, 0), str(statement.arguments[2])
                return lambda: stored.store(self._number(statement, 1), kind)
            case "send_string":
                return lambda: sent.append(f"T{statement.arguments[0]}")
            case _:
                return lambda: self._set_up(statement)

    def _start_timer(self) -> None:
        self._timer = self._time

    def _set_up(self, statement: Statement) -> None:
        """The commands that stand outside of loops: they declare, set the instrument or switch the cell."""
        potentiostat, arguments = self._potentiostat, statement.arguments
        match statement.command, arguments[:1]:
            case "var", (Name(name),):
                self._variables[name] = Variable()
            case "cell_on", _:
                potentiostat.cell_on()
            case "cell_off", _:
                potentiostat.cell_off()
            case "set_e", _:
                potentiostat.set_potential(self._number(statement, 0))
            case "set_pgstat_mode", _:
                potentiostat.set_mode(self._number(statement, 0))
            case "set_pgstat_chan", _:
                potentiostat.set_channel(self._number(statement, 0))
            case "set_range_minmax", ("da",):
                potentiostat.set_window(*self._numbers(statement, 1))
            case "set_range", ("ba",):
                potentiostat.ranging.set_range(self._number(statement, 1))
            case "set_autoranging", ("ba",):
                potentiostat.ranging.set_autoranging(*self._numbers(statement, 1))
            case "set_max_bandwidth" | "set_range_minmax" | "set_range" | "set_autoranging", _:
                pass  # this model has no filters, and one range for everything but the current

    # -- commands that take time
    def _pass(self, until: float) -> None:
        """Bring the cell up to a time of the script."""
        self._potentiostat.leads.dwell(until - self._reached)
        self._time = self._reached = max(until, self._reached)

    def _wait(self, statement: Statement) -> Course:
        until = self._time + self._number(statement, 0)
        yield until
        self._pass(until)

    def _cyclic(self, statement: Statement) -> Course:
        begin, first, second, step, rate = self._numbers(statement, 2)
        self._potentiostat.check_closed_at(begin, first, second)
        self._check_steps(cycle_steps(begin, first, second, step))
        scans = (
            cycle(begin, first, second, step, self._rules, again=number > 0) for number in range(statement.scans or 1)
        )
        return self._measure(
            statement, CV, scans, step / rate, samplers.current(self._lent(statement, 2), self._potentiostat)
        )

    def _linear(self, statement: Statement) -> Course:
        begin, end, step, rate = self._numbers(statement, 2)
        self._potentiostat.check_closed_at(begin, end)
        self._check_steps(abs(whole_steps(end - begin, step)))
        levels = sweep(begin, end, step)
        return self._measure(
            statement, LSV, [levels], step / rate, samplers.current(self._lent(statement, 2), self._potentiostat)
        )

    def _differential_pulse(self, statement: Statement) -> Course:
        begin, end, step, pulse, pulse_time, rate = self._numbers(statement, 2)
        if pulse_time > 0.5 * step / rate * (1.0 + _ROUNDING):
            raise Refused(IMPOSSIBLE_TIMING)
        return self._pulsed(statement, DPV, DifferentialPulse(begin, end, step, pulse, pulse_time, rate))

    def _square_wave(self, statement: Statement) -> Course:
        return self._pulsed(statement, SWV, SquareWave(*self._numbers(statement, 4)))

    def _pulsed(self, statement: Statement, technique: int, programme: PulseProgramme) -> Course:
        self._potentiostat.check_closed_at(*programme.extremes(self._rules))
        self._check_steps(steps(programme))
        lent = self._lent(statement, 4 if isinstance(programme, SquareWave) else 2)
        sample = samplers.pulses(lent, self._potentiostat, programme, self._rules)
        return self._measure(statement, technique, [programme.levels()], programme.period, sample, first=1)

    def _spectrum(self, statement: Statement) -> Course:
        amplitude, first, last, count, bias = self._numbers(statement, 3)
        spectrum = Spectrum(amplitude, first, last, int(count), bias)
        if not spectrum.frequencies_are_possible:
            raise Refused(INVALID_FREQUENCY)
        if spectrum.amplitude > LARGEST_AMPLITUDE:
            raise Refused(INVALID_AMPLITUDE)
        peak = spectrum.peak(self._rules)
        self._potentiostat.check_closed_at(bias - peak, bias + peak)
        self._potentiostat.set_potential(bias)
        sample = samplers.impedance(self._lent(statement, 3), self._potentiostat, spectrum, self._rules)
        return self._measure(statement, EIS, [spectrum.frequencies()], lasts, sample, first=1)

    def _constant(self, statement: Statement) -> Course:
        potential, dt, duration = self._numbers(statement, 2)
        self._potentiostat.check_closed_at(potential)
        self._potentiostat.set_potential(potential)
        levels = self._equal(potential, duration, dt)
        return self._measure(
            statement, CA, [levels], dt, samplers.current(self._lent(statement, 2), self._potentiostat)
        )

    def _open_circuit(self, statement: Statement) -> Course:
        dt, duration = self._numbers(statement, 1)
        self._potentiostat.check_open()
        levels = self._equal(0.0, duration, dt)
        return self._measure(
            statement, OCP, [levels], dt, samplers.potential(self._lent(statement, 1), self._potentiostat)
        )

    def _equal(self, level: float, duration: float, dt: float) -> Iterator[float]:
        steps = whole_steps(duration, dt)
        self._check_steps(steps)
        return repeat(level, steps + (self._rules.first_package == "at_start"))

    def _check_steps(self, steps: int) -> None:
        if steps < 1:
            raise Refused(AT_LEAST_ONE_STEP)

    def _lent(self, statement: Statement, count: int) -> list[Variable]:
        """The variables into which a measurement loop puts what it measures: its first arguments."""
        return [self._variable(statement, index) for index in range(count)]

    def _measure(
        self,
        statement: Statement,
        technique: int,
        scans: Iterable[Iterator[float]],
        pace: float | Callable[[float], float],
        sample: Sampler,
        first: int | None = None,
    ) -> Course:
        """Go through all levels with the loop's body after each.

        ``pace`` is the time (s) of each of them, or a function that says it for a level.
        ``first`` is 1 if the first level takes its time whatever the rule for ramps says.
        """
        if first is None:
            first = 0 if self._rules.first_package == "at_start" else 1
        dt = 0.0 if callable(pace) else max(pace, self._rules.shortest_step)
        status = TIMING if not callable(pace) and pace < self._rules.shortest_step else 0
        body = [self._action(inner) for inner in statement.body]
        numbered = statement.scans is not None and statement.scans > 1
        sent = self.sent
        sent.append(f"M{technique:04X}")
        marks: list[str] = ["*"]
        start, turn = self._time, first
        self.in_loop = True
        try:
            for number, levels in enumerate(scans, self._rules.scan_base):
                if numbered:
                    sent.append(f"C{number:04X}")
                    marks = ["-", "*"]
                for level in levels:
                    if callable(pace):
                        dt = pace(level)
                        self._time += dt
                    else:
                        self._time = start + turn * dt
                    if turn:
                        yield self._time
                    sample(level, dt if turn else 0.0, status)
                    self._reached = self._time
                    turn += 1
                    for action in body:
                        action()
                if numbered:
                    sent.append("-")
                    marks = ["*"]
        except Abort:
            if self._rules.marks_after_abort:
                sent.extend(marks)
            raise
        except EndLoop as end:
            self._pass(end.at)
        finally:
            self.in_loop = False
        sent.extend(marks)
