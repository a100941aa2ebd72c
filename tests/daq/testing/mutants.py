"""Drivers that are wrong in one way each: a good driver with one thing changed.

The good one is Luggin's own driver of the EmStat4, on its twin.
"""

from __future__ import annotations

import dataclasses
import types

from luggin import hookimpl, plugins
from luggin.capabilities import Exchange, Identity, Range
from luggin.errors import BadReply, LimitError, LugginError, ReplyTimeout
from luggin.instrument import reading, setting
from luggin.records import Column, Flag, Frame, Schema
from luggin_drivers.julabo import JulaboCirculator
from luggin_drivers.julabo.circulator import Circulator
from luggin_drivers.julabo.settings import read_settings as read_bath_settings
from luggin_drivers.keithley import Keithley2450, SourceMeter
from luggin_drivers.keithley.settings import read_settings as read_unit_settings
from luggin_drivers.palmsens import PalmSensMethodScript
from luggin_drivers.palmsens.methodscript import MethodScriptInstrument
from luggin_drivers.palmsens.settings import read_settings


class Good(MethodScriptInstrument):
    """Nothing is changed."""


def _with(capabilities, **changes):
    return dataclasses.replace(capabilities, **changes)


def _technique(capabilities, name, **changes):
    techniques = dict(capabilities.techniques)
    techniques[name] = dataclasses.replace(techniques[name], **changes)
    return _with(capabilities, techniques=techniques)


class Chatty(Good):
    """Its constructor asks who is there."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.transport.write(b"t\n")


class TalksWhenLookedAt(Good):
    @property
    def temperature(self):
        self.transport.write(b"temperature?\n")
        return 1.0


class TakesAnyAttribute(Good):
    def __setattr__(self, attribute, value):
        object.__setattr__(self, attribute, value)


class Undocumented(Good):
    nameless = reading("x", unit="V", decode=float, doc="")


class StrangeUnit(Good):
    length = reading("x", unit="furlong", decode=float, doc="How far.")


class Unlimited(Good):
    level = setting("x?", "x {}", unit="V", decode=float, doc="A level.")


class NamelessColumn(Good):
    @property
    def capabilities(self):
        schema = super().capabilities.techniques["ca"].schema
        columns = (*schema.columns[:-1], Column("flags", "1", "u4"))
        return _technique(super().capabilities, "ca", schema=Schema("ca", columns))


class UnsourcedRange(Good):
    @property
    def capabilities(self):
        return _with(super().capabilities, current=Range(-0.1, 0.1, "A"))


class NoCycles(Good):
    @property
    def capabilities(self):
        good = super().capabilities
        return _technique(good, "cv", schema=good.techniques["lsv"].schema)


class DescendingRanges(Good):
    @property
    def capabilities(self):
        return _with(super().capabilities, current_ranges=(1e-3, 1e-6))


class Boundless(Good):
    """Prepares whatever it is asked for."""

    def prepare(self, techniques):
        try:
            return super().prepare(techniques)
        except LimitError:
            return super().prepare([])


class Wordless(Good):
    def prepare(self, techniques):
        try:
            return super().prepare(techniques)
        except LimitError:
            raise LimitError("that is too much") from None


class RoundsInSecret(Good):
    def prepare(self, techniques):
        return dataclasses.replace(super().prepare(techniques), notes=())


class Credulous(Good):
    """Takes everybody for its instrument."""

    def identify(self):
        try:
            return super().identify()
        except LugginError:
            return Identity("PalmSens", "EmStat4 HR", "1", "1")


class KnowsItself(Good):
    """Says who it is without asking anybody."""

    def identify(self):
        return Identity("PalmSens", "EmStat4 HR", "1", "1")


class Unreadable(Good):
    wind = reading("w", unit="m/s", decode=float, doc="Nobody ever asked for it.")


class Nameless(Good):
    def identify(self):
        return dataclasses.replace(super().identify(), serial="", firmware="")


def _rows(frames, change):
    for frame in frames:
        names = frame.schema.names
        changed = [change(dict(zip(names, row, strict=True))) for row in frame.rows()]
        rows = [tuple(row.values()) for row in changed if row is not None]
        if rows:
            yield Frame(frame.schema, frame.received, rows, part=frame.part)


class _Changed(Good):
    """Changes each row."""

    def change(self, row):
        raise NotImplementedError

    def frames(self):
        return _rows(super().frames(), self.change)


class WrongSign(_Changed):
    def change(self, row):
        return {**row, "current": -row["current"]} if "current" in row else row


class WrongScale(_Changed):
    def change(self, row):
        return {**row, "current": 1.05 * row["current"]} if "current" in row else row


class ForwardIsReverse(_Changed):
    """Takes the half-wave to positive potentials for the forward one, whatever the direction of the scan."""

    def change(self, row):
        if "forward_current" not in row:
            return row
        forward, reverse = row["reverse_current"], row["forward_current"]
        return {**row, "current": forward - reverse, "forward_current": forward, "reverse_current": reverse}


class PhaseShift(_Changed):
    """A resistor has no reactance, but the leads are taken for a part of the cell."""

    def change(self, row):
        if "impedance_imaginary" not in row:
            return row
        return {**row, "impedance_imaginary": row["impedance_imaginary"] + 0.05 * row["impedance_real"]}


class UnmarkedGap(_Changed):
    def change(self, row):
        return {**row, "flags": row["flags"] & ~Flag.GAP.value}


class Flagger(_Changed):
    def change(self, row):
        return {**row, "flags": row["flags"] | Flag.COMPLIANCE.value}


class LosesHalf(_Changed):
    def change(self, row):
        return row if round(row["instrument_time"] * 10) % 2 else None


class StandingClock(_Changed):
    def change(self, row):
        return {**row, "instrument_time": 1.0}


class ForgetsNothing(Good):
    """Runs once more what it has run."""

    def frames(self):
        plan = self._plan
        yield from super().frames()
        self._plan = plan


class Inventive(Good):
    """What cannot be read is 0."""

    ratio = reading("v", unit="1", decode=lambda text: 0.0, doc="Always nothing.")


class Patient(Good):
    """Asks ten times."""

    def query(self, command):
        for _ in range(9):
            try:
                return self._exchange(command)
            except ReplyTimeout:
                continue
        return self._exchange(command)


class LeavesTheCellOn(Good):
    """The script does not open the cell."""

    def prepare(self, techniques):
        realised = super().prepare(techniques)
        lines = tuple(line for line in self._plan.lines if line != "cell_off")
        self._plan = dataclasses.replace(self._plan, lines=lines)
        return realised


class DeafToAborts(Good):
    def request_abort(self):
        """Nothing."""


class SlowToAbort(Good):
    @property
    def capabilities(self):
        return _with(super().capabilities, abort_latency=0.001)


class GoesOn(Good):
    def end_technique(self):
        """Nothing."""


class SaysItIsSafe(Good):
    def make_safe(self):
        return "it will be"


class StopsOnly(Good):
    """Ends the script and looks at nothing."""

    def safe_dialogue(self):
        return (Exchange(b"\nZ\n", "Z", 5.0, required=False),)

    def make_safe(self):
        self.transport.write(b"\nZ\n")
        return "told to stop"


class OtherBytes(Good):
    """`make_safe` does something else than it says."""

    def make_safe(self):
        self.transport.write(b"\n")
        return super().make_safe()


class GuardedHalf(Good):
    """The exchanges for the guardian stop the script and leave the cell."""

    def safe_dialogue(self):
        return (Exchange(b"\n", "", 0.1), Exchange(b"v\n", "v", 2.0, required=False, verifies=True))


class MakesUpRows(Good):
    """Whatever is no row is the row before it."""

    def frames(self):
        last = None
        frames = super().frames()
        while True:
            try:
                last = next(frames)
            except StopIteration:
                return
            except BadReply:
                if last is None:
                    raise
                yield last
                return
            yield last


class TriesAgain(Good):
    """Whatever goes wrong, the script is sent once more."""

    def frames(self):
        plan = self._plan
        try:
            yield from super().frames()
        except LugginError:
            self._plan = plan
            yield from super().frames()


class Swallows(Good):
    """A line that breaks is the end of the technique."""

    def frames(self):
        try:
            yield from super().frames()
        except LugginError:
            return


class Raw(Good):
    """Raises what its libraries raise."""

    def frames(self):
        try:
            yield from super().frames()
        except LugginError as error:
            raise RuntimeError("something happened") from error


class Driver(PalmSensMethodScript):
    """Registers one of these under a name of its own, which the twins of the good one answer to."""

    def __init__(self, kind):
        self._kind = kind

    def create(self, transport, clock, name, settings):
        return self._kind(transport, clock, name, read_settings(settings))

    def offline(self, settings):
        good = super().offline(settings)
        return self._kind(good.transport, good.clock, "offline", read_settings(settings))


class OutOfStep(SourceMeter):
    """After a missed answer it goes on as if nothing had been; so do its answers, one behind."""

    def resynchronise(self):
        self.transport.suspect = False


class KeepsItsLevel(SourceMeter):
    """Sets a range while the level of the step before stands."""

    def _configure(self, block):
        super()._configure([command for command in block if command not in ("SOUR:VOLT 0", "SOUR:CURR 0")])


class UnitDriver(Keithley2450):
    """Registers a source-measure unit of these."""

    def __init__(self, kind):
        self._kind = kind

    def create(self, transport, clock, name, settings):
        return self._kind(transport, clock, name, read_unit_settings(settings))


class Remembers(Circulator):
    """A temperature that does not come is the one from before."""

    before = 20.0

    def read_temperature(self, sensor=""):
        try:
            return super().read_temperature(sensor)
        except LugginError:
            return self.before


class SetsAgain(Circulator):
    """Whatever goes wrong, the set point is sent once more."""

    def set_temperature(self, target):
        try:
            return super().set_temperature(target)
        except LugginError:
            return super().set_temperature(target)


class LooksBeforeTheStart(Circulator):
    """Takes the set point from before the start for the one behind it."""

    def _setpoint_near(self, target):
        super()._setpoint_near(target)
        self._setpoint_near = lambda target: target
        return target


class RawBath(Circulator):
    def read_temperature(self, sensor=""):
        try:
            return super().read_temperature(sensor)
        except LugginError as error:
            raise RuntimeError("something happened") from error


class BathOutOfStep(Circulator):
    """An answer that comes late passes for the next one."""

    def resynchronise(self):
        self.transport.suspect = False

    def _listen(self):
        self.clock.sleep(0.02)


class IsLeft(Circulator):
    """Says that it is as it should be, whether it answers or not."""

    def make_safe(self):
        try:
            return super().make_safe()
        except LugginError:
            return "it will be"


class BathDriver(JulaboCirculator):
    """Registers a bath of these."""

    def __init__(self, kind):
        self._kind = kind

    def create(self, transport, clock, name, settings):
        return self._kind(transport, clock, name, read_bath_settings(settings))


class TakesAnySetting(Driver):
    def line_settings(self, settings):
        return super().line_settings({"model": settings["model"]})

    def offline(self, settings):
        return super().offline({"model": settings["model"]})


def plugins_with(driver):
    """All plugins, with this driver in the place of the one of its name."""
    module = types.ModuleType("mutant_drivers")

    @hookimpl
    def luggin_drivers():
        return [driver]

    module.luggin_drivers = luggin_drivers
    found = plugins.load(modules=[module])
    found.drivers = lambda: {driver.id: driver}
    return found
