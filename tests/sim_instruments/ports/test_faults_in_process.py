"""Every fault on every kind of line in this process: what comes of it, and that the next exchange is right."""

import pytest
from scpi_echo import IDENTITY, EchoMaker, echo_table

from luggin.clock import VirtualClock
from luggin.errors import InstrumentError, LineInUse, LineLost, NoInstrument, ReplyTimeout
from luggin.transport import open_line
from luggin_sim.bench import open_lab
from luggin_sim.dialects import DIALECTS
from luggin_sim.faults import KINDS

NAMES = {
    "sim": "",
    "gpib": "GPIB0::18::INSTR",
    "usb": "USB0::0x05E6::0x2450::04012345::0::INSTR",
    "vxi": "TCPIP0::smu.lab::inst0::INSTR",
    "socket": "TCPIP0::smu.lab::5025::SOCKET",
    "serial": "ASRL5::INSTR",
}
ON_A_BUS = ("gpib", "usb", "vxi")
TIMEOUT = 2.0
ASK, ANSWER = b"ECHO? 12345678\n", b"12345678"


class Bench:
    """An echo on a line of one kind, with a clock."""

    def __init__(self, kind, table):
        self.kind, self.clock = kind, VirtualClock()
        self.lab = open_lab({"smu": {"latency": "1 ms", **table}}, self.clock)
        self.faults = self.lab.faults("smu")
        self.line = self.open()

    def open(self):
        return open_line("smu", self.clock, url=self.lab.url("smu"), timeout=TIMEOUT)

    def ask(self, question=ASK):
        return self.line.exchange(question)

    def outcome(self):
        """What comes of a question, and how long it takes (lab s)."""
        begun = self.clock.now()
        try:
            came = self.ask()
        except InstrumentError as error:
            came = type(error)
        return came, round(self.clock.now() - begun, 3)


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.setitem(DIALECTS, "test.echo", EchoMaker())
    opened = []

    def make(kind, **table):
        written = echo_table(NAMES[kind]) | table
        if not written["address"]:
            del written["address"]
        opened.append(Bench(kind, written))
        return opened[-1]

    yield make
    for each in opened:
        each.line.close()
        each.lab.close()


def cut(kind):
    """On a bus a half answer ends; on a stream its end is waited for."""
    return (ANSWER[:3], 0.001) if kind in ON_A_BUS else (ReplyTimeout, TIMEOUT)


#: How a question ends whose answer is hit: the answer or the error, and after which time (s).
OUTCOMES = {
    "drop": lambda kind: (ReplyTimeout, TIMEOUT),
    "truncate": cut,
    "stale": lambda kind: (IDENTITY, 0.001),
    "late": lambda kind: (ReplyTimeout, TIMEOUT),
    "double": lambda kind: (ANSWER, 0.001),
    "interleave": lambda kind: (ReplyTimeout, TIMEOUT),
    "stall": lambda kind: (ReplyTimeout, TIMEOUT),
    "mute": lambda kind: (ReplyTimeout, TIMEOUT),
    "deaf": lambda kind: (ReplyTimeout, TIMEOUT),
    "slow": lambda kind: (ANSWER, 0.1),
    "unplug": lambda kind: (LineLost, 0.001),
    "reboot": lambda kind: (ReplyTimeout, TIMEOUT),
    "overload": lambda kind: (ANSWER, 0.001),
    "nan": lambda kind: (ANSWER, 0.001),
}
SETTINGS = {
    "truncate": {"keep": 3},
    "stall": {"duration": 3.0},
    "slow": {"factor": 100.0, "duration": 0.5},
    "mute": {"duration": 1.0},
    "deaf": {"duration": 1.0},
    "unplug": {"keep": 3, "duration": 0.5},
    "reboot": {"duration": 1.0},
}


def test_the_table_of_outcomes_has_every_kind():
    assert set(OUTCOMES) | {"garbage"} == set(KINDS)


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("fault", OUTCOMES)
def test_a_fault_ends_in_an_answer_or_an_error_in_time_and_the_next_exchange_is_right(bench, fault, kind):
    it = bench(kind)
    assert it.ask(b"*IDN?\n") == IDENTITY
    it.faults.inject(fault, **SETTINGS.get(fault, {}))
    assert it.outcome() == OUTCOMES[fault](kind)
    it.clock.sleep(1.5)
    if fault == "unplug":
        it.line.close()
        it.line = it.open()
    it.line.drain(0.2)
    if fault == "interleave":  # two answers in one line: what is held back is asked for by the next question
        it.ask(b"*IDN?\n")
        it.line.drain(0.2)
    if fault == "late" and kind not in ON_A_BUS:  # a device clear makes the instrument forget it
        assert it.ask(b"*IDN?\n") == ANSWER
        it.line.drain(0.2)
    for _ in range(3):
        assert it.outcome() == (ANSWER, 0.001)


@pytest.mark.parametrize("kind", NAMES)
def test_garbage_arrives_as_raw_bytes(bench, kind):
    it = bench(kind)
    it.faults.inject("garbage", bytes=2, seed=7)
    came = it.ask()
    assert sum(a != b for a, b in zip(came, ANSWER, strict=True)) == 2
    assert it.ask() == ANSWER
    it.faults.inject("garbage", bytes=2, inserted=True, seed=2)
    came = it.ask()
    assert (len(came), bytes(byte for byte in came if byte < 0x80)) == (len(ANSWER) + 2, ANSWER)


@pytest.mark.parametrize("kind", NAMES)
def test_while_unplugged_everything_is_a_lost_line_and_nothing_can_be_opened(bench, kind):
    it = bench(kind)
    it.faults.unplug()
    assert not it.faults.is_plugged
    with pytest.raises(LineLost):
        it.line.write(ASK)
    with pytest.raises(LineLost):
        it.line.read_line()
    with pytest.raises(NoInstrument):
        it.open()
    it.faults.replug()
    with pytest.raises(LineLost):  # the port that was open is dead for good
        it.line.write(ASK)
    old, it.line = it.line, it.open()
    assert it.ask() == ANSWER
    old.close()
    assert it.ask() == ANSWER
    if kind == "sim":
        with pytest.raises(LineInUse):
            it.open()


@pytest.mark.parametrize("kind", NAMES)
def test_whoever_waits_is_told_at_the_moment_of_the_unplugging(bench, kind):
    it = bench(kind, faults=[{"kind": "unplug", "at": "1.25 s", "for": "3 s"}])
    with it.clock.worker("reader"), pytest.raises(LineLost):
        it.line.read_line(60.0)
    assert it.clock.now() == pytest.approx(1.25)


@pytest.mark.parametrize("kind", NAMES)
def test_any_thread_may_unplug_and_the_reader_is_woken(bench, kind):
    it = bench(kind)
    with it.clock.worker("reader"):
        saboteur = it.clock.start_worker("saboteur", lambda: (it.clock.sleep(0.75), it.faults.unplug()))
        with pytest.raises(LineLost):
            it.line.read_line(60.0)
        assert it.clock.now() == pytest.approx(0.75)
        saboteur.join()


@pytest.mark.parametrize("kind", NAMES)
def test_the_first_bytes_come_before_the_line_breaks(bench, kind):
    it = bench(kind)
    it.faults.inject("unplug", keep=5, duration=0.0)
    it.line.write(ASK)
    assert it.line.read_exactly(5) == ANSWER[:5]
    with pytest.raises(LineLost):
        it.line.read_exactly(1)
    it.line.close()
    it.line = it.open()
    assert it.ask() == ANSWER


@pytest.mark.parametrize("kind", NAMES)
def test_after_a_thousand_cuts_every_exchange_is_right(bench, kind):
    it = bench(kind)
    for number in range(1000):
        question, answer = b"ECHO? %06d\n" % number, b"%06d" % number
        if number % 3 == 0:
            it.faults.unplug()
        else:
            it.faults.inject("unplug", keep=number % 4, duration=0.0)
        with pytest.raises(LineLost):
            it.ask(question)
        it.faults.replug()
        it.line.close()
        it.line = it.open()
        assert it.ask(question) == answer
    assert it.clock.now() < 10.0


@pytest.mark.parametrize("kind", ON_A_BUS)
def test_beside_the_bytes_a_broken_bus_is_a_lost_line_too(bench, kind):
    it = bench(kind)
    it.faults.unplug()
    with pytest.raises(LineLost):
        it.line.read_stb()
    with pytest.raises(LineLost):
        it.line.clear()


def test_the_instrument_does_not_notice_that_it_was_unplugged(bench):
    it = bench("sim")
    assert it.ask(b"COUNT?\n") == b"1"
    it.faults.unplug()
    it.faults.replug()
    it.line.close()
    it.line = it.open()
    assert it.ask(b"COUNT?\n") == b"2"
    it.faults.reboot()
    assert it.ask(b"COUNT?\n") == b"1"


@pytest.mark.parametrize("addresses", [("", ""), ("GPIB0::18::INSTR", "GPIB0::19::INSTR")], ids=["sim", "gpib"])
def test_swapped_cables_put_the_other_instrument_on_the_line(bench, addresses):
    it = bench("sim")
    table = {"dialect": "test.echo", "model": "echo", "cell": {"kind": "resistor", "resistance": "1 kohm"}}
    tables = {f"smu{n}": {**table, **({"address": a} if a else {})} for n, a in enumerate(addresses)}
    with open_lab(tables, it.clock) as lab:

        def opened(name):
            return open_line(name, it.clock, url=lab.url(name), timeout=TIMEOUT)

        with opened("smu0") as first, opened("smu1") as second:
            first.write(b"VOLT 1\n")
            second.write(b"VOLT 2\n")
            lab.swap("smu0", "smu1")
            for line in (first, second):
                with pytest.raises(LineLost):
                    line.exchange(b"VOLT?\n")
        with opened("smu0") as first, opened("smu1") as second:
            assert [float(line.exchange(b"VOLT?\n")) for line in (first, second)] == [2.0, 1.0]
        assert lab.log("smu0").received() == b"VOLT 1\nVOLT?\n"


def test_plugs_that_do_not_fit_are_not_swapped(bench):
    it = bench("sim")
    table = {"dialect": "test.echo", "model": "echo", "cell": {"kind": "resistor", "resistance": "1 kohm"}}
    with open_lab({"one": table, "other": {**table, "address": "GPIB0::18::INSTR"}}, it.clock) as lab:
        with pytest.raises(ValueError, match="do not fit"):
            lab.swap("one", "other")


def test_faults_of_the_bench_file_and_of_the_test_are_noted_in_the_same_record(bench):
    it = bench("sim", faults=[{"kind": "truncate", "after": 1, "keep": 4}])
    it.ask(), it.line.write(ASK)
    it.line.drain(0.2)
    it.faults.inject("double")
    it.ask()
    noted = [(event.fault, event.data, event.became) for event in it.faults.events]
    assert noted == [
        ("truncate", ANSWER + b"\n", ANSWER[:4]),
        ("double", ANSWER + b"\n", (ANSWER + b"\n") * 2),
    ]
    assert it.lab.log("smu").sent() == ANSWER + b"\n" + ANSWER[:4] + (ANSWER + b"\n") * 2


def test_what_cannot_be_injected_is_refused_in_words(bench):
    it = bench("sim", latency="0 s")
    for kind, said in [("moot", "no fault 'moot'"), ("slow", "how much slower")]:
        with pytest.raises(ValueError, match=said):
            it.faults.inject(kind)
    with pytest.raises(ValueError, match="no latency"):
        it.faults.inject("slow", factor=3.0)
    with pytest.raises(ValueError, match="no fault 'moot'"):
        it.faults.clear("moot")
    assert it.outcome() == (ANSWER, 0.0)


def test_a_closed_laboratory_cannot_be_replugged(bench):
    it = bench("sim")
    it.faults.unplug()
    it.lab.close()
    it.faults.replug()
    with pytest.raises(NoInstrument):
        it.open()


def test_two_runs_with_the_same_seeds_are_the_same_to_the_byte(bench):
    faults = [
        {"kind": "garbage", "probability": 0.2, "seed": 1},
        {"kind": "truncate", "probability": 0.1, "seed": 2},
        {"kind": "stall", "probability": 0.05, "for": "3 s", "seed": 3},
        {"kind": "late", "probability": 0.1, "seed": 4},
        {"kind": "unplug", "probability": 0.02, "for": "1 s", "seed": 5},
    ]

    def run():
        it = bench("sim", faults=faults)
        outcomes = []
        for _ in range(200):
            outcomes.append(it.outcome())
            if outcomes[-1][0] is LineLost:
                it.line.close()
                it.clock.sleep(1.0)
                it.line = it.open()
            it.clock.sleep(0.5)
        return outcomes, it.faults.events

    first, second = run(), run()
    assert first == second
    assert {ReplyTimeout, LineLost, ANSWER} <= {came for came, _ in first[0]}
