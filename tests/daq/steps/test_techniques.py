"""Steps as Python objects: quantities, zeros, what the instrument is asked for, and fingerprints."""

import itertools
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.capabilities import Technique
from luggin.errors import UsageError
from luggin.steps import CA, CV, LSV, OCP, Chain, ForEach, Note, PotentialSpec, Prompt, Repeat, Rest, resolve

QUIET = settings(deadline=None, derandomize=True, max_examples=100)


def voltammogram(**changes):
    asked = {"begin": "0 V vs ref", "vertices": ("-1.7 V", "0.2 V"), "rate": "25 mV/s", "step": "1 mV"}
    return CV(**(asked | changes))


def test_quantities_are_si_numbers_that_remember_how_they_were_written():
    cv = voltammogram(quiet="0.5 min", current_range="100 uA")
    assert (cv.rate, cv.step, cv.quiet, cv.current_range) == (0.025, 0.001, 30.0, 1e-4)
    assert (cv.rate.written, cv.rate.unit, cv.quiet.written) == ("25 mV/s", "V/s", "0.5 min")
    assert cv.begin == PotentialSpec(0.0, "ref")
    assert pickle.loads(pickle.dumps(cv)) == cv
    assert f"{cv.rate:.3f}" == "0.025"


def test_a_potential_without_zero_has_the_zero_of_begin():
    cv = voltammogram(begin="10 mV vs ocp", vertices=("-1.7 V", "0.2 V vs ref"))
    assert [p.zero for p in cv.vertices] == ["ocp", "ref"]
    assert cv.end == PotentialSpec(0.01, "ocp")
    assert LSV(begin="0 V vs previous", end="1 V", rate="1 V/s", step="1 mV").end.zero == "previous"


def test_two_cycles_between_two_vertices_are_7601_points():
    cv = voltammogram(cycles=2)
    turns = [potential.value for potential in cv.turning_points()]
    assert turns == [0.0, -1.7, 0.2, -1.7, 0.2, 0.0]
    # 1700 + 1900 + 1900 + 1900 + 200 steps of 1 mV
    assert 1 + sum(round(abs(b - a) / cv.step) for a, b in itertools.pairwise(turns)) == 7601


@pytest.mark.parametrize(
    ("step", "technique"),
    [
        (OCP(duration="1 min"), Technique("ocp", {"duration": 60.0, "dt": 0.5})),
        (
            voltammogram(cycles=2, quiet="10 s"),
            Technique(
                "cv",
                {
                    "begin": 0.0,
                    "vertices": (-1.7, 0.2),
                    "end": 0.0,
                    "rate": 0.025,
                    "step": 0.001,
                    "cycles": 2,
                    "quiet": 10.0,
                    "current_range": None,
                },
            ),
        ),
        (
            LSV(begin="0 V vs ocp", end="0.5 V vs previous", rate="1 V/s", step="2 mV", current_range="1 mA"),
            Technique(
                "lsv",
                {"begin": -0.25, "end": 0.625, "rate": 1.0, "step": 0.002, "quiet": 0.0, "current_range": 0.001},
            ),
        ),
        (
            CA(potential="0.25 V vs ocp", duration="10 s", dt="10 ms"),
            Technique("ca", {"potential": 0.0, "duration": 10.0, "dt": 0.01, "quiet": 0.0, "current_range": None}),
        ),
    ],
)
def test_what_the_instrument_is_asked_for(step, technique):
    assert step.technique(ocp=-0.25, previous=0.125) == technique


@pytest.mark.parametrize(
    ("zero", "message"),
    [
        ("ocp", "0.1 V vs ocp: no open-circuit potential is known; put an `ocp` step before this step"),
        ("previous", "0.1 V vs previous: there is no technique before this one; write `vs ref` or `vs ocp`"),
    ],
)
def test_a_zero_that_is_not_known_is_refused(zero, message):
    with pytest.raises(UsageError) as refused:
        CA(potential=f"0.1 V vs {zero}", duration="1 s", dt="0.1 s").technique(None, None)
    assert str(refused.value) == message


@QUIET
@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(-10, 10))
def test_resolving_adds_the_zero(value, ocp, previous):
    assert resolve(PotentialSpec(value, "ref"), ocp, previous) == value
    assert resolve(PotentialSpec(value, "ocp"), ocp, previous) == ocp + value
    assert resolve(PotentialSpec(value, "previous"), ocp, previous) == previous + value


def test_all_mistakes_of_a_step_come_together_in_words():
    with pytest.raises(UsageError) as refused:
        CV(begin=0, vertices=["-1.7 V", "0.2 A"], rate="0 V/s", cycles=True, stepp="1 mV")
    assert str(refused.value).splitlines() == [
        'CV: begin: 0 has no unit. Write the quantity with its unit, in quotes, such as "0 V vs ref".',
        "CV: vertices[2]: 'A' is not a unit of potential (V); write for example \"0.5 V\".",
        "CV: rate: 0 V/s is out of range; allowed is more than 0 V/s.",
        'CV: `step` is missing. Write for example step = "1 mV".',
        "CV: cycles: this must be a whole number, without quotes; found true.",
        "CV: stepp: there is no key `stepp` here. Did you mean `step`?",
    ]


def test_steps_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        voltammogram().cycles = 3


# --- containers from Python -----------------------------------------------------------------------


def test_a_chain_holds_only_what_applies_a_potential():
    chain = Chain(steps=[voltammogram(), CA(potential="0 V vs ref", duration="1 s", dt="0.1 s")])
    assert [step.do for step in chain.steps] == ["cv", "ca"]
    with pytest.raises(UsageError, match="`ocp` cannot stand inside `chain`, where the cell stays closed"):
        Chain(steps=[OCP(duration="1 s")])


def test_containers_hold_steps_only():
    with pytest.raises(UsageError, match=r"Repeat: steps\[1\]: this must be a step"):
        Repeat(times=2, steps=[{"do": "ocp", "duration": "1 s"}])


# --- fingerprints ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (voltammogram(rate="25 mV/s"), voltammogram(rate="0.025 V/s")),
        (voltammogram(vertices=("-1.7 V", "0.2 V")), voltammogram(vertices=["-1700 mV", "200 mV vs ref"])),
        (voltammogram(step="1 mV"), voltammogram(step="1000 uV")),
        (OCP(duration="6 s"), OCP(duration="0.1 min")),
        (Rest(duration="1 h"), Rest(duration="60 min", label="a label changes nothing that is done")),
        (Repeat(times=2, steps=[OCP(duration="1 s")]), Repeat(times=2, steps=(OCP(duration="1000 ms"),))),
    ],
)
def test_the_same_written_otherwise_has_the_same_fingerprint(one, other):
    assert one.fingerprint() == other.fingerprint()


DIFFERENT = [
    voltammogram(),
    voltammogram(rate="26 mV/s"),
    voltammogram(begin="0 V vs ocp"),
    voltammogram(begin="0 V vs ocp", vertices=("-1.7 V vs ref", "0.2 V vs ref")),
    voltammogram(cycles=2),
    voltammogram(id="full"),
    voltammogram(role="blank"),
    voltammogram(establishes=["conditioning"]),
    LSV(begin="0 V vs ref", end="0.2 V", rate="25 mV/s", step="1 mV"),
    OCP(duration="10 s"),
    Rest(duration="10 s"),
    Note(text="10 s"),
    Prompt(text="10 s"),
    Prompt(text="10 s", fields={"mass": "mg"}),
    Chain(steps=[voltammogram()]),
    Repeat(times=1, steps=[voltammogram()]),
    Repeat(times=1, steps=[voltammogram(cycles=2)]),
    ForEach(var="v", values=["1"], steps=[[voltammogram()]]),
]


def test_different_steps_have_different_fingerprints():
    assert len({step.fingerprint() for step in DIFFERENT}) == len(DIFFERENT)


def test_a_fingerprint_stays_the_same_over_versions():
    """Runs on disk carry it: whoever changes this value breaks the resuming of older runs."""
    assert voltammogram().fingerprint() == "b8c9b6f0b7970ef2b90435b7c1d509b3e635f0172307bea645b3b0d048e3bd99"


@pytest.mark.parametrize("step", [step for step in DIFFERENT if not hasattr(step, "steps")])
def test_a_step_can_be_written_down_and_read_back(step):
    written = step.to_json()
    assert written.pop("do") == step.do
    again = type(step)(**written)
    assert again == step
    assert again.fingerprint() == step.fingerprint()


def test_only_what_was_set_is_written_down():
    assert voltammogram(vertices=("-1700 mV", "0.2 V")).to_json() == {
        "do": "cv",
        "begin": "0 V vs ref",
        "vertices": ["-1700 mV", "0.2 V"],
        "rate": "25 mV/s",
        "step": "1 mV",
    }
