"""What was done: steps with their parameters in words, what happened on the way, limits and who held them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from luggin import units
from luggin.analysis import StepRecord
from luggin.engine.events import Event
from luggin.errors import LimitTripped
from luggin_plugins.report.gathering import Material
from luggin_plugins.report.markup import Html, element, join, section, table
from luggin_plugins.report.wording import (
    counted,
    described,
    limit_words,
    parameters,
    plural,
    request_words,
    short,
    status_words,
)

FIRST, LAST = 20, 10
"""Steps of a long run that are listed from its beginning and its end; whatever is not done is listed always."""

MOST_EVENTS = 80

_SAID_ELSEWHERE = (Event.STARTED, Event.RESUMED, Event.PREPARED, Event.FINISHED)


def conditions_section(material: Material) -> Html:
    """Every step with its parameters, time, rows and how it ended."""
    steps = material.archive.steps
    if not steps:
        return section("Conditions", element("p", "No step was begun."), id_="conditions")
    heads = ["step", "technique and parameters", "started", "duration", "rows", "ended"]
    return section("Conditions", table(heads, _shortened(steps, material), "steps"), id_="conditions")


def _shortened(steps: Sequence[StepRecord], material: Material) -> Iterator[Sequence[object]]:
    """Rows of the table; a stretch of steps that are left out is one row that counts them."""
    everything = len(steps) <= FIRST + LAST + 10
    hidden, above = 0, ""
    for number, step in enumerate(steps):
        if everything or number < FIRST or number >= len(steps) - LAST or step.status != "done":
            if hidden:
                yield _counted_out(hidden)
            words = _parameters(step, material)
            yield _step(step, "parameters as above" if words and words == above else words, material)
            hidden, above = 0, words
        else:
            hidden += 1
    if hidden:
        yield _counted_out(hidden)


def _counted_out(hidden: int) -> Sequence[object]:
    return [f"… {plural(hidden, 'further step')}, done, not listed here; run.log has {'it' if hidden == 1 else 'them'}"]


def _step(step: StepRecord, words: str, material: Material) -> Sequence[object]:
    path = step.path + (f" (attempt {step.attempt})" if step.attempt > 1 else "")
    duration = "–" if step.ended is None else units.show_duration(step.ended - step.started)
    return (
        short(path, 80),
        _technique(step, words, material),
        material.times.show(step.started),
        duration,
        _rows(step, material),
        _ended(step),
    )


def _technique(step: StepRecord, words: str, material: Material) -> Html:
    name = [element("b", short(step.do, 60))]
    said = [short(t, 80) for t in (step.id and f"“{step.id}”", step.label, step.role and f"role {step.role}") if t]
    lines: list[object] = [join([*name, " " if said else "", ", ".join(said)])]
    if words:
        lines.append(words)
    lines += [short(note) for note in _prepared(step, material).get("notes", ())]
    marked = material.readings.flags.get((step.step, step.attempt), {})
    if marked:
        lines.append("rows marked: " + ", ".join(f"{name} {counted(count)}" for name, count in marked.items()))
    if step.re_established:
        lines.append("done again, because the stop had undone it")
    return join(lines, "\n")


def _parameters(step: StepRecord, material: Material) -> str:
    """Every technique of the step with its parameters, or what was asked where nothing is known of the rest."""
    done = _realised(step, material)
    if not done:
        return request_words(step.request)
    if len(done) == 1 and done[0][0] == step.do:
        return parameters(done[0][1], step.request)
    return "\n".join(f"{short(technique, 60)}: {parameters(realised, {})}" for technique, realised in done)


def _realised(step: StepRecord, material: Material) -> list[tuple[str, Mapping[str, Any]]]:
    """What the instrument really did, after rounding to its own steps."""
    if step.parts:
        return [(str(p["technique"]), p["parameters"]) for p in step.parts]
    techniques = _prepared(step, material).get("techniques", ())
    return [(str(t["name"]), t["parameters"]) for t in techniques]


def _prepared(step: StepRecord, material: Material) -> Mapping[str, Any]:
    for event in reversed(material.archive.events):
        same = (event.get("step"), event.get("attempt")) == (step.step, step.attempt)
        if same and event.get("what") == Event.PREPARED.words:
            found: Mapping[str, Any] = event
            return found
    return {}


def _rows(step: StepRecord, material: Material) -> Html:
    key = (step.step, step.attempt)
    recorded = sum(int(p["count"]) for p in step.parts)
    stored = material.readings.rows.get(key, 0) if material.readings.rows else recorded
    lines = [counted(stored) if stored else "–"]
    if step.parts and stored != recorded:
        lines.append(f"(run.log says {counted(recorded)})")
    return join(lines, "\n")


def _ended(step: StepRecord) -> Html:
    lines = [status_words(step.status)]
    if step.error:
        lines.append(short(step.error.get("message", ""), 600))
    if step.values.get("ended_by"):
        lines.append(short(step.values["ended_by"]))
    if step.values.get("answers"):
        lines.append(described(step.values["answers"]))
    return join(lines, "\n") if step.status == "done" else element("span", join(lines, "\n"), class_="trouble")


def events_section(material: Material) -> Html:
    """Interruptions, resumptions, trips, gaps and whatever else was recorded, in order of time."""
    happened = sorted(_happened(material), key=lambda line: line[0])
    gaps = sum(flags.get("gap", 0) for flags in material.readings.flags.values())
    lost = (
        f"{plural(gaps, 'row')} follow{'s' if gaps == 1 else ''} a gap in the readings; nothing was filled in."
        if gaps
        else "No gap in the readings was recorded."
    )
    parts: list[object] = []
    if happened:
        rows = [(material.times.show(time), words) for time, words in happened[:MOST_EVENTS]]
        more = len(happened) - len(rows)
        body: list[Sequence[object]] = [*rows, *([[f"… {plural(more, 'further event')}: see run.log"]] if more else [])]
        parts.append(table(["when", "what happened"], body))
    else:
        parts.append(element("p", "No interruption, no resumption, no trip of a limit."))
    return section("What happened on the way", *parts, element("p", lost), id_="events")


def _happened(material: Material) -> Iterator[tuple[float, str]]:
    archive = material.archive
    for session in archive.sessions[1:]:
        recovery = session.get("recovery")
        yield (
            float(session["time"]),
            f"taken up again{_gap(session, material)}" + (f"; the store: {short(recovery)}" if recovery else ""),
        )
    for record in archive.records:
        if record.get("kind") == "protocol":
            yield float(record.get("time", 0.0)), "the protocol was changed behind the steps that were done"
    for step in archive.steps:
        again = step.attempt > 1
        if step.status in ("interrupted", "failed") and step.ended is not None:
            error = step.error or {}
            if error.get("type") != LimitTripped.__name__:  # its trip is an event of its own
                why = f": {short(error.get('message', ''), 600)}" if error else ""
                yield step.ended, f"step {step.path} {step.status}{why}"
        if again:
            yield step.started, f"step {step.path}: attempt {step.attempt} begins"
    for event in archive.events:
        words = _event(event)
        if words:
            yield float(event.get("time", 0.0)), words


def _gap(session: Mapping[str, Any], material: Material) -> str:
    """How long nothing was measured before a session, by the clock on the wall."""
    stopped = session.get("gap", {}).get("from")
    last = None if stopped is None else material.archive.moment(float(stopped))
    begun = material.archive.moment(float(session["time"]))
    if last is None or begun is None or begun <= last:
        return ""
    return f", {units.show_duration((begun - last).total_seconds())} after the last row"


def _event(event: Mapping[str, Any]) -> str:
    what = str(event.get("what", ""))
    if what in [known.words for known in _SAID_ELSEWHERE]:
        return ""
    if what == Event.TRIP.words:
        then = "the step was ended" if event.get("then") == "end_step" else "the run was stopped"
        return short(f"limit tripped: {event.get('words', '')}; {then}", 600)
    if what == Event.STOP_ASKED.words:
        return short(f"step {event.get('path', '')}: a stop was asked for by {event.get('words', '')}", 600)
    if what == Event.MADE_SAFE.words:
        return short(f"{event.get('instrument', '')} made safe: {event.get('verified', '')}", 600)
    rest = {k: v for k, v in event.items() if k not in ("kind", "time", "what")}
    return short(f"{what}: {described(rest)}", 600)


_CONSEQUENCES = {"end_step": "the step ends", "suspend": "the cell is opened; the run waits until it is back"}


def limits_section(material: Material) -> Html:
    """The windows of the cell, and who watched them."""
    limits = material.archive.header.get("limits", ())
    if not limits:
        return section("Limits", element("p", "No limits were set."), id_="limits")
    rows = [
        (
            short(f"rate of {limit['column']}" if limit.get("kind") == "rate" else limit.get("column", ""), 60),
            limit_words(limit),
            _lasting(limit),
            _CONSEQUENCES.get(str(limit.get("then")), "the run stops, the cell is opened"),
            _holder(str(limit.get("column", "")), material),
        )
        for limit in limits
    ]
    heads = ["quantity", "allowed", "counts when left for", "then", "held by"]
    return section("Limits", table(heads, rows, "limits"), id_="limits")


def _lasting(limit: Mapping[str, Any]) -> str:
    if limit.get("seconds"):
        return units.show_duration(float(limit["seconds"]))
    return plural(int(limit.get("rows", 1)), "row")


def _holder(column: str, material: Material) -> str:
    prepared = [e for e in material.archive.events if e.get("what") == Event.PREPARED.words]
    if not prepared:
        return "nobody: nothing was measured"
    latency = max(float(e.get("latency", 0.0)) for e in prepared)
    runner = f"Luggin, on every row as it arrives (a row is at most {units.show(latency, 's')} old)"
    armed = [str(e["limits_in_instrument"][column]) for e in prepared if column in e.get("limits_in_instrument", {})]
    if not armed:
        return runner
    where = "" if len(armed) == len(prepared) else f" in {len(armed)} of {len(prepared)} steps"
    return f"the instrument itself{where} ({short(armed[-1], 160)}); and {runner}"
