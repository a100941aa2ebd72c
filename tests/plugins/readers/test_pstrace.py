"""Tables as PSTrace exports them, written here from descriptions of its files: no file of an instrument."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import FileFormatError
from luggin_plugins.readers.pstrace import SIGN_REMARK, is_pstrace, read_pstrace, read_pstrace_mapped

RATE = 'rate = "50 mV/s"\n'
SWEEP = [*np.arange(0.1, -0.1, -0.01), *np.arange(-0.1, 0.095, 0.01)]
POINTS = [f"{e:.6f},{k / 10:.4f},{e:.6f},{k / 10 + 1:.4f}" for k, e in enumerate(SWEEP)]


def cv(points=POINTS, units="V,µA,V,µA", titles=("CV i vs E Scan 1", "CV i vs E Scan 2")):
    return [
        "Date and time:,2024-11-14 10:05:17",
        "Notes:,cluster in CH3CN",
        ",,,",
        ",".join(f"Cyclic Voltammetry: {title}," for title in titles),
        ",".join(["Date and time measurement:,2024-11-14 10:01:02"] * 2),
        units,
        *points,
    ]


@pytest.fixture
def write(tmp_path):
    def to_files(lines, mapping=RATE, encoding="utf-16", end="\r\n"):
        path = tmp_path / "scan.csv"
        path.write_bytes(("\r\n".join(lines) + end).encode(encoding))
        if mapping:
            path.with_suffix(".toml").write_text(mapping)
        return path

    return to_files


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-8-sig"])
def test_scans_become_cycles_of_one_table(write, encoding):
    (table,) = read_pstrace(write(cv(), encoding=encoding))
    assert table.technique == "cv"
    assert table.columns["potential"] == pytest.approx([*SWEEP, *SWEEP], abs=1e-6)
    assert table.columns["current"] == pytest.approx(1e-6 * np.array([*np.arange(40) / 10, *(np.arange(40) / 10 + 1)]))
    assert table.columns["cycle"].tolist() == [1] * 40 + [2] * 40
    assert table.columns["time"][:3] == pytest.approx([0.0, 0.2, 0.4])
    assert np.all(np.diff(table.columns["time"]) >= 0)
    assert table.complete


def test_what_the_file_does_not_say_is_said(write):
    parameters = read_pstrace(write(cv()))[0].parameters
    assert parameters["remarks"][0] == SIGN_REMARK
    assert "they are counted from the potentials at 50 mV/s" in parameters["remarks"][1]
    assert parameters["rate"] == pytest.approx(0.05)
    assert parameters["notes"] == ("cluster in CH3CN",)
    assert parameters["file"]["Date and time measurement"] == "2024-11-14 10:01:02"
    assert parameters["file"]["mapping"] == RATE


def test_without_a_scan_rate_it_is_refused_with_the_words_to_write(write):
    with pytest.raises(FileFormatError, match=r'scan\.toml beside it.* rate = "100 mV/s"'):
        read_pstrace(write(cv(), mapping=""))


def test_a_sign_of_the_mapping_counts_and_is_said(write):
    (table,) = read_pstrace(write(cv(), mapping=RATE + 'positive_current = "reduction"\n'))
    assert table.columns["current"][10] == pytest.approx(-1e-6)
    assert "mapping" in table.parameters["current_turned"]
    assert SIGN_REMARK not in table.parameters["remarks"]


def test_a_mapping_by_another_name_and_one_with_columns(write, tmp_path):
    path = write(cv(), mapping="")
    (tmp_path / "ours.toml").write_text(RATE)
    assert len(read_pstrace_mapped(path, tmp_path / "ours.toml")[0]) == 80
    (tmp_path / "columns.toml").write_text(
        RATE + 'technique = "cv"\npositive_current = "oxidation"\nfirst_line = 7\n[columns]\n'
        'potential = { column = 3, unit = "V" }\ncurrent = { column = 4, unit = "uA" }\n'
    )
    (table,) = read_pstrace_mapped(path, tmp_path / "columns.toml")
    assert table.columns["current"][0] == pytest.approx(1e-6)


def test_curves_may_end_at_different_lines(write):
    points = [*POINTS[:-3], *(p.rpartition(",")[0].rpartition(",")[0] + ",," for p in POINTS[-3:])]
    assert np.bincount(read_pstrace(write(cv(points)))[0].columns["cycle"]).tolist() == [0, 40, 37]


def test_other_curves_and_further_measurements_are_named(write):
    lines = [*cv(units="V,V,V,µA", titles=("CV Cell potential Scan 1", "CV i vs E Scan 1"))]
    (table,) = read_pstrace(write([*lines, "Measurement:,Impedance Spectroscopy", "freq / Hz,Z / Ohm", "1,2"]))
    assert len(table) == 40
    assert table.columns["current"][0] == pytest.approx(1e-6)
    remarks = table.parameters["remarks"]
    assert "not read: Cyclic Voltammetry: CV Cell potential Scan 1 (V, V)" in remarks
    assert "not read: Impedance Spectroscopy" in remarks


def test_pulses_and_amperograms_need_no_rate(write):
    lines = [line.replace("Cyclic Voltammetry: CV", "Square Wave Voltammetry: SWV") for line in cv()]
    one = read_pstrace(write(lines, mapping=""))
    assert [table.technique for table in one] == ["swv"]
    lines = [
        line.replace("Cyclic Voltammetry: CV i vs E", "Chronoamperometry: CA i vs t") for line in cv(units="s,nA,s,nA")
    ]
    (amperogram,) = read_pstrace(write(lines, mapping=""))
    assert amperogram.technique == "ca"
    assert amperogram.columns["current"][10] == pytest.approx(1e-9)


@pytest.mark.parametrize("lost", [1, 2, 3, 5, 9])
def test_a_torn_last_line_is_left_out(write, lost):
    lines = cv()
    lines[-1] = lines[-1][:-lost]
    (table,) = read_pstrace(write(lines, end=""))
    assert len(table) == 78
    assert not table.complete
    assert f"the file ends within line {len(lines)}, which was left out" in table.parameters["remarks"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "V,µA,V,µA",
            "V,furlong,V,acre",
            "no curve that this reader knows; found Cyclic Voltammetry: CV i vs E",
        ),
        (POINTS[3], POINTS[3].replace("0.3000", ""), ":10: found '0.070000,'; expected two numbers"),
        (POINTS[3], "0.07,0.3a,0.07,0.3", ":10: found '0.07, 0.3a'"),
        (",".join(["Date and time measurement:,2024-11-14 10:01:02"] * 2), "when?", "no line 'Date and time measur"),
    ],
)
def test_what_is_wrong_is_said(write, old, new, said):
    lines = cv()
    assert old in lines
    with pytest.raises(FileFormatError) as refused:
        read_pstrace(write([new if line == old else line for line in lines]))
    assert said in str(refused.value)


def test_it_is_recognised_in_both_encodings():
    head = "\r\n".join(cv())
    assert is_pstrace(None, head.encode("utf-16"))
    assert is_pstrace(None, head.encode("utf-8-sig"))
    assert not is_pstrace(None, b"E,I\n1,2\n")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data):
    whole = "\r\n".join(cv()).encode(data.draw(st.sampled_from(["utf-16", "utf-8"])))
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 60)))
    path = tmp_path_factory.mktemp("damaged") / "scan.csv"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=60)) + whole[stop:])
    path.with_suffix(".toml").write_text(RATE)
    assert is_pstrace(path, path.read_bytes()[:4096]) in (True, False)
    with contextlib.suppress(FileFormatError):
        for table in read_pstrace(path):
            assert len({len(values) for values in table.columns.values()}) == 1
            assert all(np.isfinite(values).all() for values in table.columns.values())
