"""Files in the vendor's format, written here, and what is wrong with broken ones."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import FileFormatError
from luggin.records import Flag
from luggin_plugins.readers import gamry
from luggin_plugins.readers.gamry import is_gamry, read_gamry

HEADER = [
    "EXPLAIN",
    "TAG\tCV",
    "TITLE\tLABEL\tCyclic Voltammetry\tTest &Identifier",
    "NOTES\tNOTES\t2\t&Notes...",
    "\tcluster in CH3CN",
    "\tthree-electrode cell",
    "VINIT\tPOTEN\t1.00000E-001\tF\tInitial &E (V)",
    "VLIMIT1\tPOTEN\t-1.00000E-001\tF\tScan Limit &1 (V)",
    "VLIMIT2\tPOTEN\t1.00000E-001\tF\tScan Limit &2 (V)",
    "VFINAL\tPOTEN\t1.00000E-001\tF\tFinal &E (V)",
    "SCANRATE\tQUANT\t5.00000E+001\t&Scan Rate (mV/s)",
    "STEPSIZE\tQUANT\t2.00000E+000\tSt&ep Size (mV)",
    "CYCLES\tIQUANT\t2\tC&ycles (#)",
    "AREA\tQUANT\t1.00000E+000\tElectrode &Area (cm^2)",
    "CONVENTION\tIQUANT\t1\tCurrent Convention",
]
NAMES = "\tPt\tT\tVf\tIm\tVu\tSig\tAch\tIERange\tOver"
UNITS = "\t#\ts\tV vs. Ref.\tA\tV\tV\tV\t#\tbits"


def curve(number, first, points, over="...........", announced=None):
    lines = [f"CURVE{number}\tTABLE" + (f"\t{announced}" if announced is not None else ""), NAMES, UNITS]
    for k in range(first, first + points):
        lines.append(f"\t{k}\t{0.04 * (k + 1):.2f}\t{0.1 - 0.002 * k:.5E}\t{-1e-6 * k:.5E}\t0\t0\t0\t10\t{over}")
    return lines


@pytest.fixture
def write(tmp_path):
    def to_file(lines, name="scan.DTA", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes("\r\n".join([*lines, ""]).encode(encoding))
        return path

    return to_file


@pytest.fixture
def good():
    return [*HEADER, *curve(1, 0, 5), *curve(2, 5, 3)]


def without(lines, start):
    return [line for line in lines if not line.startswith(start)]


def test_a_file_becomes_one_table_with_its_curves_as_cycles(write, good):
    (table,) = read_gamry(write(good))
    assert table.technique == "cv"
    assert table.complete
    assert table.columns["time"] == pytest.approx(0.04 * np.arange(1, 9))
    assert table.columns["potential"] == pytest.approx(0.1 - 0.002 * np.arange(8))
    assert table.columns["current"] == pytest.approx(-1e-6 * np.arange(8))
    assert table.columns["cycle"].tolist() == [1] * 5 + [2] * 3
    assert table.columns["flags"].tolist() == [0] * 8
    assert table.units["current"] == "A"


def test_the_header_gives_the_program_in_si_units(write, good):
    parameters = read_gamry(write(good))[0].parameters
    assert parameters["begin"] == 0.1
    assert parameters["vertices"] == (-0.1, 0.1)
    assert parameters["end"] == 0.1
    assert parameters["rate"] == pytest.approx(0.05)
    assert parameters["step"] == pytest.approx(0.002)
    assert parameters["cycles"] == 2
    assert parameters["notes"] == ("cluster in CH3CN", "three-electrode cell")


def test_the_dummy_area_stays_the_words_of_the_file(write, good):
    (table,) = read_gamry(write(good))
    assert "area" not in table.parameters
    assert not table.sample
    assert table.parameters["file"]["AREA"].startswith("1.00000E+000")


def test_the_instrument_comes_through(write, good):
    lines = [*good[:7], "PSTAT\tPSTAT\tREF600-21050\tPotentiostat", *good[7:]]
    assert read_gamry(write(lines))[0].parameters["file"]["PSTAT"] == "REF600-21050 Potentiostat"


def test_what_the_header_does_not_say_is_missing(write, good):
    parameters = read_gamry(write(without(without(good, "VLIMIT2"), "SCANRATE")))[0].parameters
    assert "vertices" not in parameters
    assert "rate" not in parameters
    assert parameters["begin"] == 0.1


@pytest.mark.parametrize(("convention", "sign"), [("0", -1.0), ("1", 1.0), (None, 1.0)])
def test_anodic_current_is_positive_whatever_the_convention(write, good, convention, sign):
    lines = without(good, "CONVENTION")
    if convention is not None:
        lines.insert(2, f"CONVENTION\tIQUANT\t{convention}\tCurrent Convention")
    assert read_gamry(write(lines))[0].columns["current"] == pytest.approx(sign * -1e-6 * np.arange(8))


def test_units_are_those_of_the_file(write, good):
    lines = [line.replace("V vs. Ref.\tA", "mV vs. Ref.\tuA") for line in good]
    (table,) = read_gamry(write(lines))
    assert table.columns["potential"][0] == pytest.approx(1e-4)
    assert table.columns["current"][1] == pytest.approx(-1e-12)


def test_decimal_commas(write, good):
    (table,) = read_gamry(write([line.replace(".0", ",0") if line.startswith("\t") else line for line in good]))
    assert table.columns["time"] == pytest.approx(0.04 * np.arange(1, 9))


@pytest.mark.parametrize(
    ("over", "flag"),
    [("...........", 0), ("i..........", Flag.CURRENT_OVERLOAD), ("...?..s....", Flag.CURRENT_OVERLOAD)],
)
def test_any_mark_in_the_overload_column_is_an_overload(write, over, flag):
    (table,) = read_gamry(write([*HEADER, *curve(1, 0, 3, over)]))
    assert table.columns["flags"].tolist() == [int(flag)] * 3


def test_an_open_circuit_table_in_front_is_passed_over(write, good):
    first = good.index("CURVE1\tTABLE")
    rest = [
        "OCVCURVE\tTABLE\t1",
        "\tPt\tT\tVf\tVm\tAch\tOver",
        "\t#\ts\tV vs. Ref.\tV\tV\tbits",
        "\t0\t0.1\t0\t0\t0\t...",
    ]
    (table,) = read_gamry(write([*good[:first], *rest, *good[first:]]))
    assert len(table) == 8


def test_an_aborted_experiment_is_not_complete(write, good):
    assert not read_gamry(write([*good, "EXPERIMENTABORTED\tTOGGLE\tT\tExperiment Aborted"]))[0].complete


def test_a_curve_with_the_points_that_it_announces_is_complete(write):
    (table,) = read_gamry(write([*HEADER, *curve(1, 0, 5, announced=5), *curve(2, 5, 3, announced=3)]))
    assert table.complete
    assert "remarks" not in table.parameters


@pytest.mark.parametrize(
    ("curves", "rows", "remarks"),
    [
        ([curve(1, 0, 5, announced=5), curve(2, 5, 3, announced=10)], 8, ("CURVE2: 7 of 10 points missing",)),
        ([curve(1, 0, 4, announced=5), curve(2, 5, 3)], 7, ("CURVE1: 1 of 5 points missing",)),
        ([curve(1, 0, 5, announced=5)], 5, ("1 of 2 cycles missing",)),
        ([curve(1, 0, 2, announced=5)], 2, ("3 of 5 points missing", "1 of 2 cycles missing")),
    ],
)
def test_fewer_points_or_curves_than_announced_are_cut_short(write, curves, rows, remarks):
    (table,) = read_gamry(write([*HEADER, *(line for lines in curves for line in lines)]))
    assert len(table) == rows
    assert not table.complete
    assert table.parameters["remarks"] == remarks


def test_an_ended_experiment_has_the_curves_that_there_were(write):
    """What stands behind the last curve is written at the end of the experiment: nothing was cut off."""
    ended = ["EXPERIMENTABORTED\tTOGGLE\tF\tExperiment Aborted"]
    (table,) = read_gamry(write([*HEADER, *curve(1, 0, 5, announced=5), *ended]))
    assert table.complete


def test_a_file_cut_anywhere_behind_its_first_point_is_read_as_far_as_it_goes(tmp_path):
    """Byte by byte: no point is lost but the torn one, none is invented, and a cut is never a complete file."""
    lines = [*HEADER, *curve(1, 0, 3, announced=3), *curve(2, 3, 3, announced=3)]
    whole = "\r\n".join([*lines, ""])
    first = whole.index("\r\n", whole.index(UNITS) + len(UNITS) + 2)
    path = tmp_path / "scan.DTA"
    for cut in range(first + 1, len(whole) + 1):
        path.write_bytes(whole[:cut].encode())
        (table,) = read_gamry(path)
        ended = whole[:cut].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        points = [line for line in ended if line in lines and line[:2] in {f"\t{k}" for k in range(6)} and "E" in line]
        assert len(table) == len(points), whole[:cut][-60:]
        assert table.columns["current"] == pytest.approx(-1e-6 * np.arange(len(points)))
        assert table.complete == (len(points) == 6)
        assert table.complete == ("remarks" not in table.parameters)


def test_a_torn_last_line_is_left_out_and_named(write, good, tmp_path):
    path = tmp_path / "torn.DTA"
    path.write_bytes("\r\n".join([*good, good[-1][:20]]).encode())
    (table,) = read_gamry(path)
    assert len(table) == 8
    assert not table.complete
    assert table.parameters["remarks"] == (f"the file ends within line {len(good) + 1}, which was left out",)


def test_a_current_that_was_turned_or_has_no_convention_says_so(write, good):
    assert not {"current_turned", "remarks"} & set(read_gamry(write(good))[0].parameters)
    turned = [line.replace("CONVENTION\tIQUANT\t1", "CONVENTION\tIQUANT\t0") for line in good]
    assert read_gamry(write(turned))[0].parameters["current_turned"] == "CONVENTION 0"
    unsaid = read_gamry(write(without(good, "CONVENTION")))[0]
    assert unsaid.complete
    assert unsaid.parameters["remarks"] == ("current convention not stated by the file",)


def test_old_encodings_are_read(write, good):
    good[4] = "\tRoséwein 25 °C µA"
    (table,) = read_gamry(write(good, encoding="cp1252"))
    assert table.parameters["notes"][0] == "Roséwein 25 °C µA"


def test_recognition(write, good, tmp_path):
    assert is_gamry(write(good))
    assert is_gamry(write(good, "scan.DTA.txt"))
    assert not is_gamry(write(["EC-Lab ASCII FILE"]))
    empty = tmp_path / "empty.DTA"
    empty.touch()
    assert not is_gamry(empty)


def broken(good, what):
    lines = list(good)
    point = lines.index("CURVE1\tTABLE") + 4  # the second point, line 20
    if what == "half a line":
        lines[point] = lines[point][:14]
    if what == "a word for a number":
        lines[point] = lines[point].replace("E-06", "E-0x")
    elif what == "not finite":
        lines[point] = lines[point].replace("9.80000E-02", "nan")
    elif what == "no curve":
        return HEADER
    elif what == "no points":
        return [*HEADER, "CURVE1\tTABLE", NAMES, UNITS]
    elif what == "no current":
        return [line.replace("\tIm\t", "\tIx\t") for line in lines]
    elif what == "strange unit":
        return [line.replace("\tV vs. Ref.\tA\t", "\tfurlong\tA\t") for line in lines]
    elif what == "too few units":
        return [line.replace(UNITS, "\t#\ts") for line in lines]
    elif what == "other experiment":
        lines[1] = "TAG\tEISPOT"
    elif what == "other program":
        lines[0] = "EC-Lab ASCII FILE"
    elif what == "strange convention":
        return [line.replace("CONVENTION\tIQUANT\t1", "CONVENTION\tIQUANT\t7") for line in lines]
    elif what == "strange rate":
        return [line.replace("(mV/s)", "(furlong)") for line in lines]
    elif what == "note count":
        return [line.replace("NOTES\tNOTES\t2", "NOTES\tNOTES\tmany") for line in lines]
    return lines


@pytest.mark.parametrize(
    ("what", "place", "words"),
    [
        ("half a line", ":20", "damaged"),
        ("a word for a number", ":20", "expected a number for Im"),
        ("not finite", ":20", "expected a number for Vf"),
        ("no curve", ":", "without a CURVE table"),
        ("no points", ":16", "no points"),
        ("no current", ":17", "no column Im"),
        ("strange unit", ":18", "furlong"),
        ("too few units", ":18", "2 units for 9 columns"),
        ("other experiment", ":2", "EISPOT"),
        ("other program", ":1", "EXPLAIN"),
        ("strange convention", ":", "CONVENTION is '7'"),
        ("strange rate", ":", "SCANRATE is in 'furlong'"),
        ("note count", ":4", "'many'"),
    ],
)
def test_a_broken_file_is_named_with_line_and_expectation(write, good, what, place, words):
    path = write(broken(good, what))
    with pytest.raises(FileFormatError) as caught:
        read_gamry(path)
    message = str(caught.value)
    assert message.startswith(f"{path}{place}")
    assert words in message


def test_empty_binary_and_missing_files(tmp_path, write, monkeypatch, good):
    empty = tmp_path / "empty.DTA"
    empty.touch()
    with pytest.raises(FileFormatError, match="empty"):
        read_gamry(empty)
    binary = tmp_path / "binary.DTA"
    binary.write_bytes(b"EXPLAIN\r\nTAG\tCV\r\n\x00\x01\x02")
    with pytest.raises(FileFormatError, match=r"binary\.DTA:3: found binary data"):
        read_gamry(binary)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_gamry(tmp_path / "missing.DTA")
    with pytest.raises(FileFormatError, match="characters"):
        read_gamry(write([*good, "X" * 5000]))
    monkeypatch.setattr(gamry, "LARGEST_FILE", 100)
    with pytest.raises(FileFormatError, match="at most"):
        read_gamry(write(good))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data):
    whole = "\r\n".join([*HEADER, *curve(1, 0, 5), *curve(2, 5, 3)]).encode()
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 60)))
    path = tmp_path_factory.mktemp("damaged") / "scan.DTA"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=60)) + whole[stop:])
    with contextlib.suppress(FileFormatError):
        (table,) = read_gamry(path)
        assert all(np.isfinite(table.columns[name]).all() for name in ("time", "potential", "current"))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: b"EXPLAIN\n" + t.encode())))
def test_garbage_is_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("garbage") / "scan.DTA"
    path.write_bytes(text)
    with pytest.raises(FileFormatError):
        read_gamry(path)


@pytest.mark.parametrize(
    ("name", "rows", "rate"),
    [
        ("voltcycle_10mM_F4CA_pH_14_1M_KOH_50mVs.DTA", 2402, 0.05),
        ("voltcycle_1mM_DHBDS_0to0.8V.DTA.txt", 202, 0.1),
        ("voltcycle_20MM_2,7-AQDS_1M_H2SO4_100mVs_0.5step.DTA.txt", 3602, 0.1),
    ],
)
def test_real_files(reference_data, name, rows, rate):
    path = reference_data / "cv" / name
    assert is_gamry(path)
    (table,) = read_gamry(path)
    assert len(table) == rows
    assert table.parameters["rate"] == pytest.approx(rate, rel=1e-4)
    assert np.all(np.diff(table.columns["time"]) > 0)
