"""Sample, limits, analyses: what is accepted, and what is kept for the store."""

import pytest

from luggin.errors import ProtocolError, UsageError
from luggin.steps import (
    COLUMN_UNITS,
    CV,
    Limit,
    Sample,
    Vocabulary,
    check_setpoints,
    load_protocol,
    outside,
    parse_limits,
    parse_sample,
)

SAMPLE = {
    "id": "re4mo2-4",
    "formula": "(n-Bu4N)4[Re4Mo2Se8(CN)6]",
    "concentration": "0.5 mM",
    "assumed": ["concentration", "electrolyte"],
    "wiring": "three-electrode",
    "working": {"material": "glassy carbon", "diameter": "3.0(1) mm", "polished": True},
    "counter": {"material": "Pt wire"},
    "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"},
    "temperature": "25(1) degC",
}
TOML = """\
title = "x"
{head}
steps = [{{do = "cv", id = "full", begin = "{begin}", vertices = ["-1 V", "1 V"], rate = "1 V/s", step = "1 mV"}}]
[sample]
id = "x"
wiring = "two-electrode, symmetric"
working = {{name = "Na (W)", terminal = "positive", diameter = "12.0(1) mm"}}
counter = {{name = "Na", also_reference = true}}
"""


def protocol(head="", begin="0 V vs ref", vocabulary=None):
    return load_protocol(text=TOML.format(head=head, begin=begin), vocabulary=vocabulary, name="p.toml").protocol


def refusal(**arguments):
    with pytest.raises(ProtocolError) as refused:
        protocol(**arguments)
    return str(refused.value)


# --- sample ---------------------------------------------------------------------------------------


def test_a_sample_is_kept_as_it_was_written_with_its_free_fields():
    assert parse_sample(SAMPLE) == SAMPLE


def test_a_text_is_the_name_of_an_electrode():
    assert parse_sample({**SAMPLE, "counter": "Pt wire"})["counter"] == {"name": "Pt wire"}


def test_two_equal_electrodes_are_one_text():
    sample = Sample(
        id="pellet", wiring="two-electrode, blocking", electrodes="Pt on both faces", thickness="4.00(2) mm"
    )
    assert sample.electrode_count == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"working": None}, "Sample: `working` of this three-electrode cell is missing"),
        ({"temperature": "-300 degC"}, "Sample: temperature: -300 degC is out of range; allowed is more than 0 K."),
        ({"temperature": 25}, "Sample: temperature: this is not a quantity; found 25."),
        ({"concentration": "0.5 mm"}, "Sample: concentration: 'mm' is not a unit of concentration (mol/m3)"),
        ({"diametr": "3 mm"}, "Sample: diametr: there is no key `diametr` here. Did you mean `diameter`?"),
        ({"notes": {"a": 1}}, "Sample: notes: this is not a text, a number or a list of them; found {a = 1}."),
        ({"wiring": "four-electrode"}, 'Sample: wiring: "four-electrode" is not a wiring'),
        ({"assumed": "concentration"}, "Sample: assumed: this must be a list in square brackets"),
        (
            {"working": {"material": "GC", "active_fraction": 80}},
            "Sample: working.active_fraction: 80 is out of range; allowed is 1 or less.",
        ),
        (
            {"working": {"material": "GC", "terminal": "plus"}},
            "Sample: working.terminal: \"plus\" is not one of 'positive' or 'negative'.",
        ),
    ],
)
def test_a_wrong_sample_is_told_in_words(change, message):
    with pytest.raises(UsageError) as refused:
        parse_sample({key: value for key, value in {**SAMPLE, **change}.items() if value is not None})
    assert str(refused.value).startswith(message)


# --- limits ---------------------------------------------------------------------------------------


def test_limits_are_si_windows():
    one, other = parse_limits(
        [
            {"column": "potential", "between": ["-500 mV", "1 V"]},
            {"column": "current", "between": ["-0.1 mA", "100 uA"], "for": "2 min", "then": "end_step"},
        ]
    )
    assert (one.low, one.high, one.unit, one.rows, one.seconds, one.then) == (-0.5, 1.0, "V", 1, 0.0, "stop")
    assert (other.low, other.high, other.unit, other.rows, other.seconds) == (-1e-4, 1e-4, "A", 0, 120.0)
    assert str(other) == "current between -0.1 mA and 100 uA"
    assert other.to_json() == {
        "column": "current",
        "between": ["-0.1 mA", "100 uA"],
        "for": "2 min",
        "then": "end_step",
    }


@pytest.mark.parametrize(("written", "rows", "seconds"), [("1 row", 1, 0.0), ("12 rows", 12, 0.0), ("0.5 s", 0, 0.5)])
def test_how_long_a_limit_must_be_left(written, rows, seconds):
    (limit,) = parse_limits([{"column": "charge", "between": ["0 C", "1 C"], "for": written}])
    assert (limit.rows, limit.seconds) == (rows, seconds)


@pytest.mark.parametrize("written", ["0 rows", "-1 s", "0 s", "3", "3 mV", "rows"])
def test_how_long_a_limit_must_be_left_is_rows_or_a_time(written):
    with pytest.raises(UsageError, match=r"limits: \[1\]\.for: .* is neither a number of rows nor a time"):
        parse_limits([{"column": "charge", "between": ["0 C", "1 C"], "for": written}])


def test_limits_of_a_script_are_refused_together():
    with pytest.raises(UsageError) as refused:
        parse_limits([{"column": "volume", "between": ["0 V", "1 V"]}, {"column": "current", "between": [0, "1 A"]}])
    assert [line.split(": ")[1] for line in str(refused.value).splitlines()] == ["[1].column", "[2].between"]
    with pytest.raises(UsageError, match="no current satisfies both"):
        parse_limits([{"column": "current", "between": [f"{n} A", f"{n}.5 A"]} for n in (1, 2)])


def test_two_limits_of_one_column_that_overlap_are_allowed():
    windows = [("-1 V", "1 V"), ("-2 V", "2 V"), ("1 V", "3 V")]
    assert len(parse_limits([{"column": "voltage", "between": list(window)} for window in windows])) == 3


@pytest.mark.parametrize("column", COLUMN_UNITS)
def test_every_column_has_its_unit(column):
    (limit,) = parse_limits([{"column": column, "between": [f"0 {COLUMN_UNITS[column]}", f"2 {COLUMN_UNITS[column]}"]}])
    assert (limit.low, limit.high) == (0.0, 2.0)


@pytest.mark.parametrize(
    ("column", "potential", "breaks"),
    [
        ("potential", 1.0, False),
        ("potential", 1.001, True),
        ("potential", -1.001, True),
        ("voltage", 1.001, True),
        ("current", 5.0, False),
    ],
)
def test_set_potentials_against_limits(column, potential, breaks):
    unit = COLUMN_UNITS[column]
    limit = Limit(column=column, between=[f"-1 {unit}", f"1 {unit}"])
    assert outside([limit], potential) == (limit if breaks else None)


def test_set_points_outside_of_the_limits_are_mistakes_of_the_file():
    head = 'limits = [{column = "potential", between = ["-0.9 V", "0.9 V"]}]'
    assert refusal(head=head).splitlines() == [
        "p.toml:3: steps[1].vertices: -1 V lies outside of the limits of this protocol "
        "(potential between -0.9 V and 0.9 V). Change the limit or the potential.",
        "p.toml:3: steps[1].vertices: 1 V lies outside of the limits of this protocol "
        "(potential between -0.9 V and 0.9 V). Change the limit or the potential.",
    ]


def test_set_points_against_a_zero_that_is_measured_are_for_later():
    loaded = protocol(head='limits = [{column = "potential", between = ["-0.9 V", "0.9 V"]}]', begin="0 V vs ocp")
    assert check_setpoints(loaded) == []


# --- analyses -------------------------------------------------------------------------------------


def options():
    from pydantic import BaseModel, ConfigDict

    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        count: int = 1

    return Options


KNOWN = Vocabulary(analyses={"cv.half-waves": options, "cv.reference": None})


def test_analyses_are_checked_against_those_that_are_installed():
    head = 'analyses = [{use = "cv.half-wave"}]'
    assert refusal(head=head, vocabulary=KNOWN) == (
        "p.toml:2: analyses[1].use: there is no analysis `cv.half-wave`. Did you mean `cv.half-waves`?"
    )
    assert protocol(head=head).analyses[0].use == "cv.half-wave"


def test_options_of_analyses_are_checked_with_their_own_model():
    head = 'analyses = [{use = "cv.half-waves", on = "full", cont = 2},\n{use = "cv.half-waves", count = "2 V"}]'
    assert refusal(head=head, vocabulary=KNOWN).splitlines() == [
        "p.toml:2: analyses[1].cont: there is no key `cont` here. Did you mean `count`?",
        'p.toml:3: analyses[2].count: this must be a whole number, without quotes; found "2 V".',
    ]


def test_an_analysis_entry_is_kept_with_its_options():
    head = 'analyses = [{use = "cv.reference", on = ["full"], couple = "Fc+/0", near = [{x = 1}]}]'
    entry = protocol(head=head, vocabulary=KNOWN).analyses[0]
    assert entry.options == {"couple": "Fc+/0", "near": [{"x": 1}]}
    assert entry.to_json() == {"use": "cv.reference", "on": ["full"], "couple": "Fc+/0", "near": [{"x": 1}]}


# --- the rest of a protocol -----------------------------------------------------------------------


def test_rows_to_keep():
    kept = protocol(head='record = {dt = "60 s", dV = "5 mV"}').record
    assert (kept.dt, kept.dV) == (60.0, 0.005)


def test_a_protocol_can_be_read_from_a_file(tmp_path):
    path = tmp_path / "p.toml"
    path.write_bytes(TOML.format(head='bench = "b.toml"', begin="0 V vs ref").encode())
    loaded = load_protocol(path)
    assert (loaded.path, loaded.protocol.bench) == (path, "b.toml")
    assert loaded.text.startswith('title = "x"')
    assert len(loaded.sha256) == 64
    assert isinstance(loaded.protocol.steps[0], CV)


@pytest.mark.parametrize("arguments", [{}, {"path": "p.toml", "text": "x = 1"}])
def test_a_protocol_has_one_source(arguments):
    with pytest.raises(UsageError, match="either the path of a protocol file or its text"):
        load_protocol(**arguments)
