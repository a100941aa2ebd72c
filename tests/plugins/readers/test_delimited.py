"""Tables of nobody in particular, and the mapping that says what they are."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import FileFormatError
from luggin_plugins.readers.delimited import is_delimited, read_delimited, read_mapped

MAPPING = """
technique = "cv"
positive_current = "oxidation"
[columns]
potential = { column = "E", unit = "mV" }
current = "I (uA)"
time = { column = "t", unit = "s" }
"""
DATA = "E,I (uA),t\n" + "".join(f"{100 - 2 * k},{0.5 * k},{0.1 * k:.1f}\n" for k in range(30))


@pytest.fixture
def write(tmp_path):
    def to_files(data=DATA, mapping=MAPPING, encoding="utf-8"):
        path = tmp_path / "data.csv"
        path.write_bytes(data.encode(encoding))
        if mapping is not None:
            path.with_suffix(".toml").write_text(mapping, encoding="utf-8")
        return path

    return to_files


def test_units_are_those_of_the_mapping_and_of_the_names(write):
    (table,) = read_delimited(write())
    assert table.technique == "cv"
    assert table.columns["potential"] == pytest.approx(0.1 - 0.002 * np.arange(30))
    assert table.columns["current"] == pytest.approx(0.5e-6 * np.arange(30))
    assert table.columns["time"] == pytest.approx(0.1 * np.arange(30))
    assert table.units == {"potential": "V", "current": "A", "time": "s"}
    assert table.parameters["file"]["mapping"] == MAPPING
    assert "current_turned" not in table.parameters
    assert "remarks" not in table.parameters
    assert table.complete


def test_a_mapping_by_another_name(write, tmp_path):
    path = write(mapping=None)
    elsewhere = tmp_path / "ours.toml"
    elsewhere.write_text(MAPPING)
    assert len(read_mapped(path, elsewhere)[0]) == 30


def test_a_positive_reduction_is_turned_round_and_said(write):
    (table,) = read_delimited(write(mapping=MAPPING.replace("oxidation", "reduction")))
    assert table.columns["current"] == pytest.approx(-0.5e-6 * np.arange(30))
    assert "mapping" in table.parameters["current_turned"]
    assert any("current turned round" in remark for remark in table.parameters["remarks"])


def test_times_from_the_scan_rate(write):
    mapping = MAPPING.replace('time = { column = "t", unit = "s" }', "").replace(
        "[columns]", 'rate = "20 mV/s"\n[columns]'
    )
    (table,) = read_delimited(write(mapping=mapping))
    assert table.columns["time"] == pytest.approx(0.1 * np.arange(30))
    assert table.parameters["rate"] == pytest.approx(0.02)
    assert "the file has no times: they are counted from the potentials at 20 mV/s" in table.parameters["remarks"]


def test_a_line_of_units_below_the_names(write):
    data = DATA.replace("E,I (uA),t\n", "E,I,t\nV,nA,min\n")
    mapping = MAPPING.replace(', unit = "mV"', "").replace(', unit = "s"', "").replace("I (uA)", "I")
    (table,) = read_delimited(write(data, mapping))
    assert table.columns["potential"][0] == 100.0
    assert table.columns["current"][2] == pytest.approx(1e-9)
    assert table.columns["time"][10] == pytest.approx(60.0)


@pytest.mark.parametrize("separator", [";", "\t", "  "])
def test_decimal_commas_and_other_separators(write, separator):
    data = DATA.replace("I (uA)", "I/uA").replace(",", separator).replace(".", ",")
    mapping = 'decimal = ","\n' + MAPPING.replace("I (uA)", "I/uA")
    (table,) = read_delimited(write(data, mapping))
    assert table.columns["current"] == pytest.approx(0.5e-6 * np.arange(30))


def test_columns_by_number_behind_a_heading(write):
    data = "made by hand\n12 March\n\n" + DATA.partition("\n")[2]
    mapping = """technique = "cv"
positive_current = "oxidation"
[columns]
potential = { column = 1, unit = "mV" }
current = { column = 2, unit = "uA" }
time = { column = 3, unit = "s" }
"""
    assert len(read_delimited(write(data, mapping))[0]) == 30
    later = "first_line = 9\n" + mapping
    assert read_delimited(write(data, later))[0].columns["potential"][0] == pytest.approx(0.090)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_encodings(write, encoding):
    mapping = MAPPING.replace("I (uA)", "I (µA)")
    (table,) = read_delimited(write(DATA.replace("I (uA)", "I (µA)"), mapping, encoding))
    assert table.columns["current"][2] == pytest.approx(1e-6)


def test_a_current_density_needs_the_area_by_which_it_was_divided(write):
    data, mapping = DATA.replace("(uA)", "(mA/cm2)"), MAPPING.replace("(uA)", "(mA/cm2)")
    with pytest.raises(FileFormatError, match=r"density .*area = "):
        read_delimited(write(data, mapping))
    (table,) = read_delimited(write(data, mapping + '[sample]\nworking = { area = "0.1 cm2" }\n'))
    assert table.columns["current"][2] == pytest.approx(1e-4)


def test_what_is_known_of_the_sample_reaches_the_table(write):
    said = '[sample]\nreference = "Ag/AgCl"\ntemperature = "25 degC"\nworking = { area = "0.071 cm2" }\n'
    (table,) = read_delimited(write(mapping='comment = "by hand"\n' + MAPPING + said))
    assert table.sample["reference"] == "Ag/AgCl"
    assert table.sample["working"] == {"area": "0.071 cm2"}
    assert table.parameters["temperature_K"] == pytest.approx(298.15)
    assert table.parameters["notes"] == ("by hand",)


def test_a_spectrum_with_its_imaginary_part_reversed(write):
    data = "f;Z';-Z''\n1000;10;2\n100;12;5\n"
    mapping = """technique = "eis"
[columns]
frequency = { column = "f", unit = "Hz" }
impedance_real = { column = "Z'", unit = "kohm" }
impedance_imaginary = { column = "-Z''", unit = "kohm", reversed = true }
"""
    (table,) = read_delimited(write(data, mapping))
    assert table.columns["impedance_imaginary"].tolist() == [-2000.0, -5000.0]


def test_cycles_are_counted_from_one(write):
    names, *points = DATA.splitlines()
    data = "\n".join([f"{names},n", *(f"{point},{k // 15}" for k, point in enumerate(points)), ""])
    (table,) = read_delimited(write(data, MAPPING + 'cycle = "n"\n'))
    assert table.columns["cycle"].tolist() == [1] * 15 + [2] * 15


@pytest.mark.parametrize("lost", [2, 3, 4, 5, 6])
def test_a_torn_last_line_is_left_out(write, lost):
    (table,) = read_delimited(write(DATA[:-lost]))
    assert len(table) == 29
    assert not table.complete
    assert table.parameters["remarks"] == ("the file ends within line 31, which was left out",)


def test_a_file_without_a_mapping_is_refused_with_the_words_to_write(write, tmp_path):
    with pytest.raises(FileFormatError) as refused:
        read_delimited(write(mapping=None))
    message = str(refused.value)
    assert "its columns are called E, I (uA), t" in message
    assert "Write data.toml beside it" in message
    words = message.partition("--map:\n\n")[2]
    (tmp_path / "data.toml").write_text(words)
    (table,) = read_delimited(tmp_path / "data.csv")
    assert len(table) == 30


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('technique = "cv"', "", 'write for example technique = "cv"'),
        (
            'positive_current = "oxidation"',
            "",
            'write positive_current = "oxidation" or positive_current = "reduction"',
        ),
        ('"oxidation"', '"anodic"', "allowed are 'oxidation', 'reduction'"),
        (', unit = "mV"', "", 'write for example potential = { column = "E", unit = "V" }'),
        ('unit = "mV"', 'unit = "mA"', "expected a unit like V"),
        ('unit = "mV"', 'unit = "volts"', "columns.potential: "),
        ('time = { column = "t", unit = "s" }', "", 'write for example rate = "100 mV/s"'),
        ("potential =", "potental =", "Did you mean `potential`?"),
        ("technique", "tecnique", "Did you mean `technique`?"),
        ('"cv"', '"polarogram"', "technique = 'polarogram'; allowed are 'cv'"),
        ('column = "E"', 'column = "U"', "no line has the names I (uA), U, t in its cells"),
        ('column = "E"', "column = 9", "there are 3 columns"),
        ("[columns]", "rate = 100\n[columns]", "rate = 100; write it in quotes"),
        ("[columns]", 'rate = "100"\n[columns]', "rate: '100' has no unit"),
        ("[columns]", 'rate = "0 V/s"\n[columns]', "expected more than zero"),
        ("[columns]", "decimal = ','\nseparator = ','\n[columns]", "cannot both be a comma"),
        ("[columns]", "[sample]\narea = 3\n[columns]", "sample.area: there are reference"),
        ("[columns]", "[columns", "this is no mapping"),
    ],
)
def test_a_mapping_with_mistakes_is_refused_with_what_to_write(write, old, new, said):
    assert old in MAPPING
    with pytest.raises(FileFormatError) as refused:
        read_delimited(write(mapping=MAPPING.replace(old, new)))
    assert said in str(refused.value)
    assert "data." in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("96,1.0,0.2", "96,1.0", ":4: found 2 values"),
        ("96,1.0,0.2", "96,,0.2", ":4: found ''; expected a number for current"),
        ("96,1.0,0.2", "nan,1.0,0.2", ":4: found 'nan'; expected a number for potential"),
        ("96,1.0,0.2", "96,1_0,0.2", ":4: found '1_0'"),
        ("E,I (uA),t\n", "E,E,I (uA),t\n", "2 columns are called 'E'; map their numbers"),
    ],
)
def test_a_damaged_line_is_refused_with_its_number(write, old, new, said):
    assert old in DATA
    with pytest.raises(FileFormatError) as refused:
        read_delimited(write(DATA.replace(old, new)))
    assert said in str(refused.value)


def test_only_tables_of_numbers_are_recognised(tmp_path, write):
    assert is_delimited(tmp_path / "a.csv", DATA.encode())
    assert is_delimited(tmp_path / "a.txt", DATA.encode("utf-16"))
    assert not is_delimited(tmp_path / "notes.txt", b"Monday: nothing worked.\nTuesday, too.\n")
    assert not is_delimited(tmp_path / "a.bin", DATA.encode())
    assert not is_delimited(tmp_path / "a.txt", b"1 2\n3 4\n\0\0")
    assert is_delimited(write(), b"anything")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data):
    whole = [DATA.encode(), MAPPING.encode()]
    which = data.draw(st.integers(0, 1))
    start = data.draw(st.integers(0, len(whole[which])))
    stop = data.draw(st.integers(start, min(len(whole[which]), start + 60)))
    whole[which] = whole[which][:start] + data.draw(st.binary(max_size=60)) + whole[which][stop:]
    path = tmp_path_factory.mktemp("damaged") / "data.csv"
    path.write_bytes(whole[0])
    path.with_suffix(".toml").write_bytes(whole[1])
    assert is_delimited(path, whole[0]) in (True, False)
    with contextlib.suppress(FileFormatError):
        (table,) = read_delimited(path)
        assert len({len(values) for values in table.columns.values()}) == 1
        assert all(np.isfinite(values).all() for values in table.columns.values())


SPECTRUM = """technique = "eis"
[columns]
frequency = { column = %s, unit = "Hz" }
impedance_real = { column = %s, unit = "ohm" }
impedance_imaginary = { column = %s, unit = "ohm" }
"""
CYCLER = """technique = "cp"
positive_current = "oxidation"
[columns]
time = { column = %s, unit = "s" }
current = { column = %s, unit = "A" }
voltage = { column = %s, unit = "V" }
cycle = %s
"""


@pytest.mark.parametrize(
    ("name", "mapping", "rows", "column", "first"),
    [
        ("eis/impedancepy_exampleData.csv", SPECTRUM % (1, 2, 3), 66, "frequency", 3.1623e-3),
        ("eis/impedancepy_exampleDataAutolab.txt", "first_line = 12\n" + SPECTRUM % (1, 5, 6), 41, "frequency", None),
        (
            "eis/pyDRTtools_1ZARC.csv",
            SPECTRUM % ('"Freq"', '"Real"', '"Imag"'),
            81,
            "impedance_real",
            59.20397431908595,
        ),
        (
            "cycling/cellpy_custom_data_001.csv",
            CYCLER % ('"test_time"', '"current"', '"voltage"', '"cycle"'),
            2442,  # of 2444 lines, two of which are empty
            "voltage",
            1.14,
        ),
        (
            "cycling/pyprobe_sample_data_arbin.csv",
            CYCLER % ('"Test Time (s)"', '"Current (A)"', '"Voltage (V)"', '"Cycle Index"'),
            None,
            "voltage",
            3.534595,
        ),
    ],
)
def test_real_tables(reference_data, tmp_path, name, mapping, rows, column, first):
    path = reference_data / name
    (tmp_path / "m.toml").write_text(mapping)
    (table,) = read_mapped(path, tmp_path / "m.toml")
    assert is_delimited(path, path.read_bytes()[:4096])
    points = len(path.read_text(encoding="utf-8-sig").splitlines())
    assert len(table) == rows or (rows is None and points - 4 <= len(table) < points)
    assert first is None or table.columns[column][0] == pytest.approx(first, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "said"),
    [("nan_inf", ":24: found ''; expected a number for voltage"), ("missing_column", "no line has the names")],
)
def test_real_tables_that_are_damaged(reference_data, tmp_path, name, said):
    (tmp_path / "m.toml").write_text(CYCLER % ('"test_time"', '"current"', '"voltage"', '"cycle"'))
    with pytest.raises(FileFormatError) as refused:
        read_mapped(reference_data / "cycling" / f"cellpy_bad_custom_{name}.csv", tmp_path / "m.toml")
    assert said in str(refused.value)


def test_a_real_table_that_was_cut_is_said_to_be(reference_data, tmp_path):
    (tmp_path / "m.toml").write_text(CYCLER % ('"test_time"', '"current"', '"voltage"', '"cycle"'))
    (table,) = read_mapped(reference_data / "cycling" / "cellpy_bad_custom_truncated.csv", tmp_path / "m.toml")
    assert not table.complete
    assert len(table) == 59
