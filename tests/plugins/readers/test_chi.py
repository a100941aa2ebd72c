"""Files in the format of CH Instruments, written here from descriptions of it: no file of an instrument."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import FileFormatError
from luggin_plugins.readers import textfile
from luggin_plugins.readers.chi import read_chi

HEADER = [
    "Nov. 14, 2024   10:05:17",
    "Cyclic Voltammetry",
    "File: d:\\data\\scan.bin",
    "Data Source:  Experiment",
    "Instrument Model:  CHI660E",
    "Header: ",
    "Note: cluster in CH3CN",
    "0.1 M NBu4PF6",
    "",
    "Init E (V) = 0.1",
    "High E (V) = 0.1",
    "Low E (V) = -0.1",
    "Init P/N = N",
    "Scan Rate (V/s) = 0.05",
    "Segment = 2",
    "Sample Interval (V) = 0.01",
    "Quiet Time (sec) = 2",
    "Sensitivity (A/V) = 1e-5",
    "",
    "Results:",
    "",
    "Segment 1:",
    "Ep = -0.050V",
    "ip = 2.000e-6A",
    "",
]
SWEEP = [*np.arange(0.1, -0.1, -0.01), *np.arange(-0.1, 0.105, 0.01)]
POINTS = [f"{e:.3f}, {1e-6 * k:.3e}" for k, e in enumerate(SWEEP, 1)]
GOOD = [*HEADER, "Potential/V, Current/A", "", *POINTS]


@pytest.fixture
def write(tmp_path):
    def to_file(lines, name="scan.txt", end="\r\n"):
        path = tmp_path / name
        path.write_bytes(("\r\n".join(lines) + end).encode())
        return path

    return to_file


def replaced(old, new):
    assert old in GOOD
    return [new if line == old else line for line in GOOD]


def test_the_current_is_turned_round_once_and_the_table_says_so(write):
    (table,) = read_chi(write(GOOD))
    assert table.technique == "cv"
    assert table.columns["potential"] == pytest.approx(SWEEP, abs=5e-4)
    assert table.columns["current"] == pytest.approx(-1e-6 * np.arange(1, 42))
    assert table.units == {"time": "s", "potential": "V", "current": "A"}
    assert "CH Instruments" in table.parameters["current_turned"]
    assert any("current turned round" in remark for remark in table.parameters["remarks"])


def test_times_are_counted_from_the_way_of_the_potential_and_the_rate_of_the_header(write):
    (table,) = read_chi(write(GOOD))
    assert table.columns["time"] == pytest.approx(0.2 * np.arange(41))
    assert "the file has no times: they are counted from the potentials at 50 mV/s" in table.parameters["remarks"]
    assert table.complete


def test_the_header_gives_the_programme_the_instrument_and_the_notes(write):
    parameters = read_chi(write(GOOD))[0].parameters
    assert parameters["begin"] == 0.1
    assert parameters["vertices"] == (-0.1, 0.1)
    assert parameters["rate"] == 0.05
    assert parameters["step"] == 0.01
    assert "end" not in parameters
    assert parameters["notes"] == ("cluster in CH3CN", "0.1 M NBu4PF6")
    assert parameters["file"]["Instrument Model"] == "CHI660E"
    assert parameters["file"]["Sensitivity (A/V)"] == "1e-5"
    assert parameters["file"]["Date"] == "Nov. 14, 2024   10:05:17"


def test_a_scan_that_begins_upwards_has_its_upper_vertex_first(write):
    assert read_chi(write(replaced("Init P/N = N", "Init P/N = P")))[0].parameters["vertices"] == (0.1, -0.1)


def test_the_results_of_the_program_are_not_taken(write):
    (table,) = read_chi(write(GOOD))
    assert not any("Ep" in key for key in table.parameters["file"])


def test_each_channel_is_a_table(write):
    lines = [*HEADER, "Potential/V, i1/A, i2/A", "", *(f"{p}, 5.000e-9" for p in POINTS)]
    one, two = read_chi(write(lines))
    assert one.columns["current"][2] == pytest.approx(-3e-6)
    assert two.columns["current"][2] == pytest.approx(-5e-9)
    assert (one.label, two.label) == ("scan.txt, channel 1", "scan.txt, channel 2")


def test_a_linear_sweep_and_a_rest_and_an_amperogram(write):
    (sweep,) = read_chi(write([h.replace("Cyclic", "Linear Sweep") for h in GOOD]))
    assert sweep.technique == "lsv"
    head = [*HEADER[:1], "Open Circuit Potential - Time", *HEADER[2:9]]
    (rest,) = read_chi(write([*head, "Time/sec, Potential/V", "0.1, 0.250", "0.2, 0.251"]))
    assert (rest.technique, sorted(rest.columns)) == ("ocp", ["potential", "time"])
    assert "current_turned" not in rest.parameters
    head[1] = "Amperometric i-t Curve"
    (amperogram,) = read_chi(write([*head, "Time/sec, Current/A", "0.1, 1.0e-6", "0.2, 2.0e-6"]))
    assert (amperogram.technique, amperogram.columns["current"].tolist()) == ("ca", [-1e-6, -2e-6])


def test_pulses_are_read_without_the_settings_whose_meaning_is_not_confirmed(write):
    lines = replaced("Cyclic Voltammetry", "Square Wave Voltammetry")
    (table,) = read_chi(write(lines))
    assert table.technique == "swv"
    assert "time" not in table.columns
    assert "amplitude" not in table.parameters


@pytest.mark.parametrize(("last", "segment"), [(-12, 2), (-25, 1)])
def test_rows_that_end_within_a_segment_are_cut_short(write, last, segment):
    (table,) = read_chi(write(GOOD[:last]))
    assert not table.complete
    assert any(f"in segment {segment} of 2" in remark for remark in table.parameters["remarks"])


@pytest.mark.parametrize("lost", range(1, 14))
def test_a_torn_last_line_is_left_out(write, lost):
    whole = "\r\n".join(GOOD)
    (table,) = read_chi(write([whole[:-lost]], end=""))
    assert len(table) == 40
    assert not table.complete
    assert f"the file ends within line {len(GOOD)}, which was left out" in table.parameters["remarks"]


def test_a_last_line_that_only_lacks_its_end_is_read(write):
    (table,) = read_chi(write(GOOD, end=""))
    assert len(table) == 41
    assert table.complete


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Cyclic Voltammetry", "A.C. Impedance", ":2: the technique is 'A.C. Impedance'"),
        ("Potential/V, Current/A", "Potential/V, Charge/C", "no column of the current; found Potential/V, Charge/C"),
        ("Potential/V, Current/A", "nothing", "no line with the names of the columns"),
        ("Scan Rate (V/s) = 0.05", "", "no 'Scan Rate (V/s) = '"),
        ("Scan Rate (V/s) = 0.05", "Scan Rate (V/s) = 0", "no 'Scan Rate (V/s) = '"),
        (POINTS[4], "0.060", ":32: found 1 values ('0.060'); expected 2"),
        (POINTS[4], "0.060, overload", ":32: found 'overload'; expected a number for Current/A"),
        (POINTS[4], "0.060, nan", ":32: found 'nan'; expected a number for Current/A"),
        (POINTS[4], "0,060, 5,0e-6", ":32: found 4 values"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(write, old, new, said):
    with pytest.raises(FileFormatError) as refused:
        read_chi(write(replaced(old, new)))
    assert said in str(refused.value)


@pytest.mark.parametrize("keep", [1, 2, 9, 26, 27])
def test_a_file_without_a_point_is_refused(write, keep):
    with pytest.raises(FileFormatError):
        read_chi(write(GOOD[:keep]))


def test_files_that_are_too_large_are_not_opened(write, monkeypatch):
    path = write(GOOD)
    monkeypatch.setattr(textfile, "LARGEST_FILE", 100)
    with pytest.raises(FileFormatError, match="MiB are read"):
        read_chi(path)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data):
    whole = "\r\n".join(GOOD).encode()
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 60)))
    path = tmp_path_factory.mktemp("damaged") / "scan.txt"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=60)) + whole[stop:])
    with contextlib.suppress(FileFormatError):
        for table in read_chi(path):
            assert len({len(values) for values in table.columns.values()}) == 1
            assert all(np.isfinite(values).all() for values in table.columns.values())
