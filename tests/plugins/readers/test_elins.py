"""Exports of Elins potentiostats as public programs expect them, written here: no file of an instrument."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.errors import FileFormatError
from luggin_plugins.readers.elins import SIGN_REMARK, UNCONFIRMED, is_elins, read_elins, read_elins_mapped


def russian(sweeps=2, mode="Потенциостат", names="Время, с., Потенциал, В, Ток, А", comment="кластер"):
    lines = ["ES8", "", "Блок 1:", f"Комментарий пользователя: {comment}", "Прибор: P-20X8", ""]
    for step in range(1, sweeps + 1):
        lines += [f"Цикл 1, Шаг {step}", f"Тип работы: {mode}", names]
        lines += [f"{0.1 * k:.1f} {0.3 - 0.01 * k:.4f} {1e-6 * k:.4E}".replace(".", ",") for k in range(20)]
        lines += [""]
    return [*lines, "u"]


ENGLISH = [
    "Cycle 1",
    "Step 1",
    "Time (s)   Voltage (V)   Current (A)",
    "0.0 0.30 1e-6",
    "0.5 0.20 2e-6",
    "1.0 0.10 3e-6",
]


@pytest.fixture
def write(tmp_path):
    def to_files(lines, mapping="", encoding="cp1251", end="\r\n"):
        path = tmp_path / "export.txt"
        path.write_bytes(("\r\n".join(lines) + end).encode(encoding))
        if mapping:
            path.with_suffix(".toml").write_text(mapping)
        return path

    return to_files


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig"])
def test_the_sweeps_of_a_russian_file_become_one_voltammogram(write, encoding):
    (table,) = read_elins(write(russian(), encoding=encoding))
    assert table.technique == "cv"
    assert table.columns["potential"][:20] == pytest.approx(0.3 - 0.01 * np.arange(20))
    assert table.columns["current"][:20] == pytest.approx(1e-6 * np.arange(20))
    assert table.columns["sequence"].tolist() == [1] * 20 + [2] * 20
    assert table.columns["time"][20] == pytest.approx(1.9)
    assert np.all(np.diff(table.columns["time"]) >= 0)
    assert table.complete


def test_it_says_that_it_is_unconfirmed_and_what_was_done(write):
    parameters = read_elins(write(russian()))[0].parameters
    assert parameters["remarks"][:2] == (UNCONFIRMED, SIGN_REMARK)
    assert any("the times of the steps begin anew" in remark for remark in parameters["remarks"])
    assert parameters["notes"] == ("кластер",)
    assert parameters["file"]["Прибор"] == "P-20X8"
    assert parameters["file"]["Тип работы"] == "Потенциостат"


def test_units_are_those_of_the_line_with_the_names(write):
    (table,) = read_elins(write(russian(1, names="Время, мин, Потенциал, мВ, Ток, мкА")))
    assert table.columns["time"][1] == pytest.approx(6.0)
    assert table.columns["potential"][0] == pytest.approx(0.3e-3)
    assert table.columns["current"][10] == pytest.approx(1e-11)


@pytest.mark.parametrize(("mode", "technique"), [("Вольтметр", "ocp"), ("Гальваностат", "cp")])
def test_the_work_mode_tells_the_technique_and_steps_stay_apart(write, mode, technique):
    assert [table.technique for table in read_elins(write(russian(2, mode)))] == [technique] * 2


def test_an_english_file_needs_its_technique_said(write, tmp_path):
    path = write(ENGLISH, encoding="utf-8")
    with pytest.raises(FileFormatError, match=r'export\.toml beside it.* technique = "cv"'):
        read_elins(path)
    (tmp_path / "ours.toml").write_text('technique = "cv"\npositive_current = "reduction"\n')
    (table,) = read_elins_mapped(path, tmp_path / "ours.toml")
    assert table.columns["time"].tolist() == [0.0, 0.5, 1.0]
    assert table.columns["current"].tolist() == [-1e-6, -2e-6, -3e-6]
    assert "mapping" in table.parameters["current_turned"]
    assert SIGN_REMARK not in table.parameters["remarks"]


@pytest.mark.parametrize("lost", [1, 2, 4, 9, 14])
def test_a_torn_last_line_is_left_out(write, lost):
    lines = russian(1)[:-2]
    lines[-1] = lines[-1][:-lost]
    (table,) = read_elins(write(lines, end=""))
    assert len(table) == 19
    assert not table.complete
    assert any("which was left out" in remark for remark in table.parameters["remarks"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Время, с., Потенциал, В, Ток, А", "Время, с., Потенциал, В, Ток, попугаи", "Ток is in 'попугаи'"),
        ("Время, с., Потенциал, В, Ток, А", "Время, с., Заряд, Кл, Ток, А", "no column 'Заряд'"),
        ("Время, с., Потенциал, В, Ток, А", "Время, с., Потенциал, В", "expected time, potential and current"),
        ("Время, с., Потенциал, В, Ток, А", "Время", "a point where no table of points has begun"),
        ("0,1 0,2900 1,0000E-06", "0,1 0,2900", ":11: found '0,1 0,2900'; expected three numbers"),
        ("0,1 0,2900 1,0000E-06", "0,1x 0,2900 1,0000E-06", ":11: found '0,1x 0,2900"),
        ("0,1 0,2900 1,0000E-06", "what? 0,2900 1,0", ":12: found a point where no table of points has begun"),
        ("Тип работы: Потенциостат", "Тип работы: нечто", 'technique = "cv"'),
    ],
)
def test_what_is_wrong_is_said(write, old, new, said):
    lines = russian(1)
    assert old in lines
    with pytest.raises(FileFormatError) as refused:
        read_elins(write([new if line == old else line for line in lines]))
    assert said in str(refused.value)


def test_it_is_recognised_in_both_languages():
    assert is_elins(None, "\r\n".join(russian()).encode("cp1251"))
    assert is_elins(None, "\r\n".join(ENGLISH).encode("utf-8-sig"))
    assert not is_elins(None, b"Cycle 1\nsomething\n")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data):
    whole = "\r\n".join(data.draw(st.sampled_from([russian(), ENGLISH]))).encode("cp1251")
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 60)))
    path = tmp_path_factory.mktemp("damaged") / "export.txt"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=60)) + whole[stop:])
    path.with_suffix(".toml").write_text('technique = "cv"\n')
    with contextlib.suppress(FileFormatError):
        for table in read_elins(path):
            assert len({len(values) for values in table.columns.values()}) == 1
            assert all(np.isfinite(values).all() for values in table.columns.values())
