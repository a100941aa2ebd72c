"""Byte by byte: who is there, a test with what may stand between its samples, and every way to an open cell."""

from __future__ import annotations

import logging

import pytest

from luggin.capabilities import Technique
from luggin.errors import BadReply, InstrumentFault, LineInUse, NoInstrument, ReplyTimeout, UnsafeState, UsageError
from luggin.records import Flag
from luggin.testing import dialogue
from luggin.testing.dialogue import Pause
from luggin.testing.subject import Subject
from luggin_drivers.iorodeo import IORodeoRodeostat
from luggin_drivers.iorodeo.messages import padded, written
from luggin_drivers.iorodeo.setup import Levels
from luggin_drivers.iorodeo.stream import RunningTest

MICROAMP = {"model": "microamp", "polarity": "iupac"}
CA = {"potential": 0.5, "duration": 0.4, "dt": 0.1, "current_range": 100e-6}
GETTERS = ("Ref", "Ctr", "Wrk")


def said(command, **values):
    """A reply as the firmware writes it."""
    response = written(command, **values)
    return b'{"success":true,"response":' + response.encode() + b"}\r\n"


def sample(time, potential=0.5, current=50.0, more=""):
    return f'{{"t":{time},"v":{potential},"i":{current}{more}}}\r\n'.encode()


def rodeostat(*exchanges, **settings):
    return dialogue(IORodeoRodeostat(), exchanges, {**MICROAMP, **settings})


# -- who is there
WHO = (b'{"command":"getVariant"}\n', said("getVariant", variant="10V_microAmpV0.2"))
REST = (
    (b'{"command":"getDeviceId"}\n', said("getDeviceId", deviceId=12)),
    (b'{"command":"getVersion"}\n', said("getVersion", version="FW0.1.0")),
)


def test_who_is_there():
    with rodeostat(WHO, *REST) as board:
        found = board.identify()
    assert (found.maker, found.model, found.serial, found.firmware) == ("IO Rodeo", "Rodeostat 1 mA", "12", "FW0.1.0")


def test_another_board_is_named():
    with rodeostat(WHO, model="10-milliamp") as board, pytest.raises(NoInstrument, match=r"model = 'microamp'"):
        board.identify()


def test_a_real_board_whose_sign_nobody_looked_at_is_refused():
    with (
        dialogue(IORodeoRodeostat(), [WHO], {"model": "microamp"}) as board,
        pytest.raises(UsageError, match=r"resistor.*polarity = \"iupac\".*polarity = \"inverted\""),
    ):
        board.identify()


def test_a_simulated_board_has_no_secret():
    with Subject("iorodeo.rodeostat", {"model": "microamp"}).rig() as rig:
        assert rig.device.identify().firmware == "FW0.1.0"


EXACT = Levels(0.0, 0.0)


# -- what may come between
def running(stream, technique=("ca", CA), levels=EXACT, settings=None):
    """A board whose test is set up; ``stream`` is what comes behind ``runTest``."""
    given = {**MICROAMP, **(settings or {})}
    offline = IORodeoRodeostat().offline(given)
    offline.prepare([Technique(*technique)])
    plan = offline._plan
    board = IORodeoRodeostat()
    start = padded(written("runTest", test=plan.test))
    return dialogue(board, [(start, stream)], given), plan, levels


def rows(stream, **kwargs):
    conversation, plan, levels = running(stream, **kwargs)
    with conversation as board:
        frames = RunningTest(plan, board, board._requests, board._settings, levels).frames()
        return [dict(zip(plan.schema.names, row, strict=True)) for frame in frames for row in frame.rows()]


ACK = said("runTest", test="constant")
FOUR = [sample(t) for t in (100, 200, 300, 400)]


def test_rows_of_a_test():
    found = rows([ACK, *FOUR, b"{}\r\n"], levels=Levels(-1e-4, 0.0))
    assert found == [
        {
            "instrument_time": pytest.approx(t),
            "potential": pytest.approx(0.4999),
            "current": pytest.approx(50e-6),
            "current_range": 100e-6,
            "flags": 0,
        }
        for t in (0.1, 0.2, 0.3, 0.4)
    ]


def test_a_sweep_has_the_mean_of_its_steps():
    lsv = ("lsv", {"begin": 0.0, "end": 0.04, "rate": 0.1, "step": 0.01, "quiet": 0.2, "current_range": 1e-4})
    stream = [said("runTest", test="linearSweep"), sample(100, 0), sample(200, 0), sample(300, 0.01)]
    stream += [sample(400, 0.02), sample(500, 0.03), sample(600, 0.04), b"{}\r\n"]
    found = rows(stream, technique=lsv, levels=Levels(1e-4, -2e-4))
    assert [row["potential"] for row in found] == pytest.approx([1e-4, -2e-4, 0.0098, 0.0198, 0.0298, 0.0398])
    assert [row["flags"] for row in found] == [Flag.QUIET_TIME, 0, 0, 0, 0, 0]


def test_inverted_currents_are_turned():
    found = rows([ACK, *FOUR, b"{}\r\n"], settings={"polarity": "inverted"})
    assert [row["current"] for row in found] == pytest.approx([-50e-6] * 4)


@pytest.mark.parametrize("last", [sample(400, 0.5, 100, ',"le":true'), sample(400, 0.5, -99.96)])
def test_a_current_at_the_end_of_its_range_is_kept_and_marked(last):
    found = rows([ACK, *FOUR[:3], last, b"{}\r\n"])
    assert [row["flags"] for row in found] == [0, 0, 0, Flag.CURRENT_OVERLOAD | Flag.CLIPPED]
    assert abs(found[-1]["current"]) == pytest.approx(100e-6, rel=1e-3)


def test_a_lost_sample_leaves_a_gap_and_a_double_one_is_left_out(caplog):
    caplog.set_level(logging.WARNING)
    found = rows([ACK, FOUR[0], FOUR[0], FOUR[2], FOUR[3], b"{}\r\n"])
    assert [(row["instrument_time"], row["flags"]) for row in found] == [(0.1, 0), (0.3, Flag.GAP), (0.4, 0)]
    assert "came twice" in caplog.text


def test_a_late_answer_between_samples_is_passed_over():
    late = said("getVolt", v=0.1)
    assert len(rows([b"{}\r\n", late, ACK, FOUR[0], late, *FOUR[1:], b"{}\r\n"])) == 4


@pytest.mark.parametrize(
    ("stream", "error", "words"),
    [
        ([FOUR[0], ACK], BadReply, "before the test was acknowledged"),
        (
            b'{"success":false,"message":"test not found","response":{"command":"runTest"}}\r\n',
            InstrumentFault,
            "found",
        ),
        ([ACK, *FOUR[:2], b"{}\r\n"], InstrumentFault, "ended behind 200 of 400 ms"),
        ([ACK, FOUR[2], FOUR[1]], BadReply, "cannot be"),
        ([ACK, sample(150)], BadReply, "cannot be"),
        ([ACK, *FOUR, sample(500)], BadReply, "cannot be"),
        ([ACK, sample(100, 0.51)], InstrumentFault, "500 mV.*switched off and on"),
        ([ACK, sample(100, more=',"n":2')], InstrumentFault, "channel 0"),
        ([ACK, FOUR[0], b"\xfe{}\r\n"], BadReply, "no JSON"),
        ([ACK, *FOUR], ReplyTimeout, "no answer"),
        ([b""], ReplyTimeout, "no answer"),
    ],
)
def test_what_ends_a_test_with_an_error(stream, error, words):
    with pytest.raises(error, match=words):
        rows(stream)


def test_the_answer_to_a_stop_comes_between_samples():
    conversation, plan, levels = running([ACK, FOUR[0], Pause(0.05)])
    with conversation as board:
        board.transport.left.append((b'{"command":"stopTest"}\n', [said("stopTest"), FOUR[1], b"{}\r\n"]))
        got = []
        for frame in RunningTest(plan, board, board._requests, board._settings, levels).frames():
            got += frame.rows()
            board.request_abort()
    assert [row[0] for row in got] == [0.1, 0.2]
    assert not board.transport.statistics()["buffered"]


def test_a_test_that_ends_while_it_is_stopped():
    """Its own end, then the answer, then the empty object of a stop that stopped nothing."""
    conversation, plan, levels = running([ACK, FOUR[0]])
    with conversation as board:
        board.transport.left.append((b'{"command":"stopTest"}\n', [*FOUR[1:], b"{}\r\n", said("stopTest"), b"{}\r\n"]))
        got = []
        for frame in RunningTest(plan, board, board._requests, board._settings, levels).frames():
            got += frame.rows()
            board.request_abort()
    assert len(got) == 4
    assert not board.transport.statistics()["buffered"]


def test_nobody_else_gets_the_line_while_a_test_runs():
    with Subject("iorodeo.rodeostat", {"model": "microamp"}).rig() as rig:
        rig.instrument.prepare([Technique("ca", CA)])
        frames = rig.instrument.frames()
        next(frames)
        with pytest.raises(LineInUse, match="a test runs"):
            rig.device.set_potential.read()
        frames.close()
        rig.device.make_safe()
        assert rig.device.set_potential.read() == pytest.approx(0.5, abs=1e-3)


# -- set-up
@pytest.mark.parametrize("dac", ["down", "nearest", "none"])
def test_the_board_is_asked_how_it_rounds(dac):
    """What is stored is what the converter gives: exactly while it holds, in the mean while it sweeps."""
    subject = Subject("iorodeo.rodeostat", MICROAMP, {"options": {"dac": dac}})
    sweep = {"begin": -0.9001, "end": 0.9, "rate": 0.5, "step": 0.0005, "current_range": 1e-3}
    with subject.rig({"kind": "resistor", "resistance": "10 kohm"}) as rig:
        held = rig.run([Technique("ca", {**CA, "potential": 0.1234})]).raise_error()
        swept = rig.run([Technique("lsv", sweep)]).raise_error()
    for row in held.rows:
        assert row["current"] * 10e3 == pytest.approx(row["potential"], abs=1e-7)
    error = [row["current"] * 10e3 - row["potential"] for row in swept.rows]
    assert sum(error) / len(error) == pytest.approx(0.0, abs=5e-6)
    assert max(map(abs, error)) < (0.3e-3 if dac != "none" else 1e-7)


def test_a_setting_that_the_board_does_not_take_is_told():
    asked = [
        (padded(written("setAllElectConnected", connected=False)), said("setAllElectConnected", connected=False)),
        (padded(written("setElectAutoConnect", autoConnect=True)), said("setElectAutoConnect", autoConnect=False)),
    ]
    with rodeostat(*asked) as board:
        board.prepare([Technique("ca", CA)])
        with pytest.raises(InstrumentFault, match="autoConnect = True was answered with False"):
            next(board.frames())


# -- safety
STOP = (b'\n{"command":"stopTest"}\n', b'{"success":false,"message":"unable to parse json","response":{}}\r\n')
OPEN = (
    (padded(written("setElectAutoConnect", autoConnect=True)), said("setElectAutoConnect", autoConnect=True)),
    (padded(written("setAllElectConnected", connected=False)), said("setAllElectConnected", connected=False)),
)


def read_back(connected, prefix=""):
    return [
        (padded(written(f"get{prefix}{one}ElectConnected")), said(f"get{prefix}{one}ElectConnected", connected=state))
        for one, state in zip(GETTERS, connected, strict=True)
    ]


def test_the_cell_is_opened_and_each_electrode_asked_for():
    stop = (STOP[0], [STOP[1], FOUR[0], said("stopTest"), FOUR[1], b"{}\r\n"])
    with rodeostat(stop, *OPEN, *read_back([False] * 3)) as board:
        assert "R, C and W" in board.make_safe()


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_one_electrode_that_stays_connected_is_told(closed):
    """`setAllElectConnected` says "not all are connected" then, too."""
    states = [one == closed for one in range(3)]
    attempt = [(STOP[0], [STOP[1], said("stopTest"), b"{}\r\n"]), *OPEN, *read_back(states)[: closed + 1]]
    with rodeostat(*attempt, *attempt) as board, pytest.raises(UnsafeState, match="could not be verified"):
        board.make_safe()


def test_a_multiplexer_is_put_to_use_before_it_is_asked():
    """One that is not in use calls every electrode disconnected."""
    exchanges = [
        (STOP[0], [said("stopTest"), b"{}\r\n"]),
        (padded(written("setMuxEnabled", muxEnabled=True)), said("setMuxEnabled", muxEnabled=True)),
        (padded(written("disconnectAllMuxElect")), said("disconnectAllMuxElect")),
        *read_back([False] * 3, "Mux"),
    ]
    with rodeostat(*exchanges, model="microamp-0.1", multiplexer=2) as board:
        assert "multiplexer" in board.make_safe()


def test_a_board_without_switches_is_never_called_safe():
    subject = Subject("iorodeo.rodeostat", {"model": "microamp-0.1"})
    with subject.rig() as rig:
        assert rig.cell_is_on
        assert rig.device.identify().model == "Rodeostat 1 mA, hardware 0.1 (AD8250)"
        with pytest.raises(UnsafeState, match=r"no command opens its cell.*by hand"):
            rig.device.make_safe()
