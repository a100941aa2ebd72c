"""Host-stepped techniques on a source-measure unit over a resistor: levels, deadlines, limits, and ways out."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.capabilities import (
    Capabilities,
    Identity,
    LimitRequest,
    Range,
    Realised,
    SourceReading,
    Technique,
    TechniqueCapability,
)
from luggin.clock import VirtualClock
from luggin.engine.protocols import plan_of, run_protocol
from luggin.engine.stepping import achieved_by, execution_of, with_stepping
from luggin.errors import LimitError, NotSupported, ReplyTimeout, UsageError
from luggin.records import CURRENT, POTENTIAL, Flag, Frame, Schema
from luggin.steps import load_protocol

NATIVE_LSV = Schema("lsv", (POTENTIAL, CURRENT))
CA = Technique("ca", {"potential": 0.5, "duration": 2.0, "dt": 0.1})
CP = Technique("cp", {"current": -1e-5, "duration": 1.0, "dt": 0.1, "potential_limit": 2.0})
CV = Technique("cv", {"begin": 0.0, "vertices": (0.3, -0.2), "end": 0.0, "rate": 1.0, "step": 0.1, "cycles": 2})
LSV = Technique("lsv", {"begin": 0.0, "end": 0.2, "rate": 0.1, "step": 0.05})
WINDOW = [LimitRequest("potential", -1.0, 0.8), LimitRequest("current", -100e-6, 60e-6)]


class ResistorUnit:
    """A source-measure unit with ``resistance`` between W and reference and a cell of ``rest`` volts behind it.

    ``slow`` maps the number of a measurement to the time (s) that it takes; the others take ``takes``.
    """

    name = "unit"
    fastest_interval = 0.05

    def __init__(self, clock, resistance=1e4, rest=0.0, takes=0.0, slow=(), native=()):
        self.clock = clock
        self.resistance, self.rest, self.takes, self.slow = resistance, rest, takes, dict(slow)
        self.native = dict(native)
        self.said = []
        self.on = False
        self.kind, self.level, self.limit = "", 0.0, 0.0
        self.measured = 0
        self.fails_at = None
        self.prepared = None

    @property
    def capabilities(self):
        return Capabilities(
            "Resistor Unit", self.native, Range(-2.0, 2.0, "V"), Range(-1.0, 1.0, "A"), polarity="iupac"
        )

    def source_potential(self, level, current_limit):
        self.kind, self.level, self.limit = "potential", level, current_limit
        self.said.append(("potential", level, current_limit))

    def source_current(self, level, potential_limit):
        self.kind, self.level, self.limit = "current", level, potential_limit
        self.said.append(("current", level, potential_limit))

    def set_level(self, level):
        self.level = level
        self.said.append(("level", level, self.clock.now()))

    def switch(self, on):
        self.on = on
        self.said.append(("switch", on, self.clock.now()))

    def measure(self):
        assert self.on
        begun = self.clock.now()
        self.measured += 1
        if self.measured == self.fails_at:
            raise ReplyTimeout("no answer")
        self.clock.sleep(self.slow.get(self.measured, self.takes))
        if self.kind == "potential":
            current = (self.level - self.rest) / self.resistance
            clamped = max(-self.limit, min(self.limit, current))
            flags = Flag.COMPLIANCE.value if clamped != current else 0
            return SourceReading(begun + 1000.0, self.rest + clamped * self.resistance, clamped, flags)
        potential = self.rest + self.level * self.resistance
        return SourceReading(begun + 1000.0, max(-self.limit, min(self.limit, potential)), self.level)

    def identify(self):
        return Identity("maker", "unit", "1", "1")

    def prepare(self, techniques):
        self.prepared = list(techniques)
        return Realised(tuple(techniques), (NATIVE_LSV,), (1.0,), (1,), 0.1)

    def arm(self, limits):
        return {"current": "native"}

    def frames(self):
        yield Frame(NATIVE_LSV, self.clock.now(), [(0.0, 0.0)])

    def request_abort(self):
        self.said.append(("abort", None, None))

    def end_technique(self):
        pass

    def make_safe(self):
        self.on = False
        return "off"

    def safe_dialogue(self):
        return ()

    def close(self):
        self.said.append(("close", None, None))


@pytest.fixture
def clock():
    return VirtualClock()


def run(instrument, *techniques, limits=WINDOW):
    """Rows of all techniques, each as a dict with its part."""
    realised = instrument.prepare(list(techniques))
    instrument.arm(limits)
    rows = [
        dict(zip(frame.schema.names, row, strict=True), part=frame.part, received=frame.received)
        for frame in instrument.frames()
        for row in frame.rows()
    ]
    return realised, rows


# --- who gets it ------------------------------------------------------------------------------------


def test_an_instrument_that_is_no_source_measure_unit_stays_what_it_is(clock):
    class Plain:
        name = "plain"

    plain = Plain()
    assert with_stepping(plain, clock) is plain


def test_what_the_driver_has_runs_natively_and_the_rest_is_stepped(clock):
    unit = ResistorUnit(clock, native={"lsv": TechniqueCapability("native", NATIVE_LSV)})
    instrument = with_stepping(unit, clock)
    executions = {name: technique.execution for name, technique in instrument.capabilities.techniques.items()}
    assert executions == {"ocp": "stepped", "ca": "stepped", "cp": "stepped", "cv": "stepped", "lsv": "native"}
    realised, rows = run(instrument, LSV)
    assert execution_of(instrument, realised) == ["native"]
    assert (unit.prepared, len(rows), unit.measured) == ([LSV], 1, 0)
    assert achieved_by(instrument) == {}
    realised, _ = run(instrument, CA)
    assert execution_of(instrument, realised) == ["stepped"]
    assert achieved_by(instrument)["execution"] == "stepped"


def test_a_chain_with_one_technique_that_the_driver_lacks_is_stepped_whole(clock):
    unit = ResistorUnit(clock, native={"lsv": TechniqueCapability("native", NATIVE_LSV)})
    instrument = with_stepping(unit, clock)
    realised, rows = run(instrument, CA, LSV)
    assert execution_of(instrument, realised) == ["stepped", "stepped"]
    assert unit.prepared is None
    assert [part for part, _ in itertools.groupby(row["part"] for row in rows)] == [0, 1]


def test_readings_of_the_driver_are_still_there(clock):
    unit = ResistorUnit(clock)
    unit.firmware = "1.7"
    instrument = with_stepping(unit, clock)
    assert instrument.firmware == "1.7"
    with pytest.raises(AttributeError):
        _ = instrument.firmwear


# --- levels and signs -------------------------------------------------------------------------------


def test_a_cv_goes_through_all_levels_in_their_order(clock):
    unit = ResistorUnit(clock)
    realised, rows = run(with_stepping(unit, clock), CV, limits=())
    expected = [0, 0.1, 0.2, 0.3, 0.2, 0.1, 0, -0.1, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.2, 0.1, 0, -0.1, -0.2, -0.1, 0]
    assert [row["applied_potential"] for row in rows] == pytest.approx(expected)
    assert [row["potential"] for row in rows] == pytest.approx(expected)
    # positive potential across a resistor: positive current, 0.3 V / 10 kohm
    assert rows[3]["current"] == pytest.approx(30e-6)
    assert rows[8]["current"] == pytest.approx(-20e-6)
    # the second cycle begins where the sweep passes 0 V on its way back from the second vertex
    assert [row["cycle"] for row in rows] == [1] * 11 + [2] * 10
    assert realised.rows == (21,)
    assert realised.duration == pytest.approx(2.1)


def test_the_source_is_opened_wide_enough_for_all_levels_before_it_is_switched_on(clock):
    unit = ResistorUnit(clock)
    run(with_stepping(unit, clock), CV)
    assert unit.said[0][:2] == ("potential", 0.3)
    assert unit.said[1][:2] == ("level", 0.0)
    assert unit.said[2][:2] == ("switch", True)
    assert unit.said[-1][:2] == ("switch", False)


def test_a_negative_current_makes_a_negative_potential(clock):
    _, rows = run(with_stepping(ResistorUnit(clock, rest=0.4), clock), CP)
    assert {(row["current"], row["applied_current"]) for row in rows} == {(-1e-5, -1e-5)}
    assert rows[0]["potential"] == pytest.approx(0.4 - 0.1)


def test_the_open_circuit_is_a_source_of_no_current(clock):
    unit = ResistorUnit(clock, rest=0.4)
    realised, rows = run(with_stepping(unit, clock), Technique("ocp", {"duration": 2.0, "dt": 0.5}))
    # the instrument's largest potential: a tighter clamp would discharge a cell beyond it
    assert unit.said[0] == ("current", 0.0, 2.0)
    assert [row["potential"] for row in rows] == [0.4] * 4
    assert realised.schemas[0].names == ("instrument_time", "potential", "flags")


# --- deadlines --------------------------------------------------------------------------------------


def test_readings_come_at_absolute_deadlines_whatever_a_measurement_takes(clock):
    unit = ResistorUnit(clock, takes=0.03)
    _, rows = run(with_stepping(unit, clock), CA)
    # begun at 0.1, 0.2, ...; each arrives 30 ms later: nothing adds up
    assert [row["received"] for row in rows] == pytest.approx([0.1 * k + 0.03 for k in range(1, 21)])
    assert [row["instrument_time"] for row in rows] == pytest.approx([0.1 * k + 0.03 for k in range(1, 21)])


def test_what_was_achieved_is_told(clock):
    unit = ResistorUnit(clock, takes=0.01, slow={5: 0.14})
    instrument = with_stepping(unit, clock)
    run(instrument, CA)
    (timing,) = achieved_by(instrument)["timing"]
    # the fifth reading, begun at 0.5, ends at 0.64: the sixth is begun 40 ms late, nothing is left out
    assert timing == {
        "technique": "ca",
        "rows": 20,
        "dt": 0.1,
        "missed_deadlines": 0,
        "lateness": {"mean": 0.002, "p50": 0.0, "p99": 0.04, "max": 0.04},
        "real_dt": {
            "mean": pytest.approx(0.1),
            "p50": pytest.approx(0.1),
            "p99": pytest.approx(0.14),
            "max": pytest.approx(0.14),
        },
    }


def test_deadlines_that_have_passed_are_left_out_and_not_caught_up(clock):
    unit = ResistorUnit(clock, slow={3: 0.47})
    instrument = with_stepping(unit, clock)
    _, rows = run(instrument, CA)
    # the third, begun at 0.3, ends at 0.77: those at 0.4 ... 0.7 are lost, the next is on time at 0.8
    begun = [round(row["instrument_time"] - rows[0]["instrument_time"] + 0.1, 6) for row in rows]
    assert begun[:5] == [0.1, 0.2, 0.3, 0.8, 0.9]
    assert [index for index, row in enumerate(rows) if row["flags"] & Flag.TIMING] == [3]
    assert len(rows) == 20 - 4
    (timing,) = achieved_by(instrument)["timing"]
    assert (timing["missed_deadlines"], timing["lateness"]["max"]) == (4, 0.0)


def test_a_late_sweep_leaves_out_no_level_and_makes_no_step_shorter_than_half(clock):
    unit = ResistorUnit(clock, slow={5: 0.38})
    _, rows = run(with_stepping(unit, clock), CV, limits=())
    assert len(rows) == 21
    levels = [row["applied_potential"] for row in rows]
    assert max(abs(b - a) for a, b in itertools.pairwise(levels)) == pytest.approx(0.1)
    times = [row["instrument_time"] for row in rows]
    assert min(b - a for a, b in itertools.pairwise(times)) == pytest.approx(0.1)
    # begun at 0.5, over at 0.88: the slots at 0.6, 0.7 and 0.8 are lost, and the level is held until 0.9
    assert rows[5]["instrument_time"] - rows[4]["instrument_time"] == pytest.approx(0.4)
    assert rows[5]["flags"] == Flag.TIMING


def test_the_quiet_time_is_recorded_and_the_sweep_begins_at_its_end(clock):
    quiet = Technique("cv", {**CV.parameters, "quiet": 1.03})
    realised, rows = run(with_stepping(ResistorUnit(clock), clock), quiet, limits=())
    before = [row for row in rows if row["flags"] & Flag.QUIET_TIME]
    assert [(row["cycle"], row["applied_potential"]) for row in before] == [(0, 0.0)] * 10
    assert rows[10]["instrument_time"] == pytest.approx(1.13)
    assert realised.expected_flags == Flag.QUIET_TIME
    assert (realised.rows, realised.duration) == ((31,), pytest.approx(3.13))


@pytest.mark.parametrize(
    ("technique", "words"),
    [
        (Technique("ca", {**CA.parameters, "dt": 0.02}), "takes up to 50 ms. Take dt = 50 ms or more."),
        (Technique("lsv", {**LSV.parameters, "rate": 2.0}), "50 mV at 2 V/s are 25 ms per step"),
        (Technique("lsv", {**LSV.parameters, "rate": 2.0}), "Take at most 1 V/s, or steps of 100 mV."),
    ],
)
def test_a_rate_that_the_line_cannot_hold_is_refused_beforehand_with_numbers(clock, technique, words):
    unit = ResistorUnit(clock)
    with pytest.raises(LimitError) as refused:
        with_stepping(unit, clock).prepare([technique])
    assert words in str(refused.value)
    assert unit.said == []


def test_the_fastest_rate_of_the_line_is_not_refused(clock):
    # 50 mV at 1 V/s are 50 ms, whatever the last digit of the quotient says
    run(with_stepping(ResistorUnit(clock), clock), Technique("lsv", {**LSV.parameters, "rate": 1.0}), limits=())


# --- limits -----------------------------------------------------------------------------------------


def test_the_source_limits_the_current_just_outside_the_limits_of_the_run(clock):
    unit = ResistorUnit(clock)
    instrument = with_stepping(unit, clock)
    instrument.prepare([CA])
    armed = instrument.arm(WINDOW)
    assert unit.said == [("potential", 0.5, pytest.approx(110e-6))]
    assert armed == {"current": "the source clamps the current at +-110 uA, read back; it does not open the cell"}


def test_the_smallest_of_all_potential_limits_is_given_to_a_current_source(clock):
    unit = ResistorUnit(clock)
    instrument = with_stepping(unit, clock)
    for bound, held in ((2.0, 1.1), (0.6, 0.6), (None, 1.1)):
        instrument.prepare([Technique("cp", {**CP.parameters, "potential_limit": bound})])
        assert instrument.arm(WINDOW)["potential"].startswith(
            f"the source clamps the potential at +-{held * 1000 if held < 1 else held:g}"
        )
        assert unit.said[-1] == ("current", -1e-5, pytest.approx(held))


def test_cp_without_any_largest_potential_is_refused(clock):
    unit = ResistorUnit(clock)
    instrument = with_stepping(unit, clock)
    instrument.prepare([Technique("cp", {**CP.parameters, "potential_limit": None})])
    with pytest.raises(LimitError, match="cp needs a largest potential"):
        instrument.arm([LimitRequest("current", -1e-3, 1e-3)])
    assert unit.said == []


def test_a_current_beyond_the_limits_of_the_run_is_refused(clock):
    unit = ResistorUnit(clock)
    instrument = with_stepping(unit, clock)
    instrument.prepare([Technique("cp", {**CP.parameters, "current": 80e-6})])
    with pytest.raises(LimitError, match=r"cp.current = 80 uA; the limits of this run allow -100 uA ... 60 uA"):
        instrument.arm(WINDOW)
    assert unit.said == []


@pytest.mark.parametrize(
    ("technique", "words"),
    [
        (Technique("ca", {**CA.parameters, "potential": 2.5}), "ca: 2.5 V is asked for; the Resistor Unit allows -2 V"),
        (Technique("cv", {**CV.parameters, "vertices": (0.3, -2.2)}), "cv: -2.2 V is asked for"),
        (Technique("cp", {**CP.parameters, "current": -1.5}), "cp: -1.5 A is asked for"),
        (Technique("cp", {**CP.parameters, "potential_limit": 3.0}), "cp.potential_limit = 3 V"),
    ],
)
def test_what_lies_outside_the_instruments_range_is_refused(clock, technique, words):
    with pytest.raises(LimitError) as refused:
        with_stepping(ResistorUnit(clock), clock).prepare([technique])
    assert words in str(refused.value)


def test_a_clamped_reading_says_so(clock):
    # 0.5 V over 1 kohm would be 500 uA; the source stops at 110 uA
    _, rows = run(with_stepping(ResistorUnit(clock, resistance=1e3), clock), CA)
    assert {row["flags"] for row in rows} == {Flag.COMPLIANCE}
    assert rows[0]["current"] == pytest.approx(110e-6)
    assert rows[0]["potential"] == pytest.approx(0.11)


@pytest.mark.parametrize(
    ("technique", "error", "words"),
    [
        (Technique("eis", {}), NotSupported, "'eis' cannot be stepped by the host; ocp, ca, cp, lsv, cv can"),
        (Technique("ca", {"potential": 0.5, "dt": 0.1}), UsageError, "ca needs duration"),
        (Technique("ca", {**CA.parameters, "potentail": 1.0}), UsageError, "did you mean 'potential'?"),
        (
            Technique("ca", {**CA.parameters, "potential": float("nan")}),
            UsageError,
            "ca.potential = nan is not a number",
        ),
        (Technique("ca", {**CA.parameters, "duration": -1.0}), UsageError, "is not more than 0"),
        (Technique("ca", {**CA.parameters, "quiet": -1.0}), UsageError, "quiet = -1.0 is less than 0"),
    ],
)
def test_nonsense_is_refused(clock, technique, error, words):
    with pytest.raises(error) as refused:
        with_stepping(ResistorUnit(clock), clock).prepare([technique])
    assert words in str(refused.value)


# --- chains -----------------------------------------------------------------------------------------


def test_the_cell_stays_on_in_a_chain_and_the_source_reaches_all_of_it(clock):
    unit = ResistorUnit(clock)
    _, rows = run(with_stepping(unit, clock), LSV, CA)
    assert [entry[0] for entry in unit.said if entry[0] in ("potential", "switch")] == ["potential", "switch", "switch"]
    assert unit.said[0][1] == 0.5
    assert [row["part"] for row in rows] == [0] * 5 + [1] * 20
    assert rows[5]["instrument_time"] == pytest.approx(0.1)


def test_a_chain_from_potential_to_current_is_refused(clock):
    with pytest.raises(NotSupported, match="would open the cell where it changes between potential and current"):
        with_stepping(ResistorUnit(clock), clock).prepare([CA, CP])


def test_the_end_of_one_technique_is_not_the_end_of_the_chain(clock):
    instrument = with_stepping(ResistorUnit(clock), clock)
    instrument.prepare([CA, LSV])
    instrument.arm(WINDOW)
    parts = []
    for frame in instrument.frames():
        parts.append(frame.part)
        if parts == [0, 0, 0]:
            instrument.end_technique()
    assert parts == [0] * 3 + [1] * 5
    assert not instrument._unit.on


# --- ways out ---------------------------------------------------------------------------------------


def test_an_abort_from_another_worker_ends_a_long_wait_and_opens_the_cell(clock):
    unit = ResistorUnit(clock)
    instrument = with_stepping(unit, clock)
    instrument.prepare([Technique("ca", {"potential": 0.5, "duration": 7200.0, "dt": 3600.0})])
    instrument.arm(WINDOW)

    def operator():
        clock.sleep(5.0)
        instrument.request_abort()

    with clock.worker("owner"):
        worker = clock.start_worker("operator", operator)
        assert list(instrument.frames()) == []
        worker.join()
    assert clock.now() == pytest.approx(5.0)
    assert not unit.on


def test_after_an_abort_at_a_row_no_further_level_is_set(clock):
    unit = ResistorUnit(clock)
    instrument = with_stepping(unit, clock)
    instrument.prepare([CV])
    instrument.arm(())
    frames = instrument.frames()
    next(frames)
    instrument.request_abort()
    assert list(frames) == []
    assert [entry[:2] for entry in unit.said if entry[0] == "level"] == [("level", 0.0)]
    assert unit.said[-1][:2] == ("switch", False)


def test_an_abort_before_the_start_switches_nothing_on(clock):
    unit = ResistorUnit(clock)
    instrument = with_stepping(unit, clock)
    instrument.prepare([CA])
    instrument.arm(WINDOW)
    instrument.request_abort()
    assert list(instrument.frames()) == []
    assert ("switch", True) not in [entry[:2] for entry in unit.said]


def test_an_abort_of_the_last_technique_does_not_end_the_next(clock):
    instrument = with_stepping(ResistorUnit(clock), clock)
    instrument.request_abort()
    _, rows = run(instrument, CA)
    assert len(rows) == 20


def test_the_cell_is_opened_when_a_reading_fails(clock):
    unit = ResistorUnit(clock)
    unit.fails_at = 3
    instrument = with_stepping(unit, clock)
    instrument.prepare([CA])
    instrument.arm(WINDOW)
    with pytest.raises(ReplyTimeout, match="no answer"):
        list(instrument.frames())
    assert not unit.on
    assert len(achieved_by(instrument)["timing"]) == 1


def test_the_first_error_is_told_when_the_cell_cannot_be_opened_either(clock):
    unit = ResistorUnit(clock)
    unit.fails_at = 1
    switch = unit.switch

    def dead(on):
        if not on:
            raise ReplyTimeout("still no answer")
        switch(on)

    unit.switch = dead
    instrument = with_stepping(unit, clock)
    instrument.prepare([CA])
    with pytest.raises(ReplyTimeout, match="no answer") as failed:
        list(instrument.frames())
    assert failed.value.__notes__ == ["and the cell could not be opened: still no answer"]


def test_the_cell_is_opened_when_the_iterator_is_dropped(clock):
    unit = ResistorUnit(clock)
    instrument = with_stepping(unit, clock)
    instrument.prepare([CA])
    frames = instrument.frames()
    next(frames)
    assert unit.on
    frames.close()
    assert not unit.on


def test_a_preparation_runs_once(clock):
    instrument = with_stepping(ResistorUnit(clock), clock)
    run(instrument, CA)
    with pytest.raises(UsageError, match="prepare a technique first"):
        next(instrument.frames())


def test_two_runs_in_virtual_time_are_the_same():
    def once():
        clock = VirtualClock()
        return run(with_stepping(ResistorUnit(clock, takes=0.013, slow={4: 0.3}), clock), CV, limits=())[1]

    assert once() == once()


# --- in a run ---------------------------------------------------------------------------------------

PROTOCOL = """title = "stepped"
limits = [{column = "potential", between = ["-1 V", "1 V"]}, {column = "current", between = ["-0.1 mA", "0.1 mA"]}]
steps = [
  {do = "ocp", duration = "1 s", dt = "0.5 s"},
  {do = "cp", current = "CURRENT", duration = "1 s", dt = "0.1 s"},
  {do = "lsv", begin = "0 V vs ocp", end = "0.2 V", rate = "0.1 V/s", step = "10 mV"},
]
[sample]
id = "resistor"
wiring = "three-electrode"
working = "resistor"
counter = "resistor"
reference = "resistor"
"""


@pytest.fixture
def run_on_unit(tmp_path):
    """Run the protocol with the given current; the archive, how it ended, and the unit."""

    def go(current, **unit):
        plugins = plugin_manager.load()
        loaded = load_protocol(text=PROTOCOL.replace("CURRENT", current))
        bench = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
        plan = replace(plan_of(loaded, bench), folder=tmp_path / "run")
        units = []

        def put_on_the_bench(run):
            units.append(ResistorUnit(run.session.clock, **unit))
            run.session.instruments["cell"] = with_stepping(units[0], run.session.clock)

        finished = run_protocol(loaded, plan, plugins, on_begin=put_on_the_bench)
        return open_run(plan.folder), finished, units[0]

    return go


def test_a_run_says_how_each_step_was_executed_and_what_was_achieved(run_on_unit):
    archive, finished, unit = run_on_unit("20 uA", rest=0.3, takes=0.01)
    assert finished.outcome == "completed"
    prepared = [event for event in archive.events if event["what"] == "prepared"]
    assert [event["execution"] for event in prepared] == [["stepped"]] * 3
    assert prepared[1]["limits_in_instrument"] == {
        "potential": "the source clamps the potential at +-1.1 V, read back; it does not open the cell"
    }
    achieved = [step.values["achieved"] for step in archive.steps]
    assert [a["timing"][0]["technique"] for a in achieved] == ["ocp", "cp", "lsv"]
    assert achieved[1]["timing"][0]["rows"] == 10
    assert achieved[1]["timing"][0]["real_dt"]["max"] == pytest.approx(0.1)
    # 0.3 V at rest and 20 uA through 10 kohm; the sweep begins at the potential at rest
    assert archive["cp"].to_numpy()["potential"] == pytest.approx([0.5] * 10)
    assert archive["lsv"].to_numpy()["applied_potential"][0] == pytest.approx(0.3)
    assert not unit.on


def test_a_limit_ends_a_stepped_technique_before_the_next_reading(run_on_unit):
    archive, finished, unit = run_on_unit("90 uA", rest=0.3)
    # 0.3 V + 90 uA * 10 kohm = 1.2 V; the unit clamps at 1.1 V, beyond the limit of the run
    assert finished.outcome == "limit tripped"
    assert archive["cp"].to_numpy()["potential"] == pytest.approx([1.1])
    assert not unit.on


def test_a_native_step_says_so(run_on_unit):
    archive, _, _ = run_on_unit("20 uA", native={"lsv": TechniqueCapability("native", NATIVE_LSV)})
    assert [e["execution"] for e in archive.events if e["what"] == "prepared"] == [["stepped"], ["stepped"], ["native"]]
