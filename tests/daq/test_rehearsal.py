"""Looking a protocol over, rehearsing it on twins, and what a real bench asks for before a run."""

from dataclasses import replace

import pytest

from luggin import plugins as plugin_manager
from luggin.bench import load_bench
from luggin.engine.approval import rehearsal_key, require_rehearsed
from luggin.engine.protocols import plan_of
from luggin.engine.start import Source
from luggin.errors import ProtocolError, UsageError
from luggin.rehearsal import look_over, rehearse, rehearse_script, twin_bench
from luggin.steps import Vocabulary, load_protocol

SAMPLE = """
[sample]
id = "x"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3 mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
LIMITS = """limits = [
  {column = "potential", between = ["-1 V", "1 V"]},
  {column = "current", between = ["-1 mA", "1 mA"]},
]
"""
CV = '{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "10 mV"}'
OCP = '{do = "ocp", duration = "10 s", dt = "0.5 s"}'

REAL_BENCH = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "/dev/ttyNONE"
settings = {model = "emstat4-hr"}
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def plugins():
    return plugin_manager.load()


@pytest.fixture
def planned(plugins):
    """A protocol and its plan on a bench (the built-in one if none is given)."""

    def plan(*steps, head="", bench=None):
        text = f'title = "steps"\n{head}steps = [\n' + ",\n".join(steps) + f"\n]\n{SAMPLE}"
        loaded = load_protocol(text=text, vocabulary=Vocabulary(plugins.step_types(), {}), name="p.toml")
        known = list(plugins.drivers())
        return loaded, plan_of(
            loaded, load_bench(text=bench or plugins.simulator().default_bench_text(), drivers=known)
        )

    return plan


# -- the overview


def test_an_overview_is_the_timetable_and_the_totals(planned, plugins):
    overview = look_over(*planned(OCP, CV, '{do = "rest", duration = "60 s"}', head=LIMITS), plugins)
    assert [(s.path, s.title, s.rows, s.closed) for s in overview.steps] == [
        ("1", "ocp", 20, False),
        ("2", "cv", 161, True),
        ("3", "rest", 0, False),
    ]
    assert [s.duration for s in overview.steps] == pytest.approx([10.0, 16.0, 60.0])
    assert overview.rows == 181
    assert overview.bytes == sum(s.bytes for s in overview.steps) > 181 * 24
    # 1 mA at most, for the 16 s in which the cell is closed.
    assert overview.largest_charge == pytest.approx(16e-3)
    assert set(overview.limits) == {"potential between -1 V and 1 V", "current between -1 mA and 1 mA"}
    assert set(overview.limits.values()) == {"the runner, on every reading"}


def test_without_limits_nothing_bounds_the_charge(planned, plugins):
    assert look_over(*planned(CV), plugins).largest_charge is None


def test_a_pause_before_a_step_takes_time(planned, plugins):
    with_pause = CV.replace("}", ', rest_before = "30 s"}')
    assert look_over(*planned(with_pause), plugins).duration == pytest.approx(46.0)


def test_every_turn_of_a_loop_is_in_the_timetable(planned, plugins):
    overview = look_over(*planned(f'{{do = "repeat", times = 3, steps = [{CV}]}}'), plugins)
    assert [s.path for s in overview.steps] == ["1/cycle=1/1", "1/cycle=2/1", "1/cycle=3/1"]
    assert overview.rows == 3 * 161


def test_every_turn_of_a_loop_has_its_own_values(planned, plugins):
    loop = f'{{do = "for_each", var = "T", values = ["25 degC", "10 degC"], steps = [{OCP}, {CV}, {CV}]}}'
    overview = look_over(*planned(loop), plugins)
    assert [(s.path, s.title) for s in overview.steps] == [
        (f"1/T={turn}/{number}", f"{do} T {t} degC")
        for turn, t in ((1, 25), (2, 10))
        for number, do in ((1, "ocp"), (2, "cv"), (3, "cv"))
    ]


def test_all_that_an_instrument_cannot_do_comes_at_once_with_lines(planned, plugins):
    far, fast = CV.replace("-0.8 V", "-7 V"), CV.replace("100 mV/s", "50 V/s")
    with pytest.raises(ProtocolError) as refused:
        look_over(*planned(OCP, far, fast), plugins)
    problems = refused.value.problems
    assert [(p.line, p.path) for p in problems] == [(4, "steps[2]"), (5, "steps[3]")]
    assert "-7 V is outside -6 V ... 6 V" in problems[0].message
    assert "50 V/s" in problems[1].message


def test_a_mistake_in_a_loop_is_told_once_with_the_line_of_its_step(planned, plugins):
    repeat = f'{{do = "repeat", times = 5, steps = [{CV.replace("-0.8 V", "-7 V")}]}}'
    with pytest.raises(ProtocolError) as refused:
        look_over(*planned(OCP, repeat), plugins)
    (problem,) = refused.value.problems
    assert problem.line == 4
    assert problem.path.startswith("steps[2]")


def test_a_limit_that_the_instrument_never_reaches_is_a_mistake(planned, plugins):
    wide = 'limits = [{column = "potential", between = ["-20 V", "20 V"]}]\n'
    with pytest.raises(ProtocolError, match="wider than the instrument reaches") as refused:
        look_over(*planned(CV, head=wide), plugins)
    assert refused.value.problems[0].line == 2


def test_potentials_against_what_is_not_known_yet_are_a_warning(planned, plugins):
    overview = look_over(*planned('{do = "ca", potential = "0.1 V vs ocp", duration = "1 s", dt = "0.1 s"}'), plugins)
    (warning,) = overview.warnings
    assert warning.startswith("step 1: potentials against an open-circuit or previous potential are looked over as if")


def test_rows_that_come_late_are_a_warning(planned, plugins):
    slow = '{do = "ca", potential = "0.1 V vs ref", duration = "60 s", dt = "10 s"}'
    overview = look_over(*planned(slow, head=LIMITS), plugins)
    assert overview.steps[0].latency == 10.0
    assert any("old on arrival" in warning for warning in overview.warnings)


def test_nothing_is_opened_for_an_overview(planned, plugins):
    assert look_over(*planned(CV, bench=REAL_BENCH), plugins).rows == 161


# -- the rehearsal


def test_a_rehearsal_runs_everything_in_a_folder_that_is_thrown_away(planned, plugins, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded, plan = planned(OCP, CV, head=LIMITS)
    rehearsal = rehearse(loaded, plan, plugins)
    assert (rehearsal.outcome, rehearsal.rows, rehearsal.error, rehearsal.exit_code) == ("completed", 181, "", 0)
    assert rehearsal.duration == pytest.approx(26.0, abs=1.0), "the time that it took in the laboratory"
    # Some microamperes for 16 s.
    assert 1e-6 < rehearsal.charge < 1e-3
    assert [p.name for p in tmp_path.iterdir()] == ["home"]


def test_a_rehearsal_that_trips_says_so_and_a_run_hears_of_it(planned, plugins):
    tight = LIMITS.replace('"-1 mA", "1 mA"', '"-1 uA", "1 uA"')
    loaded, plan = planned(CV, head=tight, bench=REAL_BENCH)
    rehearsal = rehearse(loaded, plan, plugins)
    assert (rehearsal.outcome, rehearsal.exit_code) == ("limit tripped", 3)
    assert "allowed is current between -1 uA and 1 uA" in rehearsal.error
    words = r"of protocol on this bench was not completed \(limit tripped: step 1: current was .*uA\)\. Put"
    with pytest.raises(UsageError, match=words):
        require_rehearsed(plan, force=False)
    forced = require_rehearsed(plan, force=True)
    assert forced.notes == {"forced": "run without a rehearsal that was completed"}


def test_a_script_without_limits_is_rehearsed_and_refused(plugins, tmp_path):
    text = (
        "import luggin\n"
        'sample = {"id": "x", "wiring": "three-electrode", "working": {"material": "Pt", "diameter": "3 mm"}, '
        '"counter": {"material": "Pt wire"}, "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"}}\n'
        "with luggin.start(sample=sample) as run:\n"
        '    run.do(luggin.OCP(duration="2 s", dt="1 s"))\n'
    )
    source = Source("python", str(tmp_path / "s.py"), text, "0")
    rehearsal = rehearse_script(source, load_bench(text=REAL_BENCH, drivers=list(plugins.drivers())), plugins)
    assert (rehearsal.outcome, rehearsal.exit_code) == ("completed", 0)
    assert rehearsal.refused.startswith("a bench with real instruments needs limits of potential and current")


def test_the_twin_of_a_real_bench_is_simulated(planned, plugins):
    _, plan = planned(CV, bench=REAL_BENCH)
    twin = twin_bench(plan.bench, plugins)
    assert twin.is_simulated("cell")
    assert twin.roles["cell"].resource == "sim://cell"
    assert twin.simulated_tables["cell"]["model"] == "emstat4-hr"
    assert twin.roles["cell"].settings == plan.bench.roles["cell"].settings
    assert not plan.bench.is_simulated("cell")


def test_a_bench_may_say_what_its_twin_is(planned, plugins):
    own = plugins.simulator().default_bench_text()
    tables = own[own.index("[simulated.cell]") :].replace('"-0.476 V"', '"-0.4 V"')
    _, plan = planned(CV, bench=REAL_BENCH + tables)
    couples = twin_bench(plan.bench, plugins).simulated_tables["cell"]["cell"]["couples"]
    assert couples[0]["half_wave_potential"] == "-0.4 V"


def test_an_instrument_without_a_twin_cannot_be_rehearsed(planned, plugins):
    _, plan = planned(CV, bench=REAL_BENCH)
    role = replace(plan.bench.roles["cell"], driver="somebody.else")
    with pytest.raises(UsageError, match=r"cell \(somebody.else\) has no simulated twin.*\[simulated.cell\].*--force"):
        twin_bench(replace(plan.bench, roles={"cell": role}), plugins)


# -- what a real bench asks for


def test_a_real_bench_wants_limits(planned):
    _, plan = planned(CV, bench=REAL_BENCH)
    for force in (False, True):
        with pytest.raises(UsageError, match="needs limits of potential and current"):
            require_rehearsed(plan, force)
    only = LIMITS.replace('  {column = "current", between = ["-1 mA", "1 mA"]},\n', "")
    _, plan = planned(CV, head=only, bench=REAL_BENCH)
    with pytest.raises(UsageError, match="needs limits of current, and"):
        require_rehearsed(plan, force=True)


def test_a_limit_that_only_ends_the_step_does_not_protect_the_cell(planned):
    weak = LIMITS.replace('"1 mA"]', '"1 mA"], then = "end_step"')
    _, plan = planned(CV, head=weak, bench=REAL_BENCH)
    words = 'that stop the run, and the limit of current has then = "end_step", which is not enough'
    with pytest.raises(UsageError, match=f"needs limits of current {words}. Write"):
        require_rehearsed(plan, force=True)


def test_a_limit_of_how_fast_a_value_changes_does_not_bound_the_value(planned):
    rate = LIMITS.replace('between = ["-1 V", "1 V"]', 'rate = ["-1 V/s", "1 V/s"]')
    _, plan = planned(CV, head=rate, bench=REAL_BENCH)
    with pytest.raises(UsageError, match=r"limits of potential that stop .* potential is one of its rate, not of its"):
        require_rehearsed(plan, force=True)


def test_a_real_bench_wants_a_rehearsal_of_this_protocol_on_this_bench(planned, plugins):
    loaded, plan = planned(CV, head=LIMITS, bench=REAL_BENCH)
    with pytest.raises(UsageError, match="was not rehearsed on this bench with these versions"):
        require_rehearsed(plan, force=False)
    rehearse(loaded, plan, plugins)
    assert require_rehearsed(plan, force=False).notes == {"rehearsed": True}

    _, other_protocol = planned(CV.replace("-0.8 V", "-0.7 V"), head=LIMITS, bench=REAL_BENCH)
    _, other_bench = planned(CV, head=LIMITS, bench=REAL_BENCH.replace("ttyNONE", "ttyOTHER"))
    assert len({rehearsal_key(p) for p in (plan, other_protocol, other_bench)}) == 3
    for other in (other_protocol, other_bench):
        with pytest.raises(UsageError, match="was not rehearsed"):
            require_rehearsed(other, force=False)


def test_a_forced_run_is_recorded_as_such(planned):
    _, plan = planned(CV, head=LIMITS, bench=REAL_BENCH)
    assert require_rehearsed(plan, force=True).notes == {"forced": "run without a rehearsal"}


def test_a_simulated_bench_asks_for_nothing(planned):
    _, plan = planned(CV)
    assert require_rehearsed(plan, force=False) is plan
