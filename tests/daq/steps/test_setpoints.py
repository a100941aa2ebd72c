"""Set points against the limits of their own protocol, and limits against one another: mistakes of the file."""

import pytest

from luggin.capabilities import Technique
from luggin.engine.limits import Limit
from luggin.errors import ProtocolError, UsageError
from luggin.steps import broken_by, load_protocol, parse_limits

SAMPLE = """
[sample]
id = "x"
wiring = "three-electrode"
working = {material = "glassy carbon"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl"}
"""
POTENTIAL = '{column = "potential", between = ["-1 V", "1 V"]}'
CURRENT = '{column = "current", between = ["-1 mA", "1 mA"]}'
CV = '{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "10 mV"}'
UP = '{do = "lsv", begin = "0 V vs ref", end = "0.5 V", rate = "100 mV/s", step = "10 mV"}'
CA = '{do = "ca", potential = "0.5 V vs ref", duration = "10 s", dt = "1 s"}'
CP = '{do = "cp", current = "0.5 mA", duration = "100 s", dt = "1 s"}'


def load(step, *limits, head=""):
    return load_protocol(
        text=f'title = "p"\nlimits = [{", ".join(limits)}]\n{head}steps = [{step}]\n{SAMPLE}', name="p.toml"
    )


def refusals(step, *limits, head="") -> list[str]:
    with pytest.raises(ProtocolError) as refused:
        load(step, *limits, head=head)
    return [f"{p.path}: {p.message} {p.hint}".strip() for p in refused.value.problems]


# -- set points


@pytest.mark.parametrize(
    ("step", "limit", "words"),
    [
        (CA, '{column = "potential", between = ["-1 V", "0.4 V"]}', "steps[1].potential: 0.5 V vs ref lies outside of"),
        (
            CP.replace("0.5 mA", "-2 mA"),
            CURRENT,
            "steps[1].current: cp would come to current of -2 mA, outside of the limits of this protocol "
            "(current between -1 mA and 1 mA). Change the limit or the current.",
        ),
        (
            CP,
            '{column = "charge", between = ["-49 mC", "49 mC"]}',
            "steps[1].duration: cp would come to charge of 50 mC, outside of the limits of this protocol "
            "(charge between -49 mC and 49 mC). Change the limit or the duration.",
        ),
        (
            CP,
            '{column = "power", between = ["0.6 mW", "1 mW"]}',
            "steps[1].current: cp would come to power of -500 uW ... 500 uW",
        ),
        (
            CA,
            '{column = "power", between = ["0.6 mW", "2 mW"]}, ' + CURRENT,
            "steps[1].potential: ca would come to power of -500 uW ... 500 uW",
        ),
        (
            CV,
            '{column = "potential", rate = ["-1 V/s", "0.09 V/s"]}',
            "steps[1].rate: cv would come to a rate of 100 mV/s, outside of the limits of this protocol "
            "(rate of potential between -1 V/s and 0.09 V/s). Change the limit or the rate.",
        ),
        (CV, '{column = "potential", rate = ["-0.09 V/s", "1 V/s"]}', "steps[1].rate: cv would come to a rate of"),
        (UP, '{column = "voltage", rate = ["-1 V/s", "0.09 V/s"]}', "steps[1].rate: lsv would come to a rate of"),
        (
            f'{{do = "repeat", times = 3, steps = [{{do = "chain", steps = [{CA}, {CP.replace("0.5 mA", "2 mA")}]}}]}}',
            CURRENT,
            "steps[1].steps[1].steps[2].current: cp would come to current of 2 mA",
        ),
    ],
)
def test_what_the_limits_forbid_is_not_begun(step, limit, words):
    (said,) = refusals(step, CURRENT if '"potential", between' in limit else POTENTIAL, limit)
    assert said.startswith(words)


@pytest.mark.parametrize(
    ("step", "limit"),
    [
        (CP, CURRENT),
        (CP, '{column = "charge", between = ["-50 mC", "50 mC"]}'),
        # To end a step at a charge is a way to say how long it takes.
        (CP, '{column = "charge", between = ["-1 mC", "1 mC"], then = "end_step"}'),
        (CP, '{column = "power", between = ["0.4 mW", "1 mW"]}'),
        (CV, '{column = "potential", rate = ["-0.1 V/s", "0.1 V/s"]}'),
        (UP, '{column = "potential", rate = ["-0.01 V/s", "0.1 V/s"]}'),
        (CA.replace("vs ref", "vs ocp"), '{column = "power", between = ["0.9 W", "2 W"]}'),
    ],
)
def test_what_the_limits_allow_is_read(step, limit):
    assert len(load(step, POTENTIAL, limit).protocol.limits) == 2


def test_a_constant_current_needs_a_largest_potential():
    words = (
        'steps[1]: cp needs a largest potential. Write potential_limit = "2 V" in the step, or a limit of potential in '
        "the protocol."
    )
    assert refusals(CP, CURRENT) == [words]
    assert refusals(CP, CURRENT, '{column = "potential", rate = ["-1 V/s", "1 V/s"]}') == [words]
    assert load(CP.replace("}", ', potential_limit = "1 V"}'), CURRENT).protocol.steps[0].do == "cp"


# -- limits against one another


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (
            [
                {"column": "temperature", "rate": ["1 K/s", "2 K/s"]},
                {"column": "temperature", "rate": ["3 K/s", "4 K/s"]},
            ],
            "[2]: rate of temperature between 3 K/s and 4 K/s contradicts the limit before it (rate of temperature "
            "between 1 K/s and 2 K/s): no rate of temperature satisfies both.",
        ),
        (
            [
                {"column": "potential", "between": ["-1 V", "2 V"]},
                {"column": "current", "between": ["-3 A", "1 A"]},
                {"column": "power", "between": ["3.5 W", "9 W"]},
            ],
            "[3]: power between 3.5 W and 9 W contradicts the limits of potential and current, which leave "
            "-6 W ... 3 W.",
        ),
        (
            [{"column": "charge", "between": ["1 C", "2 C"]}],
            "[1]: charge between 1 C and 2 C is left at once: every technique begins with a charge of 0.",
        ),
    ],
)
def test_limits_that_nothing_satisfies(limits, words):
    with pytest.raises(UsageError) as refused:
        parse_limits(limits)
    assert str(refused.value) == f"limits: {words}"


def test_a_window_and_a_rate_of_one_column_are_two_things():
    window = {"column": "potential", "between": ["2 V", "3 V"]}
    rate = {"column": "potential", "rate": ["-1 V/s", "1 V/s"]}
    assert [limit.kind for limit in parse_limits([window, rate])] == ["between", "rate"]


# -- readings of monitors


def test_a_limit_on_a_reading_that_no_monitor_has():
    monitor = 'monitors = [{on = "bath", read = ["bath_temperature", "level"], every = "1 s"}]\n'
    limit = '{column = "sample_temperature", between = ["20 degC", "30 degC"]}'
    assert refusals(CA, limit) == [
        "limits[1].column: `sample_temperature` is no column by which techniques can be limited, and no monitor reads "
        "it. Columns are potential, voltage, current, charge, power, temperature; there are no monitors."
    ]
    (said,) = refusals(CA, limit, head=monitor)
    assert said.endswith("; the monitors read bath_temperature, level.")
    assert load(CA, limit.replace("sample_", "bath_"), head=monitor).protocol.limits[0].unit == "degC"


# -- the same for the engine, once all potentials are known


def test_what_a_technique_would_break_in_the_run():
    limits = [
        Limit("potential", -1.0, 1.0, "V"),
        Limit("current", -1e-3, 1e-3, "A"),
        Limit("potential", -0.05, 0.05, "V", kind="rate"),
    ]
    cv = Technique("cv", {"begin": 0.0, "vertices": (1.2, -0.5), "end": 0.0, "rate": 0.1, "step": 1e-3})
    assert [(name, value, limit) for name, value, limit in broken_by(cv, limits)] == [
        ("vertices", "1.2 V vs ref", limits[0]),
        ("rate", "100 mV/s", limits[2]),
    ]
    cp = Technique("cp", {"current": 2e-3, "duration": 1.0, "dt": 0.1, "potential_limit": None})
    assert [(name, limit) for name, _, limit in broken_by(cp, limits)] == [("current", limits[1])]
    assert list(broken_by(Technique("ocp", {"duration": 1.0, "dt": 0.1}), limits)) == []
