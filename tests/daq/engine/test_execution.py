"""What a step makes of its potentials, of rest, of prompts and of loops, on the built-in bench in virtual time."""

from dataclasses import replace
from itertools import pairwise

import pytest

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.history import History
from luggin.engine.progress import Silent
from luggin.engine.protocols import plan_of, resume_protocol, run_protocol
from luggin.errors import Interrupted, LimitError, NotSupported, UsageError
from luggin.steps import Vocabulary, load_protocol
from luggin.store import RunLog

SAMPLE = """
[sample]
id = "x"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3 mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
OCP = '{do = "ocp", duration = "2 s", dt = "0.5 s"}'
REST = '{do = "rest", duration = "7 s"}'


def ca(potential, more=""):
    return f'{{do = "ca", potential = "{potential}", duration = "1 s", dt = "0.1 s"{more}}}'


def cv(begin, first, second, more=""):
    vertices = f'["{first}", "{second}"]'
    return f'{{do = "cv", begin = "{begin}", vertices = {vertices}, rate = "200 mV/s", step = "5 mV"{more}}}'


class Listener(Silent):
    """A watcher that remembers what was said and which steps ended how."""

    def __init__(self):
        super().__init__()
        self.words, self.ended = [], []

    def said(self, text):
        self.words.append(text)

    def step_ended(self, path, status):
        self.ended.append((path, status))


class Recited:
    """A person who answers prompts from a list; None stands for nobody."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def ask(self, text, fields, cancelled, until):
        self.asked.append((text, dict(fields), until is not None))
        return self.answers.pop(0)


@pytest.fixture(scope="module")
def plugins():
    return plugin_manager.load()


@pytest.fixture(scope="module")
def words(plugins):
    return Vocabulary(plugins.step_types(), {})


@pytest.fixture
def execute(tmp_path, plugins, words):
    """Run steps; the finished run as an archive, with ``watcher``, ``finished`` and ``text`` beside it."""

    def go(*steps, head="", people=None, on_begin=lambda run: None):
        text = f'title = "steps"\n{head}\nsteps = [\n{",".join(steps)}\n]\n{SAMPLE}'
        loaded = load_protocol(text=text, vocabulary=words, name="p.toml")
        bench = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
        plan = replace(plan_of(loaded, bench), folder=tmp_path / "run")
        watcher = Listener()
        finished = run_protocol(loaded, plan, plugins, people=people, watcher=watcher, on_begin=on_begin)
        archive = open_run(plan.folder)
        archive.watcher, archive.finished, archive.text = watcher, finished, text
        return archive

    return go


def prepared(archive):
    """The techniques that were asked of the instrument, in order."""
    return [t for e in archive.events if e["what"] == "prepared" for t in e["techniques"]]


def potentials(archive):
    """Name and absolute potentials of all techniques."""
    keys = ("begin", "vertices", "end", "potential")
    return [(t["name"], *(t["parameters"][k] for k in keys if k in t["parameters"])) for t in prepared(archive)]


def stop_at(run, path):
    """Let somebody ask for a stop just before the step under ``path``."""
    perform = run._performer.perform

    def performed(place, step, **options):
        if place == path:
            run.request_stop("the test")
        return perform(place, step, **options)

    run._performer.perform = performed


# -- zeros of potentials


def test_potentials_against_the_open_circuit_are_those_that_were_measured(execute):
    archive = execute(OCP, ca("100 mV vs ocp"))
    measured = archive["ocp"].to_numpy()["potential"][-1]
    assert archive.steps[0].values["ocp"] == measured
    ((_, held),) = potentials(archive)[1:]
    assert held == pytest.approx(measured + 0.1, abs=1e-3)
    assert abs(measured) > 1e-9


def test_the_open_circuit_is_measured_first_where_a_step_needs_it_and_none_was(execute):
    archive = execute(ca("100 mV vs ocp"), ca("200 mV vs ocp"))
    assert [name for name, *_ in potentials(archive)] == ["ocp", "ca", "ca"]
    assert archive.watcher.words == ["step 1: the open-circuit potential is measured first"]
    assert [part["technique"] for part in archive.steps[0].parts] == ["ocp", "ca"]
    assert [part["technique"] for part in archive.steps[1].parts] == ["ca"]
    measured = archive["ocp"].to_numpy()
    assert len(measured) == 10
    assert set(measured["step"]) == {1}
    assert potentials(archive)[2][1] == pytest.approx(float(measured["potential"][-1]) + 0.2, abs=1e-3)


def test_previous_is_where_the_last_technique_ended_whatever_came_between(execute):
    archive = execute(
        cv("0 V vs ref", "-0.3 V", "0.1 V", ', end = "-0.1 V"'),
        OCP,
        REST,
        ca("50 mV vs previous"),
        ca("0 V vs previous"),
    )
    assert potentials(archive)[2:] == [("ca", pytest.approx(-0.05)), ("ca", pytest.approx(-0.05))]


def test_previous_follows_along_a_chain(execute):
    chain = f'{{do = "chain", steps = [{ca("-0.2 V vs ref")}, {ca("50 mV vs previous")}, {ca("50 mV vs previous")}]}}'
    archive = execute(chain, ca("0 V vs previous"))
    assert potentials(archive) == [("ca", pytest.approx(e)) for e in (-0.2, -0.15, -0.1, -0.1)]
    (done, _) = archive.steps
    assert [part["count"] for part in done.parts] == [10, 10, 10]
    assert [part["first"] for part in done.parts] == [0, 10, 20]
    # One script: the cell stays closed in between.
    assert sum(e["what"] == "prepared" for e in archive.events) == 2


def test_previous_without_anything_before_it_is_refused_with_the_reason(execute):
    archive = execute(ca("50 mV vs previous"))
    assert isinstance(archive.finished.error, UsageError)
    assert "previous" in str(archive.finished.error)
    assert archive.finished.exit_code == 2
    assert archive.store.streams == () or "ca" not in archive.store.streams


def test_a_potential_that_turns_out_to_be_outside_of_the_limits_is_never_applied(execute):
    limits = 'limits = [{column = "potential", between = ["-1 V", "0.3 V"]}]'
    archive = execute(ca("0.2 V vs ref"), ca("150 mV vs previous"), head=limits)
    assert isinstance(archive.finished.error, LimitError)
    assert "potential would be 0.35 V vs ref" in str(archive.finished.error)
    assert "Nothing was applied" in str(archive.finished.error)
    assert archive.store.rows("ca") == 10


# -- waiting


def test_rest_waits_with_the_cell_open_and_records_nothing(execute):
    archive = execute(REST)
    assert archive.steps[0].ended - archive.steps[0].started == pytest.approx(7.0)
    assert [name for name in archive.store.streams if name != "events"] == []


def test_rest_with_an_interval_records_the_open_circuit(execute):
    archive = execute('{do = "rest", duration = "6 s", dt = "2 s"}')
    assert len(archive["ocp"]) == 3
    assert archive.steps[0].do == "rest"
    assert [part["technique"] for part in archive.steps[0].parts] == ["ocp"]


def test_a_pause_before_a_step_is_part_of_the_step(execute):
    archive = execute(OCP, ca("0 V vs ref", ', rest_before = "20 s"'))
    begun = archive.steps[1].started
    assert archive["ca"].to_numpy()["time"][0] == pytest.approx(begun + 20.0, abs=0.5)


def test_a_stop_during_a_rest_does_not_wait_for_its_end(execute):
    def stop(run):
        sleep = run.session.clock.sleep

        def stopped(seconds, *cancels):
            if seconds == 7.0:
                run.request_stop("the test")
            return sleep(seconds, *cancels)

        run.session.clock.sleep = stopped

    archive = execute(REST, on_begin=stop)
    assert isinstance(archive.finished.error, Interrupted)
    assert archive.steps[0].status == "interrupted"
    assert archive.steps[0].ended == archive.steps[0].started


# -- people


def test_a_simulated_operator_says_yes(execute):
    archive = execute('{do = "prompt", text = "Add 5 mg", fields = {mass_added = "mg"}}', OCP)
    assert archive.outcome == "completed"
    assert archive.steps[0].values == {"answers": {}, "answered": "yes"}


def test_the_answers_of_a_person_are_kept(execute):
    people = Recited({"mass_added": "5.1 mg"})
    archive = execute('{do = "prompt", text = "Add 5 mg", fields = {mass_added = "mg"}}', people=people)
    assert people.asked == [("Add 5 mg", {"mass_added": "mg"}, False)]
    assert archive.steps[0].values == {"answers": {"mass_added": "5.1 mg"}, "answered": "yes"}


@pytest.mark.parametrize(("then", "outcome", "after"), [("stop", "failed", 0), ("continue", "completed", 1)])
def test_nobody_answers_in_time(execute, then, outcome, after):
    prompt = f'{{do = "prompt", text = "Close the valve", timeout = "60 s", on_timeout = "{then}"}}'
    archive = execute(prompt, '{do = "note", text = "on we go"}', people=Recited(None))
    assert archive.outcome == outcome
    assert len(archive.steps) == 1 + after
    if outcome == "failed":
        assert str(archive.finished.error) == "nobody answered within 60 s: 'Close the valve'"
        assert archive.finished.exit_code == 2
    else:
        assert archive.steps[0].values == {"answers": {}, "answered": "timeout"}


def test_a_note_is_told_and_kept(execute):
    archive = execute('{do = "note", text = "argon on"}')
    assert archive.watcher.words == ["argon on"]
    assert archive.steps[0].values == {"text": "argon on"}


# -- loops


def test_paths_of_loops_name_every_turn(execute):
    repeat = f'{{do = "repeat", times = 4, steps = [{ca("0 V vs ref")}, {OCP[:-1]}, every = 2}}]}}'
    each = '{do = "for_each", var = "e", values = ["0.1 V vs ref", "0.2 V vs ref"], steps = [' + ca("$e") + "]}"
    archive = execute(OCP, repeat, each)
    assert [s.path for s in archive.steps] == [
        "1",
        "2/cycle=1/1",
        "2/cycle=2/1",
        "2/cycle=2/2",
        "2/cycle=3/1",
        "2/cycle=4/1",
        "2/cycle=4/2",
        "3/e=1/1",
        "3/e=2/1",
    ]
    assert [s.step for s in archive.steps] == list(range(1, 10))
    assert [s.label for s in archive.steps[-2:]] == ["e 0.1 V vs ref", "e 0.2 V vs ref"]
    assert potentials(archive)[-2:] == [("ca", 0.1), ("ca", 0.2)]
    assert archive.watcher.ended == [(s.path, "done") for s in archive.steps]


def test_each_row_carries_its_step(execute):
    archive = execute(OCP, ca("0 V vs ref"), OCP, ca("0.1 V vs ref"))
    assert archive["ocp"].to_numpy()["step"].tolist() == [1] * 4 + [3] * 4
    assert archive["ca"].to_numpy()["step"].tolist() == [2] * 10 + [4] * 10
    times = archive["ocp"].to_numpy()["time"].tolist() + archive["ca"].to_numpy()["time"].tolist()
    assert len(set(times)) == 28


def test_techniques_that_an_instrument_cannot_chain_are_refused(execute):
    class Unchained:
        def __init__(self, instrument):
            self._instrument = instrument

        def __getattr__(self, name):
            return getattr(self._instrument, name)

        @property
        def capabilities(self):
            return replace(self._instrument.capabilities, chain=False)

    def swap(run):
        run.session.instruments["cell"] = Unchained(run.session.instruments["cell"])

    chain = f'{{do = "chain", steps = [{ca("-0.2 V vs ref")}, {ca("0 V vs ref")}]}}'
    archive = execute(chain, on_begin=swap)
    assert isinstance(archive.finished.error, NotSupported)
    assert "cannot keep the cell closed between techniques; write them as single steps" in str(archive.finished.error)


# -- taking up


def test_a_state_is_brought_back_with_the_zeros_of_its_first_time(execute, plugins, words):
    """Step 2 is held against step 1, step 4 against step 3, also when step 2 is done again before step 4."""
    steps = (
        ca("-0.2 V vs ref"),
        ca("50 mV vs previous", ', establishes = ["conditioning"]'),
        ca("0.3 V vs ref"),
        ca("50 mV vs previous"),
    )

    archive = execute(*steps, on_begin=lambda run: stop_at(run, "4"))
    assert archive.outcome == "interrupted"
    assert archive.steps[-1].status == "interrupted"
    finished = resume_protocol(archive.folder, plugins, words)
    assert finished.outcome == "completed"
    archive = open_run(archive.folder)
    assert [(s.path, s.attempt, s.status) for s in archive.steps[3:]] == [
        ("4", 1, "interrupted"),
        ("2", 2, "done"),
        ("4", 2, "done"),
    ]
    assert [round(e, 6) for _, e in potentials(archive)] == [-0.2, -0.15, 0.3, -0.15, 0.35]


def test_the_answer_to_a_prompt_is_not_asked_for_again(execute, plugins, words):
    prompt = '{do = "prompt", text = "Add 5 mg", fields = {mass_added = "mg"}}'

    people = Recited({"mass_added": "5.1 mg"})
    archive = execute(prompt, REST, people=people, on_begin=lambda run: stop_at(run, "2"))
    assert archive.outcome == "interrupted"
    nobody = Recited()
    finished = resume_protocol(archive.folder, plugins, words, people=nobody)
    assert finished.outcome == "completed"
    assert nobody.asked == []
    history = History(RunLog.read(archive.folder))
    assert history.paths["1"].ended["values"]["answers"] == {"mass_added": "5.1 mg"}


def test_time_goes_on_where_the_run_ended(execute, plugins, words):
    archive = execute(OCP, REST, OCP, on_begin=lambda run: stop_at(run, "3"))
    ended = archive.records[-1]["time"]
    resume_protocol(archive.folder, plugins, words)
    archive = open_run(archive.folder)
    assert archive.outcome == "completed"
    times = archive["ocp"].to_numpy()["time"]
    assert times[4] >= ended
    assert all(later > earlier for earlier, later in pairwise(times))
    assert [record["gap"] for record in archive.sessions[1:]] == [{"from": ended, "to": ended}]
