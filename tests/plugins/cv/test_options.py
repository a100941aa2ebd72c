"""Options of the analysis: what is taken, and in which words the rest is refused."""

import pytest
from pydantic import ValidationError

from luggin.analysis.asking import ask
from luggin.errors import AnalysisError, UsageError
from luggin.steps.wording import mistakes_of
from luggin_plugins.cv import HALF_WAVES
from luggin_plugins.cv.options import HalfWavesOptions


def near(value):
    return {"couples": [{"label": "A", "near": value}]}


@pytest.mark.parametrize(("written", "volts"), [("-0.48 V", -0.48), ("400 mV", 0.4), ("−0.48 V", -0.48)])
def test_a_potential_is_read_in_volts_and_remembers_how_it_was_written(written, volts):
    (couple,) = HalfWavesOptions.model_validate(near(written)).couples
    assert couple.near == volts
    assert couple.near.written == written


def test_options_that_were_validated_are_valid():
    """An analysis validates what it is given, also when that was validated before."""
    once = HalfWavesOptions.model_validate(near("-0.48 V")).model_dump()
    assert HalfWavesOptions.model_validate(once).model_dump() == once


@pytest.mark.parametrize(
    ("options", "path", "words"),
    [
        (near(0.4), "couples[1].near", "0.4 is a number without a unit; write a number and its unit in quotes"),
        (near(400), "couples[1].near", '400 is a number without a unit; write "400 mV" or "0.4 V".'),
        (near("400"), "couples[1].near", '"400" is a number without a unit; write "400 mV" or "0.4 V".'),
        (near("0.4"), "couples[1].near", '"0.4" is a number without a unit; write a number and its unit in quotes'),
        (near(float("nan")), "couples[1].near", "nan is a number without a unit"),
        (near("0.4 V vs ref"), "couples[1].near", "always against the reference electrode; leave `vs ref` out."),
        (near("0.4 V vs. Ag/AgCl"), "couples[1].near", "leave `vs. Ag/AgCl` out."),
        (near("400 V"), "couples[1].near", "400 V is out of range; allowed is -10 V to 10 V."),
        (near("-0.5 s"), "couples[1].near", "'s' is not a unit of potential (V)"),
        (near(True), "couples[1].near", "this must be a potential in quotes"),
        ({"couples": 5}, "couples", "this must be a list of tables, such as [{label ="),
        ({"couples": "A"}, "couples", "this must be a list of tables"),
        ({"couples": {"label": "A", "near": "1 V"}}, "couples", "this must be a list of tables"),
        ({"couples": ["A"]}, "couples", "every couple is a table"),
        ({"couples": [{"label": "A"}]}, "couples[1]", "`near` is missing."),
        ({"n": "one"}, "n", "this must be a whole number"),
    ],
)
def test_a_mistake_is_told_in_words(one_couple, options, path, words):
    with pytest.raises(ValidationError) as caught:
        HalfWavesOptions.model_validate(options)
    (mistake,) = mistakes_of(caught.value, HalfWavesOptions)
    assert mistake.problem().path == path
    assert words in mistake.message
    with pytest.raises(AnalysisError) as called:
        one_couple.evaluate(options=options)
    assert f"options of cv.half-waves: {path}: {mistake.message}" in str(called.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"couples": 5}, "list of tables"),
        (near(400), '"400 mV" or "0.4 V"'),
        (near("1 V vs ref"), "leave `vs ref` out"),
    ],
)
def test_the_way_out_is_told_also_where_only_the_message_is_shown(one_couple, options, words):
    with pytest.raises(UsageError) as caught:
        ask(HALF_WAVES, [one_couple.table()], {}, options)
    assert words in str(caught.value)


def test_no_suggestion_puts_the_base_unit_behind_a_bare_number():
    for number in (400, 0.4, -1290, 12, "400", "-0.3"):
        with pytest.raises(ValidationError) as caught:
            HalfWavesOptions.model_validate(near(number))
        (mistake,) = mistakes_of(caught.value, HalfWavesOptions)
        assert f'"{number} V"' not in f"{mistake.message} {mistake.hint}"
