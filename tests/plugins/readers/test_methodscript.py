"""Text of MethodSCRIPT instruments, encoded here by the rule of its packages; single fields are published ones."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import FileFormatError
from luggin.records import Flag
from luggin_plugins.readers.methodscript import is_methodscript, read_methodscript, read_methodscript_mapped


def field(kind, value, prefix="u", factor=1e-6, metadata=""):
    return f"{kind}{round(value / factor) + (1 << 27):07X}{prefix}{metadata}"


def point(k, status="0"):
    time, potential = field("eb", 0.1 * k, "m", 1e-3), field("ab", 0.1 - 0.01 * k)
    return f"P{time};{potential};{field('ba', 1e-7 * k, 'p', 1e-12, f',1{status},288')}"


CV = ["e", "M0005", "C0000", *map(point, range(10)), "-", "C0001", *map(point, range(10, 15)), "-", "*", "Tdone", ""]


@pytest.fixture
def write(tmp_path):
    def to_file(lines, end="\n"):
        path = tmp_path / "sent.txt"
        path.write_text("\n".join(lines) + end)
        return path

    return to_file


def test_packages_become_a_table_with_its_scans_as_cycles(write):
    (table,) = read_methodscript(write(CV))
    assert table.technique == "cv"
    assert table.complete
    assert table.columns["time"] == pytest.approx(0.1 * np.arange(15))
    assert table.columns["potential"] == pytest.approx(0.1 - 0.01 * np.arange(15))
    assert table.columns["current"] == pytest.approx(1e-7 * np.arange(15))
    assert table.columns["cycle"].tolist() == [1] * 10 + [2] * 5
    assert table.columns["flags"].tolist() == [0] * 15
    assert table.parameters["notes"] == ("done",)
    assert "remarks" not in table.parameters


def test_published_fields_are_decoded_exactly(write):
    lines = ["eM0000", "Pda7F85F3Fu;ba48D503Dp,10,288", "Pda807B031u;baB360495p,10,288", "*"]
    (tmp := write(lines)).with_suffix(".toml").write_text('rate = "100 mV/s"\n')
    (table,) = read_methodscript(tmp)
    assert table.technique == "lsv"
    assert table.columns["potential"].tolist() == [-0.499905, 0.503857]
    assert table.columns["current"].tolist() == [-5.7847747e-05, 5.3871765e-05]
    assert "the potential is the applied one: the packages have no measured one" in table.parameters["remarks"]


@pytest.mark.parametrize(
    ("status", "flag"),
    [
        ("1", Flag.TIMING),
        ("2", Flag.CURRENT_OVERLOAD),
        ("4", Flag.UNDERLOAD),
        ("8", Flag.OVERLOAD_WARNING),
        ("6", Flag.CURRENT_OVERLOAD | Flag.UNDERLOAD),
    ],
)
def test_the_status_of_a_field_is_kept(write, status, flag):
    (table,) = read_methodscript(write(["M0005", point(0), point(1, status), "*"]))
    assert table.columns["flags"].tolist() == [0, int(flag)]


def test_a_value_that_is_none_stays_none(write):
    (table,) = read_methodscript(write(["M0007", f"P{field('eb', 1.0)};{field('ab', 0.1)};ba     nan", "*"]))
    assert np.isnan(table.columns["current"][0])
    assert table.columns["flags"][0] == int(Flag.GAP)


def test_a_sweep_without_times_needs_a_rate(write, tmp_path):
    lines = ["M0005", *(f"P{field('da', 0.01 * k)};{field('ba', 1e-9 * k, 'p', 1e-12)}" for k in range(5)), "*"]
    path = write(lines)
    with pytest.raises(FileFormatError, match='rate = "100 mV/s"'):
        read_methodscript(path)
    (tmp_path / "ours.toml").write_text('rate = "0.1 V/s"\n')
    (table,) = read_methodscript_mapped(path, tmp_path / "ours.toml")
    assert table.columns["time"] == pytest.approx(0.1 * np.arange(5))


def test_loops_become_tables_and_unknown_ones_are_named(write):
    rest = ["M000B", f"P{field('eb', 0.1)};{field('ab', 0.2)}", "*"]
    lines = [*rest, *CV, "M0006", "Pja8000000 ", "*"]
    first, second = read_methodscript(write(lines))
    assert [first.technique, second.technique] == ["ocp", "cv"]
    assert first.label == "sent.txt, loop 1"
    assert "not read: loop M0006" in second.parameters["remarks"]


def test_the_script_before_is_passed_over(write):
    script = ["e", "var p", "set_e -200m", "cell_on", "meas_loop_cv p c -200m 800m -200m 5m 25m", "endloop", ""]
    assert len(read_methodscript(write([*script, *CV[1:]]))[0]) == 15


def test_a_text_that_ends_early_is_cut_short(write):
    (table,) = read_methodscript(write(CV[:8]))
    assert not table.complete
    assert "the text ends before the measurement does" in table.parameters["remarks"]


def test_a_torn_package_at_the_end_is_left_out(write):
    (table,) = read_methodscript(write([*CV[:8], point(5)[:-9]], end=""))
    assert len(table) == 5
    assert not table.complete


@pytest.mark.parametrize("where", [-4, len(CV)])
def test_an_error_of_the_instrument_is_said(write, where):
    lines = [*CV[:where], "!0032: Line 12"]
    (table,) = read_methodscript(write(lines))
    assert not table.complete
    assert "the instrument reported error 0032, which ended the script" in table.parameters["remarks"]


@pytest.mark.parametrize(
    ("at", "new", "said"),
    [
        (5, "Pda7F85F3F", ":6: found 'Pda7F85F3F'; expected a data package of eb, ab, ba"),
        (5, "Pda7F85F3Fu", ":6: found 'Pda7F85F3Fu'; expected a data package of eb, ab, ba"),
        (5, "hello", ":6: found 'hello' in a measurement loop"),
        (1, "M0006", "no measurement loop with points that this reader knows; found M0006"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(write, at, new, said):
    lines = list(CV)
    lines[at] = new
    with pytest.raises(FileFormatError) as refused:
        read_methodscript(write(lines))
    assert said in str(refused.value)


def test_packages_without_a_current_are_refused(write):
    with pytest.raises(FileFormatError, match="the packages have no current; found eb, ab"):
        read_methodscript(write(["M0005", f"P{field('eb', 0.1)};{field('ab', 0.2)}", "*"]))


def test_it_is_recognised_by_a_loop_with_a_package():
    assert is_methodscript(None, "\n".join(CV).encode())
    assert is_methodscript(None, "\r\n".join(CV).encode())
    assert not is_methodscript(None, b"M0005\nsomething\n")
    assert not is_methodscript(None, b"M0005" + b"\n" * 4000)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_text_is_read_or_refused(tmp_path_factory, data):
    whole = "\n".join(CV).encode()
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 60)))
    path = tmp_path_factory.mktemp("damaged") / "sent.txt"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=60)) + whole[stop:])
    with contextlib.suppress(FileFormatError):
        for table in read_methodscript(path):
            assert len({len(values) for values in table.columns.values()}) == 1
            assert not np.isinf(table.columns["potential"]).any()
