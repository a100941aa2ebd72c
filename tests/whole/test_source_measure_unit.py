"""A source-measure unit the whole way: half-waves, every kind of line, stepped techniques, limits, kill and resume."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import killing
import numpy as np
import pytest
from killing import SAMPLE, Command, Oracle, kill_run, luggin, stored_rows

from luggin.analysis import open_run
from luggin.records import Flag

BENCH = (Path(__file__).parents[2] / "examples" / "benches" / "smu-cell.toml").read_text(encoding="utf-8")
AN_ADDRESS = 'address = "TCPIP0::smu::5025::SOCKET"'
LIMITS = """limits = [
  {column = "potential", between = ["-2 V", "1 V"]},
  {column = "current", between = ["-1 mA", "1 mA"]},
]
"""
#: What the analysis may be off by (V).
BAR = 2e-3
LONGEST_LIST = 2500


def protocol(*steps, head=LIMITS):
    return f'title = "with a source-measure unit"\n{head}steps = [\n' + ",\n".join(steps) + f"\n]\n{SAMPLE}"


def cv(low, rate, step, more=""):
    return (
        f'{{do = "cv", id = "full", begin = "0 V vs ref", vertices = ["{low}", "0.2 V"], rate = "{rate}", '
        f'step = "{step}"{more}}}'
    )


def asked(wire):
    """The commands of a run in this process, in order."""
    return b"".join(data for _, direction, data in wire if direction == ">").decode().splitlines()


def answers(wire, question):
    """The answers to a question that were read, in order."""
    found, waiting = [], False
    for _, direction, data in wire:
        if direction == ">":
            waiting = data.decode().strip().endswith(question)
        elif waiting:
            found.append(data.decode().strip())
            waiting = False
    return found


# -- half-waves


@pytest.mark.parametrize(
    ("couples", "expected"),
    [
        pytest.param(None, [-0.476, -1.294], id="example bench"),
        pytest.param(["-0.31 V", "-1.05 V"], [-0.31, -1.05], id="two other couples"),
    ],
)
def test_half_wave_potentials_are_those_of_the_cell(travel, couples, expected):
    bench = BENCH
    for given, other in zip(("-0.476 V", "-1.294 V"), couples or (), strict=False):
        bench = bench.replace(f'"{given}"', f'"{other}"')
    analysed = LIMITS + 'analyses = [{use = "cv.half-waves", on = "full"}]\n'
    seen = travel(protocol(cv("-1.7 V", "25 mV/s", "1 mV", ', cycles = 2, quiet = "10 s"'), head=analysed), bench)
    assert seen.finished.outcome == "completed"
    chain = seen.truth["chains"][0]["couples"]
    assert sorted((c["half_wave_potential"] for c in chain), reverse=True) == expected
    found = sorted(seen.quantities("half_wave_potential").values(), key=lambda q: -q["value"])
    assert len(found) == 2
    for quantity, true in zip(found, expected, strict=True):
        assert abs(quantity["value"] - true) < max(BAR, 3 * quantity["u"])
        assert 0 < quantity["u"] < BAR
    assert not seen.cell_left_on


def test_between_list_sweeps_the_gap_is_recorded_as_a_gap(travel):
    seen = travel(protocol(cv("-1.7 V", "25 mV/s", "1 mV", ', cycles = 2, quiet = "10 s"')), BENCH)
    rows = seen.archive["cv"].to_numpy()
    assert len(rows) == 100 + 7601
    (end,) = (record for record in seen.archive.records if record["kind"] == "end")
    (timing,) = end["values"]["achieved"]["timing"]
    behind = [gap["after_row"] for gap in timing["gaps"]]
    # The quiet time has a list of its own; the sweep of 7601 levels needs four more.
    assert len(behind) == 4
    assert behind[0] == 100
    assert np.diff([*behind, len(rows)]).max() <= LONGEST_LIST
    assert np.flatnonzero(rows["flags"] & Flag.GAP).tolist() == behind
    distances = np.diff(rows["instrument_time"])
    at_gaps = distances[np.array(behind) - 1]
    interval = 1e-3 / 25e-3
    assert at_gaps == pytest.approx([interval + gap["seconds"] for gap in timing["gaps"]], abs=2e-6)
    assert at_gaps.min() > interval
    quiet, swept = np.split(np.delete(distances, np.array(behind) - 1), [behind[0] - 1])
    assert quiet == pytest.approx(0.1, rel=1e-3)
    assert swept == pytest.approx(interval, rel=1e-3)
    assert swept.mean() == pytest.approx(timing["real_dt"]["mean"], rel=1e-6)
    for gap in timing["gaps"]:
        assert gap["held_V"] == pytest.approx(rows["applied_potential"][gap["after_row"] - 1], abs=1e-9)
        assert gap["cell"] == "held"
    assert np.abs(np.diff(rows["applied_potential"])).max() < 1.5e-3, "no level is left out or repeated elsewhere"


# -- every kind of line

SHORT = protocol(cv("-0.8 V", "200 mV/s", "5 mV"))
FROM_THE_INSTRUMENT = ("instrument_time", "potential", "current", "applied_potential", "cycle", "flags")


@pytest.fixture
def fresh(travel):
    """The short voltammogram of a fresh cell over a VISA library in this process."""

    def measure(address, name="run"):
        seen = travel(SHORT, BENCH.replace(AN_ADDRESS, f'address = "{address}"' if address else ""), name=name)
        assert seen.finished.outcome == "completed"
        return seen.archive["cv"].to_numpy()

    return measure


@pytest.mark.parametrize(
    "address",
    [
        "GPIB0::18::INSTR",
        "USB0::0x05E6::0x2450::04012345::INSTR",
        "TCPIP0::smu::INSTR",
        "ASRL5::INSTR",
        pytest.param("", id="a serial port"),
    ],
)
def test_in_virtual_time_every_kind_of_line_gives_the_same_rows(fresh, address):
    # In virtual time not even the host's columns differ.
    assert fresh(address, "one").tobytes() == fresh("TCPIP0::smu::5025::SOCKET", "other").tobytes()


@pytest.mark.parametrize("kind", ["TCP", "serial", "ASRL"])
def test_over_a_line_of_another_process_the_instrument_says_the_same(fresh, tmp_path, kind):
    """All that comes from the instrument is equal, its time too: the sweep fits into one list.

    ``time`` and ``received`` cannot be: the host's clock says when the sweep began and when a block
    arrived. Behind a gap between two lists also ``instrument_time`` has the host's part in it.
    """
    (tmp_path / "protocol.toml").write_text(SHORT, encoding="utf-8")
    served = BENCH if kind == "TCP" else BENCH.replace(AN_ADDRESS, "")
    with Oracle(tmp_path / "oracle", served, speed=25) as oracle:
        resource = oracle.said["resources"]["cell"]
        assert resource.startswith("TCPIP0::127.0.0.1::") == (kind == "TCP")
        if kind == "ASRL":
            text = oracle.bench.read_text(encoding="utf-8")
            oracle.bench.write_text(text.replace(f'"{resource}"', f'"ASRL{resource}::INSTR"'), encoding="utf-8")
        arguments = ("protocol.toml", "--bench", oracle.bench, "--folder", "outside", "--no-report")
        code, _, errors = luggin("run", *arguments, cwd=tmp_path)
        assert code == 0, errors
        assert not oracle.cell_is_on()
    outside = open_run(tmp_path / "outside")
    one, other = fresh("TCPIP0::smu::5025::SOCKET"), outside["cv"].to_numpy()
    assert len(one) == len(other) == 401
    for name in FROM_THE_INSTRUMENT:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    assert {*one.dtype.names} - {*FROM_THE_INSTRUMENT} == {"time", "received", "step", "attempt"}
    assert np.diff(other["time"]) == pytest.approx(np.diff(one["time"]), abs=1e-9)


# -- stepped techniques

STEPPED = protocol(
    '{do = "ocp", duration = "10 s", dt = "0.5 s"}',
    '{do = "ca", potential = "-0.6 V vs ref", duration = "10 s", dt = "0.2 s"}',
    '{do = "cp", current = "-5 uA", duration = "10 s", dt = "0.5 s", potential_limit = "1.5 V"}',
    cv("-0.4 V", "200 mV/s", "10 mV"),
)


def test_what_is_stepped_is_said_with_the_timing_that_was_achieved(travel):
    seen = travel(STEPPED, BENCH.replace(AN_ADDRESS, 'address = "GPIB0::18::INSTR"'))
    assert seen.finished.outcome == "completed"
    archive = seen.archive
    prepared = [e for e in archive.events if e["what"] == "prepared"]
    assert [e["execution"] for e in prepared] == [["stepped"]] * 3 + [["native"]]
    achieved = [r["values"]["achieved"] for r in archive.records if r["kind"] == "end"]
    assert [a["execution"] for a in achieved] == ["stepped"] * 3 + ["native"]
    for told, dt, rows in zip(achieved, (0.5, 0.2, 0.5), (20, 50, 20), strict=False):
        (timing,) = told["timing"]
        assert (timing["dt"], timing["rows"], timing["missed_deadlines"]) == (dt, rows, 0)
        assert timing["lateness"]["max"] == 0.0
        assert timing["real_dt"]["mean"] == pytest.approx(dt, abs=1e-9)
    for stream, rows in (("ocp", 20), ("ca", 50), ("cp", 20)):
        assert archive.store.rows(stream) == rows
    ca, cp = archive["ca"].to_numpy(), archive["cp"].to_numpy()
    assert ca["potential"] == pytest.approx(-0.6, abs=1e-3)
    assert (ca["current"] < 0).all(), "a reduction"
    assert cp["current"] == pytest.approx(-5e-6, rel=1e-3)
    # A current that was just drawn from the same wave: the potential lies near the one of the couple.
    assert cp["potential"] == pytest.approx(-0.5, abs=0.05)
    assert np.diff(ca["time"]) == pytest.approx(0.2, abs=1e-9)
    assert not seen.cell_left_on
    assert asked(seen.wire).count("OUTP ON") == 4, "between the steps the cell is open"


# -- limits


def is_off_and_open(wire):
    """The last exchanges of a run: told to go off, and read back that it is, with the relay open."""
    last = asked(wire)[-5:]
    assert last == ["ABOR", "OUTP:SMOD HIMP", "OUTP OFF", "OUTP?", "OUTP:SMOD?"]
    return answers(wire, "OUTP?")[-1] == "0" and answers(wire, "OUTP:SMOD?")[-1] == "HIMP"


NARROW = LIMITS.replace('["-1 mA", "1 mA"]', '["-30 uA", "30 uA"]')


def test_a_limit_that_is_left_opens_the_cell_and_that_is_read_back(travel):
    sweep = cv("-0.8 V", "25 mV/s", "1 mV")
    seen = travel(protocol(sweep, sweep.replace("full", "again"), head=NARROW), BENCH)
    assert seen.finished.exit_code == 3
    assert seen.finished.outcome == "limit tripped"
    rows = seen.archive["cv"].to_numpy()
    assert set(rows["step"]) == {1}
    assert len(rows) < 900
    outside = np.abs(rows["current"]) > 30e-6
    assert outside.any()
    # Blocks come five times a second, and the one that trips is kept whole.
    assert outside.argmax() > len(rows) - 12
    assert not seen.cell_left_on
    assert is_off_and_open(seen.wire)
    verified = [e["verified"] for e in seen.archive.events if e["what"] == "made safe"]
    assert len(verified) == 1
    assert "read back: 0, HIMP" in verified[0]
    assert "read back: 0, HIMP" in seen.archive.records[-1]["made_safe"]["cell"]


def test_the_source_holds_the_current_and_says_so_on_every_reading(travel):
    lasting = NARROW.replace('"30 uA"]', '"30 uA"], for = "20 rows"')
    held = '{do = "ca", potential = "-0.9 V vs ref", duration = "20 s", dt = "0.1 s"}'
    seen = travel(protocol(held, head=lasting), BENCH)
    assert asked(seen.wire).count("SOUR:VOLT:ILIM 3.3e-05") == 1
    rows = seen.archive["ca"].to_numpy()
    clamped = (rows["flags"] & Flag.COMPLIANCE) != 0
    assert clamped[:20].all()
    assert np.abs(rows["current"][clamped]).max() == pytest.approx(33e-6, abs=0.5e-6)
    assert len(rows) == 20
    assert seen.finished.exit_code == 3
    assert not seen.cell_left_on


def test_a_sweep_whose_current_stays_below_the_limit_has_no_compliance_flag(travel):
    rows = travel(SHORT, BENCH).archive["cv"].to_numpy()
    assert not (rows["flags"] & Flag.COMPLIANCE).any()


# -- kill -9

SWEEPS = protocol(
    cv("-0.2 V", "200 mV/s", "5 mV").replace("full", "first"),
    cv("-0.8 V", "200 mV/s", "1 mV", ", cycles = 2"),
)
FIRST_ROWS, ALL_ROWS = 161, 4001
_A_READING = ("REL", "SOUR", "READ", "SOURSTAT")


@dataclass
class Measurement:
    """What went out between one switching on of the output and the next: (potential, current) of each reading."""

    client: int
    rows: list = field(default_factory=list)


class SentReadings:
    """Reads the log of the served instrument as it grows: the readings that left it, and who asked."""

    def __init__(self, path):
        self._path, self._offset = path, 0
        self._partial = {"file": b"", ">": "", "<": ""}
        self._question = ""
        self._clients = 0
        self.executions = []

    def advance(self):
        """Take in what is new."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        self._offset += len(new)
        *lines, self._partial["file"] = (self._partial["file"] + new).split(b"\n")
        for line in lines:
            chunk = json.loads(line)
            *whole, self._partial[chunk["dir"]] = (self._partial[chunk["dir"]] + chunk["data"]).split("\n")
            for text in whole:
                (self._was_asked if chunk["dir"] == ">" else self._has_answered)(text)
        return self

    def _was_asked(self, text):
        if text == "*IDN?":
            self._clients += 1
            self._partial["<"] = ""
        elif text == "OUTP ON":
            self.executions.append(Measurement(self._clients))
        if "?" in text:
            self._question = text

    def _has_answered(self, text):
        if re.match(r'(TRAC:DATA\? \d+, \d+,|READ\?) "defbuffer1", ' + ", ".join(_A_READING), self._question):
            values = [float(value) for value in text.split(",")]
            width = len(_A_READING)
            assert len(values) % width == 0, text
            self.executions[-1].rows += [tuple(values[n + 1 : n + 3]) for n in range(0, len(values), width)]

    @property
    def rows(self):
        """How many readings have been sent."""
        return sum(len(execution.rows) for execution in self.executions)


def test_the_second_reading_of_the_manual_reads_what_the_driver_has(tmp_path):
    log = tmp_path / "log.jsonl"
    said = [
        (">", "*IDN?\n"), (">", 'OUTP ON\nTRAC:DATA? 1, 2, "defbuffer1", REL, SOUR, READ, SOURSTAT\n'),
        ("<", "0,0.5,1E-6,128,0.1,"), ("<", "0.4,2E-6,128\n"), (">", "OUTP?\n"), ("<", "1\n"),
    ]  # fmt: skip
    log.write_text("".join(json.dumps({"t": 0, "dir": d, "data": text}) + "\n" for d, text in said))
    assert SentReadings(log).advance().executions == [Measurement(1, [(0.5, 1e-6), (0.4, 2e-6)])]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A Keithley 2450 on a TCP port of another process, with the log of what it sent."""
    with Oracle(tmp_path_factory.mktemp("smu"), BENCH, speed=killing.SPEED) as oracle:
        oracle.sent = SentReadings(Path(oracle.said["logs"]["cell"]))
        yield oracle


def check_against(oracle, folder, before):
    """Every stored row is one that was sent, in order and without holes; the attempts, with what was sent for each."""
    stored = {key: [row[1:] for row in rows] for key, rows in stored_rows(folder).items()}
    sent = [execution for execution in oracle.sent.advance().executions[before:] if execution.rows]
    assert len(stored) == len(sent)
    for (key, rows), execution in zip(stored.items(), sent, strict=True):
        assert rows == execution.rows[: len(rows)], key
    return [(key, len(rows), execution) for (key, rows), execution in zip(stored.items(), sent, strict=True)]


@pytest.mark.parametrize(("rows", "caught_up"), [(700, True), (3300, False)])
def test_a_run_that_is_killed_in_a_sweep_keeps_every_row_and_is_completed(served, tmp_path, rows, caught_up):
    protocol_file, folder = tmp_path / "protocol.toml", tmp_path / "run"
    protocol_file.write_text(SWEEPS, encoding="utf-8")
    before = len(served.sent.advance().executions)
    command = Command("run", protocol_file, "--bench", served.bench, "--folder", folder, "--no-report", cwd=tmp_path)
    left = kill_run(served, command, folder, before, rows, caught_up=caught_up)
    assert left.stored >= left.seen
    if caught_up:
        assert left.stored == left.sent
    assert served.cell_is_on(), "nobody was left to open it"
    killed = stored_rows(folder)
    assert [key for key, _, _ in check_against(served, folder, before)] == [(1, 1), (2, 1)]

    code, _, errors = luggin("resume", folder, "--no-report", cwd=tmp_path)
    assert code == 0, errors
    assert not served.cell_is_on()
    archive = open_run(folder)
    assert [(s.path, s.attempt, s.status) for s in archive.steps] == [
        ("1", 1, "done"),
        ("2", 1, "cut off"),
        ("2", 2, "done"),
    ]
    resumed = stored_rows(folder)
    assert {key: resumed[key] for key in killed} == killed
    matched = check_against(served, folder, before)
    assert [(key, count) for key, count, _ in matched if key != (2, 1)] == [((1, 1), FIRST_ROWS), ((2, 2), ALL_ROWS)]
    assert all(len(sent.rows) == count for key, count, sent in matched if key != (2, 1)), "none was lost"
    first = matched[0][2].client
    assert [sent.client - first for _, _, sent in matched] == [0, 0, 1]
