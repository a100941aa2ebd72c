"""What a run has already done, as replay asks for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin import errors
from luggin.engine.history import History, recorded_error
from luggin.errors import (
    BadReply,
    Divergence,
    InstrumentFault,
    LimitTripped,
    LugginError,
    ReplyTimeout,
    RunFolderError,
)

HEADER = {"kind": "run", "time": 0.0, "format": 1, "title": "three waves"}


def start(path, do="cv", step=1, attempt=1, fingerprint="f", **more):
    return {
        "kind": "start",
        "path": path,
        "do": do,
        "step": step,
        "attempt": attempt,
        "fingerprint": fingerprint,
        **more,
    }


def end(path, step=1, attempt=1, **more):
    return {"kind": "end", "path": path, "step": step, "attempt": attempt, "status": "done", "values": {}, **more}


def failed(path, kind="LimitTripped", message="too much", **more):
    return {"kind": "failed", "path": path, "error": {"type": kind, "message": message}, **more}


def finish(outcome, **more):
    return {"kind": "finish", "outcome": outcome, **more}


def session():
    return {"kind": "session"}


# -- replay


def test_nothing_was_done_in_a_run_without_records():
    history = History()
    assert history.recorded("1", "cv", "f") is None
    assert history.attempt("1") == 1
    assert history.step_number("1") is None
    assert history.steps == 0
    assert history.order == []
    assert history.sessions == 0
    assert history.finished is None
    assert history.last_time == 0.0


def test_a_completed_call_gives_back_its_record():
    done = end("1", values={"ocp": -0.2})
    history = History([HEADER, session(), start("1"), done])
    assert history.recorded("1", "cv", "f") is done
    assert history.header is HEADER
    assert history.sessions == 1


@pytest.mark.parametrize("last", [[], [{"kind": "interrupted", "path": "1"}], [{"kind": "event", "what": "trip"}]])
def test_a_call_that_did_not_complete_is_done_again_under_its_number(last):
    history = History([HEADER, session(), start("1", step=4), *last])
    assert history.recorded("1", "cv", "f") is None
    assert history.step_number("1") == 4
    assert history.attempt("1") == 2
    assert history.steps == 4


def test_a_failure_that_the_script_caught_is_given_back():
    failure = failed("1")
    history = History([HEADER, session(), start("1"), failure, start("2", step=2), end("2", step=2)])
    assert history.recorded("1", "cv", "f") is failure
    assert history.recorded("2", "cv", "f")["kind"] == "end"


def test_a_failure_that_ended_the_run_is_done_again():
    history = History([HEADER, session(), start("1"), failed("1"), finish("failed", failed_path="1")])
    assert history.recorded("1", "cv", "f") is None
    assert history.attempt("1") == 2


def test_only_the_failure_that_ended_the_run_is_done_again():
    caught, uncaught = [start("1"), failed("1")], [start("2", step=2), failed("2")]
    history = History([HEADER, session(), *caught, *uncaught, finish("failed", failed_path="2")])
    assert history.recorded("1", "cv", "f")["kind"] == "failed"
    assert history.recorded("2", "cv", "f") is None


def test_a_run_that_ended_for_another_reason_repeats_nothing():
    for more in ({}, {"failed_path": ""}, {"failed_path": "77"}, {"failed_path": None}):
        history = History([HEADER, session(), start("1"), end("1"), finish("failed", **more)])
        assert history.recorded("1", "cv", "f") is not None


def test_the_latest_attempt_counts():
    first, second = end("1", values={"ocp": 1.0}), end("1", attempt=2, values={"ocp": 2.0})
    history = History([HEADER, session(), start("1"), first, session(), start("1", attempt=2), second])
    assert history.recorded("1", "cv", "f") is second
    assert history.attempt("1") == 3
    assert history.sessions == 2


def test_an_attempt_that_began_after_a_completed_one_opens_the_call_again():
    history = History([HEADER, session(), start("1"), end("1"), session(), start("1", attempt=2)])
    assert history.recorded("1", "cv", "f") is None


def test_an_end_without_a_start_is_nobodys():
    history = History([HEADER, session(), end("9"), failed("8")])
    assert history.paths == {}


def test_records_of_kinds_to_come_are_passed_over():
    history = History([HEADER, {"kind": "weather", "time": 3.5}, {"time": 4.5}, start("1"), end("1")])
    assert history.recorded("1", "cv", "f") is not None
    assert history.last_time == 4.5


def test_the_runs_time_goes_on_where_it_was():
    history = History([HEADER, {"kind": "event", "time": 12.25}, {"kind": "event", "time": 11.0}, start("1")])
    assert history.last_time == 12.25


def test_step_numbers_go_on_behind_the_highest():
    history = History([HEADER, start("1", step=1), start("2", step=5), start("3", step=3)])
    assert history.steps == 5
    assert history.order == ["1", "2", "3"]


# -- divergence


def test_another_step_of_the_same_kind_is_refused():
    history = History([HEADER, start("3/cycle=2/1"), end("3/cycle=2/1")])
    with pytest.raises(Divergence, match=r"step 3/cycle=2/1 of this run was 'cv' .* now has another 'cv' there"):
        history.recorded("3/cycle=2/1", "cv", "other")


def test_a_step_of_another_kind_is_refused():
    history = History([HEADER, start("1"), end("1")])
    with pytest.raises(Divergence, match="was 'cv' and is completed, but the protocol now has a 'lsv' there"):
        history.recorded("1", "lsv", "f")


def test_a_caught_failure_cannot_be_changed_either():
    history = History([HEADER, start("1"), failed("1")])
    with pytest.raises(Divergence):
        history.recorded("1", "cv", "other")


def test_what_was_not_completed_may_be_changed_and_the_changed_one_counts():
    history = History([HEADER, start("1", fingerprint="slow")])
    assert history.recorded("1", "cv", "fast") is None
    history = History(
        [HEADER, start("1", fingerprint="slow"), start("1", "lsv", attempt=2, fingerprint="fast"), end("1")]
    )
    assert history.recorded("1", "lsv", "fast")["kind"] == "end"
    with pytest.raises(Divergence):
        history.recorded("1", "cv", "slow")


def test_a_protocol_that_begins_as_the_run_did_may_go_on_as_it_likes():
    history = History([HEADER, start("1"), end("1"), start("2", step=2)])
    history.require_prefix([("1", "cv", "f"), ("2", "lsv", "changed"), ("3", "ca", "new")])


def test_a_protocol_that_changes_a_completed_step_is_refused_beforehand():
    history = History([HEADER, start("1"), end("1")])
    with pytest.raises(Divergence, match="another 'cv'"):
        history.require_prefix([("1", "cv", "changed")])


def test_a_protocol_without_a_completed_step_is_refused_beforehand():
    history = History([HEADER, start("1"), end("1"), start("2", "ca", step=2), end("2")])
    with pytest.raises(Divergence, match=r"step 2 of this run was 'ca' .* but the protocol has no such"):
        history.require_prefix([("1", "cv", "f")])


# -- states of the sample


def test_the_latest_completed_step_of_each_state_is_known():
    history = History(
        [
            HEADER,
            start("1", "equilibrate", establishes=["temperature@oven"]),
            end("1"),
            start("2", "formation", step=2, establishes=["conditioning@cell", "wetting@cell"]),
            end("2"),
            start("3", "equilibrate", step=3, establishes=["temperature@oven"]),
            end("3"),
            start("4", step=4),
            end("4"),
        ]
    )
    states = {state: entry.path for state, entry in history.latest_establishing().items()}
    assert states == {"temperature@oven": "3", "conditioning@cell": "2", "wetting@cell": "2"}
    before = {state: entry.path for state, entry in history.latest_establishing(before="3").items()}
    assert before == {"temperature@oven": "1", "conditioning@cell": "2", "wetting@cell": "2"}
    assert history.latest_establishing(before="1") == {}


@pytest.mark.parametrize("fate", [[], [failed("1")], [{"kind": "interrupted", "path": "1"}]])
def test_a_step_that_did_not_end_well_established_nothing(fate):
    history = History([HEADER, start("1", "equilibrate", establishes=["temperature@oven"]), *fate])
    assert history.latest_establishing() == {}


def test_establishing_again_changes_nothing_but_the_number_of_attempts():
    done = end("1", values={"temperature": 298.15})
    again = {"re_established": True}
    history = History(
        [
            HEADER,
            session(),
            start("1", "equilibrate", establishes=["temperature@oven"], request={"target": "25 degC"}),
            done,
            session(),
            start("1", "equilibrate", attempt=2, fingerprint="f", request={}, **again),
            end("1", attempt=2, values={"temperature": 298.4}, **again),
        ]
    )
    assert history.recorded("1", "equilibrate", "f") is done
    assert history.attempt("1") == 3
    entry = history.latest_establishing()["temperature@oven"]
    assert entry.ended is done
    assert entry.request == {"target": "25 degC"}


def test_establishing_again_that_fails_leaves_the_completed_step_completed():
    done, again = end("1"), {"re_established": True}
    records = [HEADER, start("1"), done, session(), start("1", attempt=2, **again), failed("1", **again)]
    assert History(records).recorded("1", "cv", "f") is done
    ended = History([*records, finish("failed", failed_path="")])
    assert ended.recorded("1", "cv", "f") is done


# -- the run as a whole


def test_every_protocol_that_the_run_was_executed_with_is_kept_in_order():
    first, second = {"kind": "protocol", "sha256": "a"}, {"kind": "protocol", "sha256": "b"}
    history = History([HEADER, first, session(), start("1"), end("1"), second, session()])
    assert history.protocols == [first, second]
    assert history.sessions == 2


@pytest.mark.parametrize("outcome", ["failed", "interrupted", "limit"])
def test_a_run_that_did_not_complete_can_be_resumed(outcome):
    history = History([HEADER, session(), start("1"), finish(outcome)])
    assert history.finished["outcome"] == outcome
    history.require_resumable("runs/1")


def test_a_run_that_was_killed_can_be_resumed():
    history = History([HEADER, session(), start("1")])
    assert history.finished is None
    history.require_resumable("runs/1")


def test_a_completed_run_cannot_be_resumed():
    history = History([HEADER, session(), start("1"), end("1"), finish("completed")])
    with pytest.raises(RunFolderError, match="runs/1: this run is completed"):
        history.require_resumable("runs/1")


def test_a_folder_without_a_header_is_no_run():
    with pytest.raises(RunFolderError, match=r"runs/1: run\.log has no header"):
        History([session(), start("1")]).require_resumable("runs/1")


def test_a_new_session_opens_a_finished_run_again():
    history = History([HEADER, session(), finish("interrupted"), session()])
    assert history.finished is None


# -- exceptions


@pytest.mark.parametrize("kind", [LimitTripped, ReplyTimeout, BadReply, InstrumentFault, Divergence])
def test_a_recorded_exception_is_raised_as_the_one_it_was(kind):
    error = recorded_error(failed("1", kind.__name__, "left at -1.2 V"))
    assert type(error) is kind
    assert str(error) == "left at -1.2 V"
    assert error.exit_code == kind.exit_code


@pytest.mark.parametrize(
    "kind", ["ZeroDivisionError", "ProtocolError", "Problem", "annotations", "dataclass", "", None]
)
def test_an_exception_that_cannot_be_made_anew_keeps_its_words(kind):
    error = recorded_error(failed("1", kind, "what it said"))
    assert type(error) is LugginError
    assert str(error) == "what it said"


def test_a_failure_without_words_is_a_failure():
    assert str(recorded_error({"kind": "failed", "path": "1"})) == "failed"


def test_every_class_of_the_tree_that_takes_a_message_comes_back():
    tree = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, LugginError)]
    back = {kind: type(recorded_error(failed("1", kind.__name__))) for kind in tree}
    assert {kind for kind, made in back.items() if made is not kind} == {errors.ProtocolError}


# -- any log that a run could have written


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from("123"), st.sampled_from(["end", "failed", "killed"])), max_size=20))
def test_numbers_of_steps_and_attempts_are_never_used_twice(attempts):
    """A run that goes through its paths as replay lets it: each attempt has a number of its own."""
    records, used = [HEADER], set()
    for path, fate in attempts:
        history = History(records)
        if history.recorded(path, "cv", "f") is not None:
            continue
        step, attempt = history.step_number(path) or history.steps + 1, history.attempt(path)
        assert (step, attempt) not in used
        used.add((step, attempt))
        records.append(start(path, step=step, attempt=attempt))
        if fate != "killed":
            records.append(end(path, step, attempt) if fate == "end" else failed(path))
    steps = [entry.step for entry in History(records).paths.values()]
    assert len(set(steps)) == len(steps)
