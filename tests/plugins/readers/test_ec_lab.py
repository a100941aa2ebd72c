"""Text files in EC-Lab's format, written here, and what is wrong with broken ones."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin import plugins
from luggin.analysis import ask
from luggin.errors import FileFormatError
from luggin.records import Flag
from luggin_plugins.readers import ec_lab
from luggin_plugins.readers.ec_lab import read_ec_lab

QUIET = settings(max_examples=150, deadline=None, derandomize=True)

SETTINGS = {
    "Ei (V)": "0.000",
    "vs.": "Ref",
    "dE/dt": "100.000",
    "dE/dt unit": "mV/s",
    "E1 (V)": "-0.500",
    "vs. ": "Ref",
    "E2 (V)": "0.200",
    "vs.  ": "Ref",
    "nc cycles": "1",
    "Ef (V)": "0.000",
    "vs.   ": "Eoc",
}
COLUMNS = ["mode", "ox/red", "error", "time/s", "control/V", "Ewe/V", "<I>/mA", "cycle number", "(Q-Qo)/C", "I Range"]


def point(k, cycle=1.0, error=0):
    """The k-th point of a sweep from 0 V downwards in steps of 1 mV."""
    time, potential, current = 0.5 + 0.01 * k, -1e-3 * k, -2e-3 * k
    words = [f"{v:.15E}" for v in (time, potential, potential + 1e-5, current, cycle, -1e-6 * k)]
    return ["2", "0", str(error), *words, "42"]


def written(
    rows,
    columns=COLUMNS,
    technique="Cyclic Voltammetry",
    settings=SETTINGS,
    loops=(),
    first="EC-Lab ASCII FILE",
    count=None,
    last_tab=True,
):
    """The lines of a file."""
    header = [
        "",
        technique,
        "",
        "Run on channel : 3 (SN 24152)",
        "Technique started on : 10/17/2023 11:05:00",
        "Electrode surface area : 0.001 cm²",
        "Characteristic mass : 0.001 g",
        *(f"{key:20}{value:20}" for key, value in settings.items()),
        *([f"Number of loops : {len(loops)}"] if loops else []),
        *(f"Loop {n} from point number {begin} to {end}" for n, (begin, end) in enumerate(loops)),
        "",
    ]
    number = len(header) + 3 if count is None else count
    names = "\t".join(columns) + ("\t" if last_tab else "")
    return [first, f"Nb header lines : {number:<20}", *header, names, *("\t".join(row) for row in rows)]


FIRST_POINT = len(written([])) + 1  # its line, counted from 1


@pytest.fixture
def save(tmp_path):
    def to_file(lines, name="scan.mpt", encoding="cp1252", end="\r\n", last="\r\n"):
        path = tmp_path / name
        path.write_bytes((end.join(lines) + last).encode(encoding))
        return path

    return to_file


def points(count, **fields):
    return [point(k, **fields) for k in range(count)]


def test_columns_come_in_si_units_with_anodic_current_positive(save):
    (table,) = read_ec_lab(save(written(points(4))))
    assert table.technique == "cv"
    assert table.complete
    assert table.columns["time"] == pytest.approx(0.5 + 0.01 * np.arange(4))
    assert table.columns["potential"] == pytest.approx(1e-5 - 1e-3 * np.arange(4))
    assert table.columns["applied_potential"] == pytest.approx(-1e-3 * np.arange(4))
    assert table.columns["current"] == pytest.approx(-2e-6 * np.arange(4))
    assert table.columns["charge"] == pytest.approx(-1e-6 * np.arange(4))
    assert table.columns["cycle"].tolist() == [1] * 4
    assert table.columns["flags"].tolist() == [0] * 4
    assert dict(table.units) == {
        "time": "s",
        "potential": "V",
        "applied_potential": "V",
        "current": "A",
        "charge": "C",
        "cycle": "1",
        "flags": "1",
    }


def test_decimal_commas_unix_line_ends_and_a_missing_last_tab_change_nothing(save):
    plain = read_ec_lab(save(written(points(5))))[0]
    lines = [line.replace(".", ",") if "\t" in line else line for line in written(points(5), last_tab=False)]
    other = read_ec_lab(save(lines, "comma.mpt", end="\n", last=""))[0]
    for name, values in plain.columns.items():
        assert np.array_equal(values, other.columns[name]), name
    comma_settings = {key: value.replace(".", ",") for key, value in SETTINGS.items()}
    again = read_ec_lab(save(written(points(5), settings=comma_settings), "commas.mpt"))[0]
    assert {k: v for k, v in again.parameters.items() if k != "file"} == {
        k: v for k, v in plain.parameters.items() if k != "file"
    }


def test_the_header_gives_what_it_is_certain_of(save):
    parameters = read_ec_lab(save(written(points(3))))[0].parameters
    assert parameters["begin"] == 0.0
    assert parameters["vertices"] == (-0.5, 0.2)
    assert parameters["rate"] == pytest.approx(0.1)
    assert "end" not in parameters  # it is against the open-circuit potential
    assert "cycles" not in parameters
    assert parameters["file"]["Ef (V)"] == "0.000 vs Eoc"
    assert parameters["file"]["Technique started on"] == "10/17/2023 11:05:00"


def test_instrument_and_comments_come_through(save):
    lines = written(points(3))
    said = [line.replace("Run on channel", "Comments : cluster : 2 mM\nRun on channel") for line in lines]
    said[1] = f"Nb header lines : {FIRST_POINT}"
    parameters = read_ec_lab(save("\n".join(said).split("\n")))[0].parameters
    assert parameters["notes"] == ("cluster : 2 mM",)
    assert parameters["file"]["Run on channel"] == "3 (SN 24152)"
    assert "notes" not in read_ec_lab(save(lines))[0].parameters


def test_settings_with_a_value_for_each_sequence_are_not_certain(save):
    two = {**SETTINGS, "dE/dt": f"{'100.000':20}50.000", "E1 (V)": f"{'-0.500':20}-0.700"}
    parameters = read_ec_lab(save(written(points(3), settings=two)))[0].parameters
    assert "rate" not in parameters
    assert "vertices" not in parameters
    assert parameters["file"]["dE/dt"] == "100.000 | 50.000"


def test_the_dummy_area_and_mass_stay_words_of_the_file(save):
    (table,) = read_ec_lab(save(written(points(3))))
    assert not table.sample
    assert not {"area", "mass"} & set(table.parameters)
    assert table.parameters["file"]["Electrode surface area"] == "0.001 cm²"
    json.dumps(table.parameters)  # what import writes into run.log


def test_a_mark_in_the_error_column_is_an_overload(save):
    rows = [*points(2), point(2, error=1)]
    assert read_ec_lab(save(written(rows)))[0].columns["flags"].tolist() == [0, 0, Flag.CURRENT_OVERLOAD]


def test_cycles_counted_from_0_are_shifted_to_1(save):
    rows = [*points(2, cycle=0.0), *points(1, cycle=1.0)]
    assert read_ec_lab(save(written(rows)))[0].columns["cycle"].tolist() == [1, 1, 2]


def test_each_loop_is_a_table(save):
    tables = read_ec_lab(save(written(points(5), loops=[(0, 2), (3, 4)])))
    assert [len(t) for t in tables] == [3, 2]
    assert [t.label for t in tables] == ["scan.mpt, loop 0", "scan.mpt, loop 1"]
    assert tables[1].columns["time"][0] == pytest.approx(0.53)
    assert all(t.complete for t in tables)


def test_fewer_points_than_announced_make_an_incomplete_table(save):
    tables = read_ec_lab(save(written(points(4), loops=[(0, 2), (3, 4), (5, 9)])))
    assert [(len(t), t.complete) for t in tables] == [(3, True), (1, False)]
    assert "remarks" not in tables[0].parameters
    (remark,) = tables[1].parameters["remarks"]
    assert remark.endswith("points missing")
    (table,) = read_ec_lab(save(written(points(4), loops=[(0, 9)])))
    assert (len(table), table.complete) == (4, False)


def test_open_circuit(save):
    columns = ["mode", "error", "time/s", "Ewe/V", "Ewe-Ece/V"]
    rows = [["3", "0", f"{k}.0", "0.123", "0.456"] for k in range(3)]
    (table,) = read_ec_lab(save(written(rows, columns, "Open Circuit Voltage", {"tR (h:m:s)": "0:01:0.0000"})))
    assert table.technique == "ocp"
    assert table.columns["potential"].tolist() == [0.123] * 3
    assert table.columns["voltage"].tolist() == [0.456] * 3
    assert "current" not in table.columns
    assert set(table.parameters) == {"file"}


def test_pulses_keep_their_sequences(save):
    columns = ["Ns", "time/s", "Ewe/V", "I/µA"]
    rows = [["0", "0.1", "0.2", "5.0"], ["1", "0.2", "0.4", "-7.0"]]
    (table,) = read_ec_lab(save(written(rows, columns, "Chronoamperometry / Chronocoulometry", {})))
    assert table.technique == "ca"
    assert table.columns["sequence"].tolist() == [0, 1]
    assert table.columns["current"] == pytest.approx([5e-6, -7e-6])


def test_an_impedance_has_its_own_sign_back(save):
    columns = ["freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm", "time/s", "<Ewe>/V", "<I>/mA", "control/mA"]
    rows = [["1.0E+003", "65.5", "0.39", "65.5", "0.78", "-2.9E-004", "-4.8E-002", "0.1"]]
    (table,) = read_ec_lab(save(written(rows, columns, "Galvano Electrochemical Impedance Spectroscopy", {})))
    assert table.technique == "eis"
    assert table.columns["frequency"].tolist() == [1000.0]
    assert table.columns["impedance_real"].tolist() == [65.5]
    assert table.columns["impedance_imaginary"].tolist() == [-0.39]
    assert table.units["impedance_imaginary"] == "ohm"
    assert "applied_potential" not in table.columns  # what is controlled here is a current


def test_a_charge_in_milliampere_hours_is_in_coulomb(save):
    columns = ["time/s", "Ewe/V", "I/mA", "(Q-Qo)/mA.h"]
    (table,) = read_ec_lab(save(written([["0", "0", "1.0", "2.0"]], columns, settings={})))
    assert table.columns["charge"] == pytest.approx([7.2])


def test_the_instantaneous_current_is_taken_where_there_are_two(save):
    columns = ["time/s", "Ewe/V", "<I>/mA", "I/mA"]
    (table,) = read_ec_lab(save(written([["0", "0", "1.0", "2.0"]], columns, settings={})))
    assert table.columns["current"] == pytest.approx([2e-3])


def changed(lines, line, old, new):
    """The lines with one of them (counted from 1) changed."""
    assert old in lines[line - 1]
    return [text.replace(old, new) if n == line else text for n, text in enumerate(lines, 1)]


GOOD = written(points(3))
NAMES = FIRST_POINT - 1
BROKEN = {
    "another program": (changed(GOOD, 1, "EC-Lab", "Other"), 1, "'Other ASCII FILE'"),
    "no number of lines": (changed(GOOD, 2, "Nb header lines", "Nb of lines"), 2, "Nb header lines"),
    "too few lines": (written(points(3), count=2), 2, "2 header lines"),
    "ends in its header": (GOOD[:9], 9, "truncated"),
    "no header": (["EC-Lab ASCII FILE", "Nb header lines : 3", GOOD[NAMES - 1], *GOOD[NAMES:]], 2, "technique"),
    "unknown technique": (written(points(3), technique="Modulo Bat"), 4, "'Modulo Bat'"),
    "no points": (GOOD[:NAMES], NAMES, "without a point"),
    "no current": (changed(GOOD, NAMES, "<I>/mA", "<J>/mA"), NAMES, "no column I/A or <I>/A"),
    "current in volts": (changed(GOOD, NAMES, "<I>/mA", "<I>/V"), NAMES, "no column I/A or <I>/A"),
    "half a line": ([*GOOD[:NAMES], GOOD[NAMES][:40]], FIRST_POINT, "damaged"),
    "a word": (
        changed(GOOD, FIRST_POINT, "5.000000000000000E-01", "5.0O"),
        FIRST_POINT,
        "'5.0O'; expected a number for time/s",
    ),
    "not a number": (changed(GOOD, FIRST_POINT, "5.000000000000000E-01", "NaN"), FIRST_POINT, "'NaN'"),
    "too large": (changed(GOOD, FIRST_POINT, "5.000000000000000E-01", "5.0E+999"), FIRST_POINT, "'5.0E+999'"),
    "python's number": (changed(GOOD, FIRST_POINT, "5.000000000000000E-01", "5_0"), FIRST_POINT, "'5_0'"),
    "a date": (
        changed(GOOD, FIRST_POINT, "5.000000000000000E-01", "10/17/2023 11:05:00"),
        FIRST_POINT,
        "elapsed times",
    ),
    "loops with a hole": (written(points(9), loops=[(0, 2), (4, 8)]), 23, "follows the one before"),
    "half a cycle": (written(points(3, cycle=1.5)), None, "cycle"),
    "more points than announced": (written(points(9), loops=[(0, 2)]), None, "announces 3 points"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_named_with_line_and_expectation(save, what):
    lines, line, words = BROKEN[what]
    path = save(lines)
    with pytest.raises(FileFormatError) as caught:
        read_ec_lab(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: " if line is None else f"{path}:{line}: ")
    assert words in message


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_last_number_that_lost_digits_is_not_read(save, cut):
    columns = ["time/s", "Ewe/V", "<I>/mA"]
    rows = [[f"{k}.0", "0.1", f"{-1.5 * (k + 1):.7E}"] for k in range(3)]
    text = "\r\n".join(written(rows, columns, settings={}))
    (table,) = read_ec_lab(save([text], last=""))
    assert table.columns["current"] == pytest.approx([-1.5e-3, -3e-3, -4.5e-3])
    with pytest.raises(FileFormatError, match=r"scan\.mpt:\d+: the last line ends within a number"):
        read_ec_lab(save([text[:-cut]], last=""))


def test_empty_binary_large_and_missing_files(save, tmp_path, monkeypatch):
    with pytest.raises(FileFormatError, match="empty"):
        read_ec_lab(save([""]))
    with pytest.raises(FileFormatError, match="empty"):
        read_ec_lab(save(["\xa0"], end="", last=""))  # a blank to those who read cp1252
    with pytest.raises(FileFormatError, match=r"scan\.mpt:2: found binary data"):
        read_ec_lab(save(["EC-Lab ASCII FILE", "\0\1"]))
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_ec_lab(tmp_path / "missing.mpt")
    with pytest.raises(FileFormatError, match="characters"):
        read_ec_lab(save([*GOOD, "X" * 9000]))
    path = save(GOOD)
    monkeypatch.setattr(ec_lab, "LARGEST_FILE", 100)
    with pytest.raises(FileFormatError, match="at most"):
        read_ec_lab(path)


def test_the_reader_is_installed_and_knows_its_files(save):
    readers = {r.name: r for r in plugins.load().readers()}
    reader = readers["ec-lab"]
    path = save(GOOD)
    assert [name for name, r in readers.items() if r.recognises(path, path.read_bytes()[:4096])] == ["ec-lab"]
    assert reader.recognises(path, b"BT-Lab ASCII FILE\r\n")
    assert reader.recognises(path, b"\xef\xbb\xbfEC-Lab ASCII FILE\r\n")
    assert not reader.recognises(path, b"EXPLAIN\r\nTAG\tCV")
    assert not reader.recognises(path, b"")
    assert len(reader.read(path)[0]) == 3


@QUIET
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data):
    whole = ("\r\n".join(written(points(5), loops=[(0, 4)])) + "\r\n").encode("cp1252")
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 60)))
    path = tmp_path_factory.mktemp("damaged") / "scan.mpt"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=60)) + whole[stop:])
    with contextlib.suppress(FileFormatError):
        for table in read_ec_lab(path):
            assert len({len(values) for values in table.columns.values()}) == 1
            assert all(np.isfinite(values).all() for values in table.columns.values())
            assert table.columns["cycle"].min() >= 1 if "cycle" in table.columns else True


@QUIET
@given(
    text=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: b"EC-Lab ASCII FILE\n" + t.encode()))
)
def test_garbage_is_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("garbage") / "scan.mpt"
    path.write_bytes(text)
    with pytest.raises(FileFormatError):
        read_ec_lab(path)


def test_a_real_voltammogram_without_a_couple_gets_no_half_wave_potential(reference_data):
    (table,) = read_ec_lab(reference_data / "cv" / "ixdat_Pt_poly_cv_CUT.mpt")
    assert (table.technique, len(table), table.complete) == ("cv", 223, True)
    assert table.parameters["rate"] == pytest.approx(0.1)
    assert table.parameters["vertices"] == (-0.03, 1.6)
    assert table.columns["potential"][0] == pytest.approx(0.87869531)
    assert table.columns["current"][0] == pytest.approx(-2.604324994466466e-6)
    outcome = ask(plugins.load().analysis("cv.half-waves"), [table])
    assert outcome.refused
    assert outcome.refusals[0].reason


def test_a_real_spectrum(reference_data):
    (table,) = read_ec_lab(reference_data / "eis" / "impedancepy_exampleDataBioLogic.mpt")
    assert (table.technique, len(table)) == ("eis", 43)
    assert table.columns["frequency"][0] == pytest.approx(1000.3201)
    assert table.columns["impedance_imaginary"][0] == pytest.approx(-0.38998979)
