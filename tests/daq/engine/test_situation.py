"""What a run that is being written says about itself, and who has which line."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from luggin import plugins as plugin_manager
from luggin.bench import load_bench
from luggin.engine.progress import Silent
from luggin.engine.protocols import plan_of, run_protocol
from luggin.engine.situation import newest_first, owned_lines, progress, situation_of
from luggin.errors import RunFolderError
from luggin.platform import process_id
from luggin.steps import Vocabulary, load_protocol
from luggin.store import RunLog
from luggin.transport import LineOwnership

SAMPLE = """
[sample]
id = "watched"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3.0(1) mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
OCP = '{do = "ocp", id = "rest", duration = "20 s", dt = "0.5 s"}'
SWEEP = '{do = "cv", id = "wave", begin = "0 V vs ref", vertices = ["-0.5 V", "0 V"], rate = "0.1 V/s", step = "5 mV"}'
LAST = OCP.replace("rest", "last")
PROMPT = '{do = "prompt", text = "Stir."}'


class Looking(Silent):
    """Looks at the run while a step has so many rows, and while a person is asked."""

    def __init__(self, path, after):
        self._path, self._after, self._here = path, after, False
        self.seen = None
        super().__init__()

    def begin(self, run):
        self._run = run

    def look(self):
        self.seen = self.seen or situation_of(self._run.folder, Vocabulary())

    def step_began(self, path, title, duration, rows):
        self._here = path == self._path

    @property
    def rows(self):
        return 0

    @rows.setter
    def rows(self, rows):
        if self._here and rows >= self._after:
            self.look()

    def ask(self, text, fields, cancelled, until):
        self.look()
        return {}


@pytest.fixture
def looked_at(tmp_path):
    """Run steps in virtual time; the situation in the middle of one of them."""
    plugins = plugin_manager.load()

    def go(*steps, at="", after=10):
        text = f'title = "watched"\nsteps = [{", ".join(steps)}]\n{SAMPLE}'
        loaded = load_protocol(text=text, vocabulary=Vocabulary(), name="p.toml")
        bench = load_bench(text=plugins.simulator().default_bench_text(), drivers=list(plugins.drivers()))
        plan = replace(plan_of(loaded, bench), folder=tmp_path / "run")
        looking = Looking(at, after)
        finished = run_protocol(loaded, plan, plugins, watcher=looking, people=looking, on_begin=looking.begin)
        assert finished.error is None
        return looking.seen

    return go


def test_a_run_in_the_middle_of_a_step(looked_at):
    seen = looked_at(OCP, f'{{do = "repeat", times = 2, steps = [{SWEEP}]}}', LAST, at="2/cycle=2/1", after=50)
    assert (seen.path, seen.step, seen.attempt) == ("2/cycle=2/1", "cv 'wave' cycle 2", 1)
    assert progress(seen) == "step 3 of 4"
    assert seen.doing == "measuring"
    assert seen.duration == pytest.approx(10.0)
    assert seen.rows >= 40 + 201 + 50
    assert (seen.title, seen.sample, seen.simulated) == ("watched", "watched", True)
    assert seen.pid == process_id()
    assert seen.user
    assert seen.trip == ""
    assert seen.guardian
    # All of this sweep (virtual time does not tell how far it is) and the last step.
    assert seen.remaining == pytest.approx(30.0)
    assert (seen.ends, seen.last_row) == (None, None)
    assert json.loads(json.dumps(seen.to_json()))["path"] == "2/cycle=2/1"


def test_a_run_that_waits_for_a_person(looked_at):
    seen = looked_at(OCP, PROMPT, SWEEP)
    assert (seen.path, seen.doing, seen.duration) == ("2", "waiting for a person", None)
    assert progress(seen) == "step 2 of 3"
    assert seen.remaining == pytest.approx(10.0)


# --- from records alone -----------------------------------------------------------------------------

CREATED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def records(folder, *more, speed=1.0, kind="toml"):
    """A run on a real bench whose log has these records; the path of its folder."""
    text = f'title = "watched"\nsteps = [{OCP}, {SWEEP}]\n{SAMPLE}'
    protocol = {"kind": kind, "name": "p", "text": text, "sha256": "", "arguments": []}
    header = {"kind": "run", "time": 0.0, "title": "watched", "created": CREATED.isoformat(), "protocol": protocol}
    folder.mkdir()
    with RunLog.create(folder) as log:
        log.append(header | {"simulated": False, "virtual": False, "speed": speed, "sample": {"id": "watched"}})
        log.append({"kind": "session", "time": 0.0, "reason": "start", "utc": CREATED.isoformat(), "pid": 1})
        for record in more:
            log.append(record)
    return folder


def started(path, time, do="ocp", attempt=1):
    common = {"path": path, "step": int(path), "attempt": attempt}
    return {"kind": "start", "time": time, **common, "do": do, "fingerprint": do, "id": "rest"}


def event(what, time, step=1, **more):
    return {"kind": "event", "time": time, "what": what, "step": step, "attempt": 1, **more}


def after(seconds):
    return CREATED + timedelta(seconds=seconds)


def test_the_end_is_what_is_left_of_the_step_and_what_comes(tmp_path):
    folder = records(tmp_path / "run", started("1", 1.0), event("prepared", 1.0, duration=20.0))
    seen = situation_of(folder, Vocabulary(), after(6.0))
    assert seen.remaining == pytest.approx(15.0 + 10.0)
    assert seen.ends == after(31.0)
    assert seen.step_began == after(1.0)
    late = situation_of(folder, Vocabulary(), after(60.0))
    assert late.remaining == pytest.approx(10.0)


def test_a_simulator_in_a_hurry_is_over_sooner(tmp_path):
    folder = records(tmp_path / "run", started("1", 1.0), event("prepared", 1.0, duration=20.0), speed=10.0)
    seen = situation_of(folder, Vocabulary(), after(1.1))  # 11 s of lab time
    assert seen.remaining == pytest.approx(10.0 + 10.0)
    assert seen.ends == after(1.1 + 2.0)


def test_what_happened_last_is_told_with_its_age(tmp_path):
    folder = records(
        tmp_path / "run",
        started("1", 1.0),
        event("prepared", 1.0, duration=20.0),
        event("line lost", 3.0, words="no answer"),
        event("guardian", 4.0, words="guards cell", pid=77),
    )
    seen = situation_of(folder, Vocabulary(), after(10.0))
    assert (seen.last_event, seen.last_event_age) == ("line lost no answer", pytest.approx(7.0))
    assert seen.guardian == "guards cell (process 77)"


def test_the_end_of_a_step_is_later_news_than_the_beginning_of_the_run(tmp_path):
    end = {"kind": "end", "time": 21.0, "path": "1", "step": 1, "attempt": 1, "parts": [], "status": "done"}
    begun = [event("started", 0.5, step=0), started("1", 1.0)]
    first = situation_of(records(tmp_path / "first", *begun), Vocabulary(), after(3.0))
    assert (first.last_event, first.last_event_age) == ("the run began", pytest.approx(2.5))
    more = [end, started("2", 21.0), event("prepared", 21.5, step=2, duration=10.0)]
    later = situation_of(records(tmp_path / "later", *begun, *more), Vocabulary(), after(25.0))
    assert (later.last_event, later.last_event_age) == ("step 1 ended", pytest.approx(4.0))


@pytest.mark.parametrize(
    ("events", "doing"),
    [
        ([event("suspended", 3.0, words="hot")], "suspended"),
        ([event("suspended", 3.0, words="hot"), event("continued", 5.0)], "measuring"),
    ],
)
def test_a_suspended_run_says_so(tmp_path, events, doing):
    folder = records(tmp_path / "run", started("1", 1.0), event("prepared", 1.0, duration=20.0), *events)
    assert situation_of(folder, Vocabulary(), after(10.0)).doing == doing


def test_between_two_steps(tmp_path):
    end = {"kind": "end", "time": 21.0, "path": "1", "step": 1, "attempt": 1, "parts": [], "status": "done"}
    folder = records(tmp_path / "run", started("1", 1.0), end)
    seen = situation_of(folder, Vocabulary(), after(22.0))
    assert (seen.path, seen.doing) == ("", "between steps")
    assert progress(seen) == "step 2 of 2"
    assert seen.remaining == pytest.approx(10.0)


def test_what_an_earlier_process_left_is_not_what_goes_on(tmp_path):
    resumed = {"kind": "session", "time": 100.0, "reason": "resume", "utc": after(100.0).isoformat(), "pid": 2}
    folder = records(tmp_path / "run", started("1", 1.0), resumed)
    assert situation_of(folder, Vocabulary(), after(101.0)).doing == "between steps"


def test_a_trip_is_told(tmp_path):
    folder = records(tmp_path / "run", started("1", 1.0), event("trip", 2.0, then="stop", words="too much current"))
    assert situation_of(folder, Vocabulary(), after(3.0)).trip == "too much current"


def test_of_a_script_only_the_path_is_known(tmp_path):
    folder = records(tmp_path / "run", started("7", 1.0), kind="python")
    seen = situation_of(folder, Vocabulary(), after(3.0))
    assert (progress(seen), seen.steps, seen.remaining, seen.ends) == ("step 7", None, None, None)


def test_a_protocol_of_a_plugin_that_is_not_here_is_no_reason_to_say_nothing(tmp_path):
    folder = records(tmp_path / "run", started("1", 1.0))
    log = (folder / "run.log").read_bytes()
    assert b'do = \\"ocp\\"' in log
    other = tmp_path / "other"
    other.mkdir()
    with RunLog.create(other) as made:
        for record in RunLog.read(folder):
            if record["kind"] == "run":
                record["protocol"]["text"] = record["protocol"]["text"].replace('do = "ocp"', 'do = "wash"')
            made.append(record)
    seen = situation_of(other, Vocabulary(), after(3.0))
    assert (seen.path, seen.number) == ("1", None)


def test_a_torn_end_of_the_log_is_left_out(tmp_path):
    folder = records(tmp_path / "run", started("1", 1.0))
    whole = situation_of(folder, Vocabulary(), after(3.0))
    with (folder / "run.log").open("ab") as file:
        file.write(b'{"crc32c":"00')
    assert situation_of(folder, Vocabulary(), after(3.0)) == whole


def test_rows_that_cannot_be_read_are_a_problem_and_not_the_end(tmp_path):
    seen = situation_of(records(tmp_path / "run", started("1", 1.0)), Vocabulary(), after(3.0))
    assert "its rows cannot be read" in seen.problem
    assert seen.path == "1"


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="not a run folder"):
        situation_of(tmp_path, Vocabulary())


def test_the_newest_run_comes_first(tmp_path):
    first = situation_of(records(tmp_path / "a"), Vocabulary(), after(1.0))
    second = replace(first, started=after(60.0))
    unknown = replace(first, started=None)
    assert newest_first([first, unknown, second]) == [second, first, unknown]


# --- lines ------------------------------------------------------------------------------------------


def test_lines_are_told_as_long_as_somebody_has_them(tmp_path):
    assert owned_lines(tmp_path / "nobody was ever here") == []
    with LineOwnership("COM5", user="ada", purpose="runs/x", since="12:00", folder=tmp_path):
        (line,) = owned_lines(tmp_path)
        assert (line.resource, line.pid, line.user, line.purpose) == ("COM5", process_id(), "ada", "runs/x")
    assert owned_lines(tmp_path) == []


def test_a_lock_without_a_note_is_a_line_all_the_same(tmp_path):
    from luggin.platform import FileLock

    lock = FileLock(tmp_path / "x.lock")
    lock.acquire("")
    try:
        (line,) = owned_lines(tmp_path)
        assert (line.pid, line.purpose) == (None, "taken just now")
    finally:
        lock.release()


def test_a_lock_that_is_no_file_is_named(tmp_path):
    (tmp_path / "odd.lock").mkdir()
    (line,) = owned_lines(tmp_path)
    assert "odd.lock cannot be read" in line.resource
