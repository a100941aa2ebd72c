"""Options of a bench file: all mistakes at once, in words."""

import pytest

from luggin_sim.dialects.palmsens_methodscript import check, make
from luggin_sim.dialects.palmsens_methodscript.models import MODELS


@pytest.mark.parametrize(
    ("options", "path", "words"),
    [
        ({"staircas": True}, "options.staircas", "Did you mean 'staircase'?"),
        ({"xyzzy": True}, "options.xyzzy", "There are: staircase"),
        ({"staircase": 1}, "options.staircase", "not a bool"),
        ({"scan_base": True}, "options.scan_base", "not a int"),
        ({"over_range": "much"}, "options.over_range", "not a float"),
        ({"vertices": "thrice"}, "options.vertices", "once, twice"),
        ({"deaf_after_error": -1}, "options.deaf_after_error", "zero or more"),
        ({"deaf_after_error": float("nan")}, "options.deaf_after_error", "zero or more"),
        ({"shortest_step": 0.0}, "options.shortest_step", "microsecond"),
        ({"down_at": 0.95}, "options.up_at", "never settles"),
    ],
)
def test_a_mistake_in_the_options_is_named(options, path, words):
    (problem,) = check("emstat4-hr", options)
    assert problem.path == path
    assert words in f"{problem.message} {problem.hint}"


def test_a_misspelt_model_is_named_with_the_one_that_was_meant():
    (problem,) = check("emstat4hr", {})
    assert (problem.path, problem.hint) == (
        "model",
        "Did you mean 'emstat4-hr'? There are: emstat-pico, emstat4-lr, emstat4-hr.",
    )


def test_good_options_have_no_problems():
    assert check("emstat-pico", {"vertices": "twice", "over_range": 2, "counts": 65536}) == []


def test_every_model_has_ascending_ranges_and_a_window_inside_its_limits():
    for model in MODELS.values():
        for mode in model.modes.values():
            scales = [full_scale for _, full_scale in mode.ranges]
            assert scales == sorted(set(scales))
            assert 0 < mode.window <= mode.high - mode.low


def test_the_highest_currents_are_those_of_the_range_tables():
    highest = {name: model.largest_current for name, model in MODELS.items()}
    assert highest == {"emstat-pico": 5e-3, "emstat4-lr": 10e-3, "emstat4-hr": 100e-3}


def test_a_fresh_instrument_is_off(make_bench):
    assert not make("emstat4-hr", {}, make_bench().cell).cell_is_on
