"""The simulated Rodeostat, byte by byte: its messages, its tests, what it clips, and its switches."""

import json

import pytest

from luggin_sim.cells import cell_from_table
from luggin_sim.dialects.iorodeo_rodeostat import MODELS, check, make
from luggin_sim.dialects.iorodeo_rodeostat.json_lines import number

RESISTOR = {"kind": "resistor", "resistance": "10 kohm"}
OHM = 10e3


class Talk:
    """One board and the time around it."""

    def __init__(self, model="microamp", cell=None, **rules):
        self.board = make(model, rules, cell_from_table(cell or RESISTOR))
        self.now = 100.0

    def raw(self, data, wait=0.01):
        """What is sent within ``wait`` s after some bytes."""
        self.board.feed(data, self.now)
        return self.after(wait)

    def after(self, wait):
        self.now += wait
        return self.board.take(self.now)

    def say(self, command, wait=0.0, **arguments):
        message = json.dumps({"command": command, **arguments}).encode() + b"\n"
        lines = self.raw(message + (b"" if len(message) % 64 else b" "), wait)
        return [json.loads(line) for line in lines.splitlines()]

    def ask(self, command, **arguments):
        return self.say(command, **arguments)[0]

    def fails(self, command, **arguments):
        reply = self.ask(command, **arguments)
        assert not reply["success"]
        return reply["message"]


CYCLIC = {"amplitude": 0.3, "offset": 0.1, "period": 1200, "numCycles": 2, "shift": 0.0, "quietValue": -0.2}


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"x", b'{"success":false,"message":"unable to parse json","response":{}}\r\n'),
        (b"[1]", b'{"success":false,"message":"unable to parse json","response":{}}\r\n'),
        (b"{}", b'{"success":false,"message":"CommandTable: command not found","response":{}}\r\n'),
        (b'{"command":"foo"}', b'{"success":false,"message":"command, foo, not found","response":{}}\r\n'),
        (b'{"command":"getVersion"}', b'{"success":true,"response":{"command":"getVersion","version":"FW0.1.0"}}\r\n'),
        (
            b'{"command":"getVariant"}',
            b'{"success":true,"response":{"command":"getVariant","variant":"10V_microAmpV0.2"}}\r\n',
        ),
        (b'{"command":"stopTest"}', b'{"success":true,"response":{"command":"stopTest"}}\r\n{}\r\n'),
        (
            b'  {"command":"setVoltRange","voltRange":"3V"}',
            b'{"success":false,"message":"voltRange, 3V, not found",'
            b'"response":{"command":"setVoltRange","voltRange":"1V"}}\r\n',
        ),
    ],
)
def test_replies_to_the_byte(line, reply):
    assert Talk().raw(line + b"\n") == reply


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("setCurrRange", {"currRange": "5uA"}, "currRange, 5uA, not found"),
        ("setCurrRange", {}, "json does not contain key: currRange"),
        ("setVolt", {}, "json does not contain key: v"),
        ("setVolt", {"v": "1"}, "unable to convert volt to float"),
        ("setSamplePeriod", {"samplePeriod": 1001}, "json samplePeriod value is too large"),
        ("setSamplePeriod", {"samplePeriod": 0}, "json samplePeriod value is too small"),
        ("setSamplePeriod", {"samplePeriod": 1.5}, "json samplePeriod value is not uin32_t"),
        ("runTest", {"test": "cv"}, "test not found"),
        ("runTest", {}, "json does not contain key: test"),
        ("runTest", {"test": "squareWave"}, "test, squareWave, is not simulated"),
        ("getParam", {}, "json does not contain key: test"),
        ("setParam", {}, "test key not found"),
        ("setParam", {"test": "cyclic"}, "key param missing"),
        ("setParam", {"test": "cyclic", "param": 1}, "param not JsonObject"),
        ("setParam", {"test": "cyclic", "param": {"amplitude": "1"}}, "amplitude not a float"),
        (
            "setParam",
            {"test": "cyclic", "param": {"period": 1.5, "numCycles": -1}},
            "period not uint32, numCycles not uint32",
        ),
        ("setParam", {"test": "chronoamp", "param": {"step": [[1, 0.0]] * 3}}, "step array too large"),
        ("setParam", {"test": "chronoamp", "param": {"step": [[1, 0]]}}, "step item[1] not float"),
        ("setParam", {"test": "chronoamp", "param": {"step": [[1.5, 0.0]]}}, "step item[0] not uint32"),
        ("setParam", {"test": "chronoamp", "param": {"step": [[1]]}}, "step item size!=2"),
        ("setParam", {"test": "chronoamp", "param": {}}, "step key not found"),
        ("setMuxEnabled", {"muxEnabled": True}, "multiplexer hardware not supported"),
        ("setAllElectConnected", {"connected": 1}, "unable to convert 'connected' to bool"),
    ],
)
def test_what_is_refused(command, arguments, message):
    assert Talk().fails(command, **arguments) == message


def test_a_message_of_64_bytes_never_arrives():
    message = b'{"command":"getVolt","x":"' + b"x" * 35 + b'"}\n'
    assert len(message) == 64
    assert Talk().raw(message) == b""
    assert Talk().raw(b" " + message).startswith(b'{"success":true')
    assert Talk(loses_64=False).raw(message).startswith(b'{"success":true')
    assert Talk("microamp-0.1").raw(message).startswith(b'{"success":true')


def test_two_thousand_bytes_are_kept():
    talk = Talk()
    assert talk.raw(b"x" * 2500) == b""
    assert talk.raw(b"\n") == b""  # the end of line found no room either
    short = Talk()
    assert short.raw(b"x" * 1998 + b"\n") == b'{"success":false,"message":"unable to parse json","response":{}}\r\n'


def test_a_triangle_and_its_end():
    talk = Talk()
    talk.say("setSamplePeriod", samplePeriod=100)
    talk.say("setCurrRange", currRange="100uA")
    talk.say("setParam", test="cyclic", param={**CYCLIC, "quietTime": 200})
    assert talk.ask("getTestDoneTime", test="cyclic")["response"]["testDoneTime"] == 2600
    ack, *samples, end = talk.say("runTest", 3.0, test="cyclic")
    assert ack == {"success": True, "response": {"command": "runTest", "test": "cyclic"}}
    assert end == {}
    assert [s["t"] for s in samples] == list(range(100, 2700, 100))
    up, down = [-0.2, -0.1, 0.0, 0.1, 0.2, 0.3], [0.4, 0.3, 0.2, 0.1, 0.0, -0.1]
    assert [s["v"] for s in samples] == pytest.approx([-0.2, *up, *down, *up, *down, -0.2], abs=1e-6)
    assert [s["i"] for s in samples] == pytest.approx([s["v"] / OHM * 1e6 for s in samples], abs=0.06)


def test_the_converter_rounds_down_and_the_sample_does_not_say_so():
    talk = Talk()
    talk.say("setCurrRange", currRange="100uA")
    talk.say("setParam", test="constant", param={"value": 0.1, "duration": 100})
    samples = talk.say("runTest", 1.0, test="constant")[1:-1]
    step = 2 / 4095
    level = (1.1 // step) * step - 1
    assert [s["v"] for s in samples] == pytest.approx([0.1] * 10)
    assert samples[-1]["i"] == pytest.approx(1e6 * level / OHM, rel=1e-6)
    assert talk.ask("getVolt")["response"]["v"] == pytest.approx(level)


def test_potentials_beyond_the_range_are_clipped_without_a_word():
    talk = Talk()
    assert talk.ask("setVolt", v=1.5) == {"success": True, "response": {"command": "setVolt", "v": 1}}
    talk.say("setParam", test="constant", param={"value": 12.0, "duration": 20})
    sample = talk.say("runTest", 1.0, test="constant")[1]
    # No range holds 12 V, so the old one stays: 1 V is applied.
    assert sample["v"] == 12
    assert sample["le"]
    talk.say("setCurrRange", currRange="1000uA")
    sample = talk.say("runTest", 1.0, test="constant")[1]
    assert sample["i"] == pytest.approx(100.0)
    assert talk.ask("getVoltRange")["response"]["voltRange"] == "1V"


def test_the_range_is_chosen_without_the_quiet_value():
    talk = Talk()
    talk.say("setCurrRange", currRange="1000uA")
    talk.say("setParam", test="cyclic", param={**CYCLIC, "quietTime": 20, "quietValue": 1.8})
    samples = talk.say("runTest", 3.0, test="cyclic")[1:-1]
    assert samples[0]["v"] == pytest.approx(1.8)
    assert samples[0]["i"] == pytest.approx(100.0)


@pytest.mark.parametrize(("polarity", "sign"), [("iupac", 1), ("inverted", -1)])
def test_overload_and_polarity(polarity, sign):
    talk = Talk(polarity=polarity)
    talk.say("setParam", test="constant", param={"value": 0.5, "duration": 20})
    sample = talk.say("runTest", 1.0, test="constant")[1]
    assert sample == {"t": 10, "v": 0.5, "i": sign * 10, "le": True}
    older = Talk(tells_overload=False)
    older.say("setParam", test="constant", param={"value": 0.5, "duration": 20})
    assert older.say("runTest", 1.0, test="constant")[1] == {"t": 10, "v": 0.5, "i": 10}


def test_steps():
    talk = Talk()
    talk.say("setParam", test="multiStep", param={"step": [[20, 0.05], [20, -0.05]]})
    samples = talk.say("runTest", 1.0, test="multiStep")[1:-1]
    assert [s["v"] for s in samples] == pytest.approx([0.05, 0.05, -0.05, -0.05])


def test_the_answer_to_a_stop_stands_before_the_last_samples():
    talk = Talk()
    talk.say("runTest", 0.035, test="constant")
    talk.now += 0.0055
    # 40.5 ms: the sample of 40 ms is still in the buffer.
    assert [list(one) for one in talk.say("stopTest")] == [["success", "response"], ["t", "v", "i", "le"], []]
    talk.say("runTest", 0.035, test="constant")
    assert [list(one) for one in talk.say("stopTest")] == [["success", "response"], []]
    assert not talk.board.cell_is_on
    assert talk.after(5.0) == b""


def test_switches():
    talk = Talk()
    assert not talk.board.cell_is_on
    talk.say("runTest", test="constant")
    assert talk.board.cell_is_on
    assert talk.ask("getAllElectConnected")["response"]["connected"] is True
    talk.say("setWrkElectConnected", connected=False)
    assert not talk.board.cell_is_on
    assert talk.ask("getAllElectConnected")["response"]["connected"] is False
    assert talk.ask("getCtrElectConnected")["response"]["connected"] is True
    talk.say("stopTest")
    assert talk.ask("getCtrElectConnected")["response"]["connected"] is False
    talk.say("setElectAutoConnect", autoConnect=False)
    talk.say("runTest", test="constant")
    assert not talk.board.cell_is_on
    talk.say("stopTest")
    talk.say("setAllElectConnected", connected=True)
    assert talk.board.cell_is_on


@pytest.mark.parametrize(("after", "potential"), [("keeps", 0.5), ("zero", 0.0)])
def test_a_board_without_switches_never_opens_the_cell(after, potential):
    talk = Talk("microamp-0.1", after_test=after)
    assert talk.board.cell_is_on
    assert talk.fails("getHardwareVersion") == "command, getHardwareVersion, not found"
    assert talk.fails("setAllElectConnected", connected=False) == "command, setAllElectConnected, not found"
    talk.say("setParam", test="constant", param={"value": 0.5, "duration": 20})
    talk.say("runTest", 1.0, test="constant")
    assert talk.ask("getVolt")["response"]["v"] == pytest.approx(potential, abs=5e-4)
    talk.say("setMuxEnabled", muxEnabled=True)
    assert talk.ask("getMuxWrkElectConnected")["response"]["connected"] is False
    assert talk.board.cell_is_on  # nothing is plugged on: the answer is worth nothing


def test_a_multiplexer():
    talk = Talk("microamp-0.1", multiplexer=True)
    assert not talk.board.cell_is_on
    talk.say("setMuxEnabled", muxEnabled=True)
    assert talk.fails("runTest", test="constant") == "mux running, but no enabled working electrode channels"
    assert talk.fails("setEnabledMuxChannels", muxChannel=[8]) == "muxChannel element out of range"
    talk.say("setEnabledMuxChannels", muxChannel=[3])
    assert talk.fails("runTest", test="multiStep") == "test, multiStep, is not mux compatible"
    assert talk.say("runTest", 0.01, test="constant")[1]["n"] == 3
    assert talk.board.cell_is_on
    talk.say("disconnectAllMuxElect")
    assert not talk.board.cell_is_on


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-0.2, "-0.200000003"),
        (1e-6, "9.999999975e-7"),
        (2.5e-7, "2.499999994e-7"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_as_the_firmware_prints_them(value, text):
    assert number(value) == text


def test_what_a_bench_file_may_say():
    assert check("microamp", {"dac": "none", "loop_time": 0}) == []
    assert [problem.path for problem in check("milliamp", {"poIarity": "iupac"})] == ["model", "options.poIarity"]
    assert check("microamp", {"polarity": "us"})[0].hint == "Choose from iupac, inverted."
    assert check("microamp", {"loop_time": -1.0})[0].path == "options.loop_time"
    assert check("microamp", {"tells_overload": 1})[0].message == "1 is not a bool"


def test_models_are_what_the_firmware_is_built_for():
    assert {model.variant for model in MODELS.values() if model.has_switches} == {
        "10V_microAmpV0.2",
        "10V_10MilliAmpV0.2",
        "10V_24MilliAmpV0.2",
    }
    assert all(model.variant.endswith("V0.1") for model in MODELS.values() if not model.has_switches)
