"""Runs a MethodSCRIPT on a cell, in the script's own time.

The machine is a generator: it yields the time (s since the script's start) at which it wants to go
on, and what it sends is in ``sent`` whenever it yields. So every line has its time, and nothing is
computed before it is due. Values depend on the script's time only, never on the lab's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import repeat
from typing import TypeAlias

from luggin_sim.dialects.base import Leads
from luggin_sim.dialects.palmsens_methodscript.models import Mode, Model
from luggin_sim.dialects.palmsens_methodscript.output import metadata, pack
from luggin_sim.dialects.palmsens_methodscript.programmes import cycle, cycle_steps, sweep, whole_steps
from luggin_sim.dialects.palmsens_methodscript.ranging import TIMING, CurrentRanging
from luggin_sim.dialects.palmsens_methodscript.rules import Rules
from luggin_sim.dialects.palmsens_methodscript.script import COMMANDS, Name, Script, Statement, objection

Course: TypeAlias = Generator[float, None, None]

LSV, CV, CA, OCP = 0x0000, 0x0005, 0x0007, 0x000B

INVALID_POTENTIAL = 0x000F
OCP_WITH_CELL_ON = 0x0014
NOT_SUPPORTED = 0x001B
UNKNOWN_MODE = 0x0021
INVALID_FOR_MODE = 0x0023
CRITICAL_OVERLOAD = 0x0032
NEEDS_CELL_ON = 0x4027
NEEDS_CELL_OFF = 0x4028
AT_LEAST_ONE_STEP = 0x4029

_MODE_OFF = 0
_MODES_NOT_SIMULATED = (5, 6)
_CRITICAL = 1.5
# Potentials are multiples of 0.1 mV and coarser; this much is rounding.
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


class _Variable:
    """A value, its two-letter type, and the metadata of the reading that it came from."""

    __slots__ = ("kind", "metadata", "value")

    def __init__(self) -> None:
        self.value, self.kind, self.metadata = float("nan"), "aa", ""

    def store(self, value: float, kind: str) -> None:
        self.value, self.kind, self.metadata = value, kind, ""


class Machine:
    """One instrument's interpreter. PGStat mode, ranges and cell switch outlive a script."""

    def __init__(self, model: Model, rules: Rules, leads: Leads) -> None:
        self.sent: list[str] = []
        self.in_loop = False
        self._model, self._rules, self._leads = model, rules, leads
        self._mode: int = _MODE_OFF
        self._window = (0.0, 0.0)
        self._ranging = CurrentRanging(model.modes[min(model.modes)].ranges, rules)
        self._critical = rules.critical_overload or _CRITICAL * model.largest_current
        self._time = self._reached = self._timer = 0.0
        self._variables: dict[str, _Variable] = {}
        self._fields: list[str] = []
        self._courses: dict[str, Callable[[Statement], Course]] = {
            "wait": self._wait,
            "meas_loop_cv": self._cyclic,
            "meas_loop_lsv": self._linear,
            "meas_loop_ca": self._constant,
            "meas_loop_ocp": self._open_circuit,
        }

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
                    course = self._courses.get(statement.command)
                    if course is None:
                        self._action(statement)()
                    else:
                        yield from course(statement)
            except Abort as abort:
                self._pass(abort.at)

    # -- arguments
    def _variable(self, statement: Statement, index: int) -> _Variable:
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
            raise Fault(code, statement.line)
        return value

    def _numbers(self, statement: Statement, first: int) -> list[float]:
        return [self._number(statement, index) for index in range(first, len(statement.arguments))]

    # -- commands that take no time
    def _action(self, statement: Statement) -> Callable[[], None]:
        """A statement with its variables looked up, ready to be done many times."""
        command = statement.command
        if command == "var":
            name = statement.arguments[0]
            return lambda: self._variables.__setitem__(str(getattr(name, "name", name)), _Variable())
        if command == "pck_add":
            added = self._variable(statement, 0)
            return lambda: self._fields.append(added.kind + pack(added.value) + added.metadata)
        if command == "pck_start":
            return lambda: self._fields.clear()
        if command == "pck_end":
            return lambda: self.sent.append("P" + ";".join(self._fields))
        if command == "timer_get":
            timed = self._variable(statement, 0)
            return lambda: timed.store(self._time - self._timer, "eb")
        if command == "store_var":
            stored, kind = self._variable(statement, 0), str(statement.arguments[2])
            return lambda: stored.store(self._number(statement, 1), kind)
        if command == "send_string":
            return lambda: self.sent.append(f"T{statement.arguments[0]}")
        if command == "timer_start":
            return self._start_timer
        return lambda: self._set_up(statement)

    def _start_timer(self) -> None:
        self._timer = self._time

    def _set_up(self, statement: Statement) -> None:
        """The commands that set the instrument or switch the cell; they stand outside of loops."""
        command, line = statement.command, statement.line
        if command == "cell_off":
            self._leads.open()
        elif command == "cell_on":
            if self._mode == _MODE_OFF:
                raise Fault(INVALID_FOR_MODE, line)
            self._leads.close()
        elif command == "set_e":
            potential = self._number(statement, 0)
            self._check_potentials(line, potential)
            self._leads.jump(potential)
        elif command == "set_pgstat_mode":
            self._set_mode(int(self._number(statement, 0)), line)
        elif command == "set_pgstat_chan":
            if self._number(statement, 0) != 0.0:
                raise Fault(NOT_SUPPORTED, line)
        elif command == "set_range_minmax" and statement.arguments[0] == "da":
            low, high = self._numbers(statement, 1)
            mode = self._potentiostat(line)
            if not mode.low - _ROUNDING <= low <= high <= mode.high + _ROUNDING or high - low > mode.window + _ROUNDING:
                raise Fault(INVALID_POTENTIAL, line)
            self._window = (low, low + mode.window)
        elif command == "set_range" and statement.arguments[0] == "ba":
            self._ranging.set_range(self._number(statement, 1))
        elif command == "set_autoranging" and statement.arguments[0] == "ba":
            self._ranging.set_autoranging(*self._numbers(statement, 1))
        # set_max_bandwidth, and ranges of other quantities, change nothing in this model

    def _set_mode(self, mode: int, line: int) -> None:
        if mode == self._mode:
            return
        if mode in _MODES_NOT_SIMULATED:
            raise Fault(NOT_SUPPORTED, line)
        if mode != _MODE_OFF and mode not in self._model.modes:
            raise Fault(UNKNOWN_MODE, line)
        if self._leads.is_on:
            raise Fault(NEEDS_CELL_OFF, line)
        self._mode = mode
        if mode != _MODE_OFF:
            half = self._model.modes[mode].window / 2.0
            self._window = (-half, half)
            self._ranging.select(self._model.modes[mode].ranges)

    def _potentiostat(self, line: int) -> Mode:
        if self._mode == _MODE_OFF:
            raise Fault(INVALID_FOR_MODE, line)
        return self._model.modes[self._mode]

    def _check_potentials(self, line: int, *potentials: float) -> None:
        mode = self._potentiostat(line)
        low = max(mode.low, self._window[0]) - _ROUNDING
        high = min(mode.high, self._window[1]) + _ROUNDING
        if not all(low <= potential <= high for potential in potentials):
            raise Fault(INVALID_POTENTIAL, line)

    # -- commands that take time
    def _pass(self, until: float) -> None:
        """Bring the cell up to a time of the script."""
        self._leads.dwell(until - self._reached)
        self._time = self._reached = max(until, self._reached)

    def _wait(self, statement: Statement) -> Course:
        until = self._time + self._number(statement, 0)
        yield until
        self._pass(until)

    def _cyclic(self, statement: Statement) -> Course:
        begin, first, second, step, rate = self._numbers(statement, 2)
        self._check_closed_at(statement, begin, first, second)
        if cycle_steps(begin, first, second, step) < 1:
            raise Fault(AT_LEAST_ONE_STEP, statement.line)
        scans = (
            cycle(begin, first, second, step, self._rules, again=number > 0) for number in range(statement.scans or 1)
        )
        yield from self._measure(statement, CV, scans, step / rate, self._current_sampler(statement))

    def _linear(self, statement: Statement) -> Course:
        begin, end, step, rate = self._numbers(statement, 2)
        self._check_closed_at(statement, begin, end)
        if whole_steps(end - begin, step) == 0:
            raise Fault(AT_LEAST_ONE_STEP, statement.line)
        yield from self._measure(
            statement, LSV, [sweep(begin, end, step)], step / rate, self._current_sampler(statement)
        )

    def _constant(self, statement: Statement) -> Course:
        potential, dt, duration = self._numbers(statement, 2)
        self._check_closed_at(statement, potential)
        self._leads.jump(potential)
        levels = self._equal(potential, duration, dt, statement.line)
        yield from self._measure(statement, CA, [levels], dt, self._current_sampler(statement))

    def _open_circuit(self, statement: Statement) -> Course:
        dt, duration = self._numbers(statement, 1)
        if self._leads.is_on:
            raise Fault(OCP_WITH_CELL_ON, statement.line)
        levels = self._equal(0.0, duration, dt, statement.line)
        yield from self._measure(statement, OCP, [levels], dt, self._potential_sampler(statement))

    def _equal(self, level: float, duration: float, dt: float, line: int) -> Iterator[float]:
        steps = whole_steps(duration, dt)
        if steps < 1:
            raise Fault(AT_LEAST_ONE_STEP, line)
        return repeat(level, steps + (self._rules.first_package == "at_start"))

    def _check_closed_at(self, statement: Statement, *potentials: float) -> None:
        self._check_potentials(statement.line, *potentials)
        if not self._leads.is_on:
            raise Fault(NEEDS_CELL_ON, statement.line)

    def _current_sampler(self, statement: Statement) -> Callable[[float, float, int], None]:
        """How one level is applied and its current read: (potential, time at it, status bits)."""
        potential, current = self._variable(statement, 0), self._variable(statement, 1)
        potential.store(0.0, "da")
        current.store(0.0, "ba")
        leads, ranging, measure = self._leads, self._ranging, self._leads.cell.measure_current
        critical, line = self._critical, statement.line

        def sample(level: float, dt: float, status: int) -> None:
            if dt:
                flowing = leads.ramp(level, dt)
            else:
                leads.jump(level)
                flowing = leads.current_now()
            reading = measure(flowing)
            if abs(reading) > critical:
                raise Fault(CRITICAL_OVERLOAD, line)
            potential.value = level
            current.value, current.metadata = ranging.read(reading, status)

        return sample

    def _potential_sampler(self, statement: Statement) -> Callable[[float, float, int], None]:
        potential, leads = self._variable(statement, 0), self._leads
        potential.store(0.0, "ab")

        def sample(_: float, dt: float, status: int) -> None:
            potential.value = leads.cell.measure_potential(leads.rest(dt) if dt else leads.potential_now())
            potential.metadata = metadata(status, None)

        return sample

    def _measure(
        self,
        statement: Statement,
        technique: int,
        scans: Iterable[Iterator[float]],
        dt: float,
        sample: Callable[[float, float, int], None],
    ) -> Course:
        """Go through all levels, one every ``dt`` (s), with the loop's body after each."""
        status = TIMING if dt < self._rules.shortest_step else 0
        dt = max(dt, self._rules.shortest_step)
        body = [self._action(inner) for inner in statement.body]
        numbered = statement.scans is not None and statement.scans > 1
        sent = self.sent
        sent.append(f"M{technique:04X}")
        marks: list[str] = ["*"]
        start, turn = self._time, 0 if self._rules.first_package == "at_start" else 1
        self.in_loop = True
        try:
            for number, levels in enumerate(scans, self._rules.scan_base):
                if numbered:
                    sent.append(f"C{number:04X}")
                    marks = ["-", "*"]
                for level in levels:
                    if turn:
                        self._time = start + turn * dt
                        yield self._time
                        sample(level, dt, status)
                    else:
                        sample(level, 0.0, status)
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
