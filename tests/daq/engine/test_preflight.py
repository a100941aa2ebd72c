"""The step ``preflight`` over the wire, on cells that are right and on cells that are not."""

from dataclasses import replace

import pytest

from luggin import plugins as plugin_manager
from luggin.analysis import open_run
from luggin.bench import load_bench
from luggin.engine.progress import Silent
from luggin.engine.protocols import plan_of, resume_protocol, run_protocol
from luggin.errors import LimitTripped, PreflightFailed
from luggin.steps import Vocabulary, load_protocol

SAMPLE = """
[sample]
id = "looked at"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3.0(1) mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
POTENTIOSTAT = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "sim://cell"
settings = {model = "emstat4-hr"}
[simulated.cell]
dialect = "palmsens.methodscript"
model = "emstat4-hr"
"""
SOURCE_METER = """
[instruments.cell]
driver = "keithley.2450"
resource = "sim://cell"
settings = {model = "2450"}
[simulated.cell]
dialect = "keithley.2450"
model = "2450"
address = "TCPIP0::smu::5025::SOCKET"
"""
# Half of the couple is reduced, so the solution itself says where its potential is: 0.3 V.
CELL = """
[simulated.cell.cell]
kind = "redox"
area = "0.0707 cm2"
concentration = "1 mM"
diffusion_coefficient = "1e-5 cm2/s"
couples = [{half_wave_potential = "0.3 V"}]
starts_as = [0.5, 0.5]
solution_resistance = "200 ohm"
double_layer_capacitance = "2 uF"
leak = "none"
seed = 4
"""
# Nothing reacts where it rests, at 0 V: a double layer and traces of impurity.
BLANK = (
    CELL.replace("[0.5, 0.5]", '"oxidised"').replace('leak = "none"', 'leak = "100 Mohm"').replace("0.3 V", "-0.9 V")
)
BENCHES = {"potentiostat": POTENTIOSTAT, "source meter": SOURCE_METER}
EXPECT = 'expect = {ocp = ["0.2 V", "0.4 V"]}'
LIMITS = (
    'limits = [{column = "potential", between = ["-1 V", "1 V"]}, '
    '{column = "current", between = ["-100 uA", "100 uA"], for = "3 rows"}]'
)


class Listener(Silent):
    def __init__(self):
        super().__init__()
        self.words = []

    def said(self, text):
        self.words.append(text)


class Somebody:
    """Answers, or is not there."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def ask(self, text, fields, cancelled, until):
        self.asked.append(text)
        return self.answer


@pytest.fixture
def plugins():
    return plugin_manager.load()


@pytest.fixture
def look(tmp_path, plugins):
    """Run a pre-flight and a further step on a bench; the archive, with ``finished``, ``said`` and ``wire``."""

    def go(bench, cell=CELL, options=EXPECT, limits="", people=None, name="run"):
        steps = f'[{{do = "preflight", {options}}}, {{do = "rest", duration = "1 s"}}]'.replace(", }", "}")
        text = f'title = "looked at"\n{limits}\nsteps = {steps}\n{SAMPLE}'
        loaded = load_protocol(text=text, vocabulary=Vocabulary(), name="p.toml")
        plan = plan_of(loaded, load_bench(text=BENCHES[bench] + cell, drivers=list(plugins.drivers())))
        listener, wire = Listener(), []

        def begun(run):
            run.session.instruments["cell"].transport.trace = lambda *said: wire.append(said)

        plan = replace(plan, folder=tmp_path / name)
        finished = run_protocol(loaded, plan, plugins, watcher=listener, people=people, on_begin=begun)
        archive = open_run(tmp_path / name)
        archive.finished, archive.said, archive.wire = finished, listener.words, wire
        return archive

    return go


def wired(fault, cell=CELL, **more):
    extra = "".join(f', {key} = "{value}"' for key, value in more.items())
    return f'{cell}wiring = {{fault = "{fault}"{extra}}}\n'


def verdict(archive):
    (said,) = [record for record in archive.records if record["kind"] == "preflight"]
    return said


def checks(archive):
    return {check["name"]: check["verdict"] for check in verdict(archive)["checks"]}


def failed(archive):
    return [name for name, what in checks(archive).items() if what == "failed"]


both = pytest.mark.parametrize("bench", BENCHES)


@both
def test_a_good_cell_passes_and_the_run_goes_on(look, bench):
    archive = look(bench, limits=LIMITS)
    assert archive.finished.error is None
    assert [(step.do, step.status) for step in archive.steps] == [("preflight", "done"), ("rest", "done")]
    assert verdict(archive)["verdict"] == "passed"
    assert failed(archive) == []
    measured = verdict(archive)["measured"]
    assert measured["ocp"] == pytest.approx(0.3, abs=1e-3)
    assert measured["capacitance"] > 1e-6
    assert archive.steps[0].values["preflight"]["measured"] == measured
    assert len([words for words in archive.said if words.startswith("pre-flight: ")]) == len(checks(archive))


def test_what_each_instrument_can_tell(look):
    assert checks(look("potentiostat", name="a"))["potential follows"] == "not possible"
    assert checks(look("source meter", name="b"))["potential follows"] == "passed"


@both
def test_the_cell_never_sees_more_than_the_excursion(look, bench):
    rows = look(bench, options=f'{EXPECT}, amplitude = "5 mV"')["cv"].to_numpy()
    applied = rows["potential" if bench == "potentiostat" else "applied_potential"]
    ocp = rows["potential"][0]
    assert abs(applied - ocp).max() <= 5.1e-3
    assert abs(applied - ocp).max() >= 4.9e-3


@both
def test_a_resistance_is_measured(look, bench):
    cell = '[simulated.cell.cell]\nkind = "resistor"\nresistance = "10 kohm"\n'
    archive = look(bench, cell, 'expect = {resistance = ["9 kohm", "11 kohm"]}')
    assert archive.finished.error is None
    assert 1 / verdict(archive)["measured"]["conductance"] == pytest.approx(10e3, rel=0.01)
    other = look(bench, cell, 'expect = {resistance = ["1 kohm", "9 kohm"]}', name="other")
    assert failed(other) == ["resistance"]


@both
def test_an_open_counter_lead_lets_no_current_flow(look, bench):
    archive = look(bench, wired("counter open"))
    assert isinstance(archive.finished.error, PreflightFailed)
    assert archive.finished.exit_code == 3
    assert "the counter or the working electrode is not connected" in str(archive.finished.error)
    assert checks(archive)["electrodes connected"] == "passed"
    assert failed(archive)[0] == "closed circuit"
    assert checks(archive)["polarity"] == "not possible"
    assert [step.do for step in archive.steps] == ["preflight"]


def test_a_source_meter_sees_that_the_potential_does_not_follow(look):
    assert checks(look("source meter", wired("counter open")))["potential follows"] == "failed"


@both
@pytest.mark.parametrize("fault", ["reference open", "working open"])
def test_a_cell_whose_potential_floats_is_not_closed(look, bench, fault):
    archive = look(bench, wired(fault))
    assert isinstance(archive.finished.error, PreflightFailed)
    assert "electrodes connected" in failed(archive)
    assert checks(archive)["closed circuit"] == "not possible"
    assert "so the cell was not closed" in str(verdict(archive)["checks"])
    assert "cv" not in archive.store.streams
    if bench == "potentiostat":
        assert not any(b"cell_on" in said[-1] for said in archive.wire if isinstance(said[-1], bytes))


@both
def test_a_limit_that_trips_meanwhile_says_what_the_pre_flight_saw(look, bench):
    archive = look(bench, wired("reference open"), limits=LIMITS)
    assert isinstance(archive.finished.error, LimitTripped)
    assert archive.outcome == "limit tripped"
    assert any("the potential floats" in note for note in archive.finished.error.__notes__)
    assert verdict(archive)["verdict"] == "failed"


@both
def test_a_cell_the_wrong_way_round_is_told_by_its_potential(look, bench):
    archive = look(bench, wired("reversed"))
    assert failed(archive) == ["open-circuit potential"]
    assert "with the other sign it would fit: are the leads reversed?" in str(archive.finished.error)


@both
def test_a_current_with_the_wrong_sign_is_told_by_the_excursion(look, bench):
    archive = look(bench, wired("current reversed"))
    assert failed(archive) == ["polarity"]
    assert "the current goes against the potential" in str(archive.finished.error)


def test_electrodes_that_touch_are_a_short_circuit(look):
    archive = look("potentiostat", wired("short", BLANK), "")
    assert failed(archive) == ["resistance"]
    assert "do electrodes touch" in str(archive.finished.error)
    assert 1 / verdict(archive)["measured"]["conductance"] == pytest.approx(0.1, rel=0.01)


@both
def test_a_short_circuit_runs_into_the_limit_of_the_current_and_is_called_so(look, bench):
    archive = look(bench, wired("short", BLANK), "", LIMITS)
    assert isinstance(archive.finished.error, LimitTripped)
    assert any("do electrodes touch?" in note for note in archive.finished.error.__notes__)


@both
def test_a_noisy_potential_fails(look, bench):
    archive = look(bench, f'{CELL}potential_noise = "3 mV"\n')
    assert failed(archive) == ["noise of the potential"]
    assert verdict(archive)["measured"]["noise"] == pytest.approx(3e-3, rel=0.25)


@both
def test_a_drifting_reference_fails(look, bench):
    archive = look(bench, f'{CELL}wiring = {{drift = "2 mV/s"}}\n')
    assert failed(archive) == ["drift"]
    assert verdict(archive)["measured"]["drift"] == pytest.approx(2e-3, rel=0.01)


def test_a_noisy_current_fails_where_it_is_judged(look):
    cell = f'{BLANK}current_noise = "20 nA"\n'
    assert failed(look("potentiostat", cell, "", name="not judged")) == []
    archive = look("potentiostat", cell, 'expect = {current_noise_below = "5 nA"}')
    assert failed(archive) == ["noise of the current"]
    assert verdict(archive)["measured"]["current_noise"] == pytest.approx(20e-9, rel=0.3)


def test_a_double_layer_that_hides_in_the_noise_answers_to_a_faster_excursion(look):
    noisy = BLANK.replace("2 uF", "0.2 uF") + 'current_noise = "47 nA"\n'
    archive = look("potentiostat", noisy, "")
    assert failed(archive) == []
    scans = [part["parameters"]["rate"] for part in archive.steps[0].parts if part["technique"] == "cv"]
    assert scans == [0.05, 1.0]
    assert verdict(archive)["measured"]["capacitance"] == pytest.approx(0.2e-6, rel=0.1)


def test_a_true_staircase_hides_most_of_the_double_layer_and_not_all_of_it(look):
    bench = BLANK + "[simulated.cell.options]\nstaircase = true\n"
    assert failed(look("potentiostat", bench, "")) == []


def test_near_a_limit_the_cell_is_not_closed(look):
    limits = 'limits = [{column = "potential", between = ["-1 V", "0.305 V"]}]'
    archive = look("potentiostat", options=EXPECT, limits=limits)
    assert archive.finished.error is None
    assert checks(archive)["closed circuit"] == "not possible"
    assert "the limits of this run allow" in str(verdict(archive)["checks"])


def test_without_a_window_the_limits_of_the_run_are_the_window(look):
    limits = 'limits = [{column = "potential", between = ["0.35 V", "1 V"], for = "60 s"}]'
    archive = look("potentiostat", options="", limits=limits)
    assert failed(archive) == ["open-circuit potential"]


def test_what_is_only_to_be_noted_does_not_stop_the_run(look):
    archive = look("potentiostat", wired("counter open"), f'{EXPECT}, on_fail = "note"')
    assert archive.finished.error is None
    assert archive.steps[0].values["went_on"] == "the protocol says so"
    assert [step.do for step in archive.steps] == ["preflight", "rest"]


@pytest.mark.parametrize(("answer", "outcome"), [({}, "completed"), (None, "failed")])
def test_a_person_decides_where_the_protocol_says_so(look, answer, outcome):
    somebody = Somebody(answer)
    archive = look("potentiostat", wired("counter open"), f'{EXPECT}, on_fail = "ask"', people=somebody)
    assert archive.outcome == outcome
    assert "closed circuit: failed" in somebody.asked[0]


def test_nobody_is_asked_about_a_good_cell(look):
    somebody = Somebody(None)
    assert look("potentiostat", options=f'{EXPECT}, on_fail = "ask"', people=somebody).outcome == "completed"
    assert somebody.asked == []


def test_a_run_that_failed_its_pre_flight_is_taken_up_with_another_one(look, plugins):
    archive = look("potentiostat", wired("counter open"))
    bench = load_bench(text=POTENTIOSTAT + CELL, drivers=list(plugins.drivers()))
    finished = resume_protocol(archive.folder, plugins, Vocabulary(), bench=bench)
    assert finished.error is None
    steps = [(step.path, step.attempt, step.status) for step in open_run(archive.folder).steps]
    assert steps == [("1", 1, "failed"), ("1", 2, "done"), ("2", 1, "done")]


def test_a_rehearsal_does_not_take_its_own_cell_for_the_one_that_is_expected(tmp_path, plugins, monkeypatch):
    from luggin.rehearsal import rehearse

    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path))
    step = '{do = "preflight", expect = {ocp = ["3.1 V", "3.3 V"]}}'
    loaded = load_protocol(text=f'title = "x"\nsteps = [{step}]\n{SAMPLE}', vocabulary=Vocabulary(), name="p.toml")
    real = POTENTIOSTAT[: POTENTIOSTAT.index("[simulated")].replace("sim://cell", "/dev/ttyACM0")
    assert rehearse(loaded, plan_of(loaded, load_bench(text=real)), plugins).outcome == "completed"
    simulated = rehearse(loaded, plan_of(loaded, load_bench(text=POTENTIOSTAT + CELL)), plugins)
    assert simulated.outcome == "failed"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('amplitude = "60 mV"', "60 mV is more than a look at the cell; 50 mV or less are allowed."),
        ('duration = "2 s", dt = "0.5 s"', "fewer than 10 readings"),
        ('expect = {ocp = ["1 V", "-1 V"]}', "the lowest value, 1 V, is not below the highest, -1 V."),
        ('expect = {drift_under = "1 mV/s"}', "there is no key `drift_under` here. Did you mean `drift_below`?"),
        ('on_fail = "shout"', "'shout' is not one of 'stop', 'ask' or 'note'"),
    ],
)
def test_mistakes_are_told_with_a_way_out(options, words):
    from luggin.errors import ProtocolError

    with pytest.raises(ProtocolError) as refused:
        load_protocol(text=f'title = "x"\nsteps = [{{do = "preflight", {options}}}]\n{SAMPLE}')
    assert words in str(refused.value).replace('"', "'")
