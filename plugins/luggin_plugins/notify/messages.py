"""What is said about a happening: one line for people, and the same as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luggin.observing import Happening
from luggin.units import show_duration

FORMAT = 1
_LONGEST = 2000

#: Name in ``notify.toml`` -> the happenings that it stands for.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "start": ("started",),
    "resume": ("resumed",),
    "step": ("step_ended",),
    "trip": ("trip",),
    "suspend": ("suspend",),
    "continue": ("continued",),
    "line_lost": ("line_lost",),
    "reconnected": ("reconnected",),
    "gap": ("gap",),
    "guardian": ("guardian",),
    "end": ("finished", "cut_off"),
}
_NAMES = {kind: name for name, kinds in EVENTS.items() for kind in kinds}
_SENTENCES = {
    "start": "the run has begun",
    "resume": "the run was taken up again",
    "trip": "a limit was left: {words}",
    "suspend": "the cell was opened to wait: {words}",
    "continue": "it goes on: {words}",
    "line_lost": "the line of an instrument broke: {words}",
    "reconnected": "the instrument is back: {words}",
    "gap": "nothing was measured for a while: {words}",
    "guardian": "of the guardian: {words}",
}


@dataclass(frozen=True)
class Message:
    """One message about one run."""

    event: str
    sentence: str
    happening: Happening
    header: Mapping[str, Any]
    run: str
    computer: str

    @property
    def is_last(self) -> bool:
        """True for the one that no rate limit holds back: the run is over."""
        return self.event in ("end", "test")

    def subject(self) -> str:
        """One line: what happened to which run."""
        mark = "SIMULATED: " if self.header.get("simulated") else ""
        what = _one_line(str(self.header.get("title", ""))) or self.run
        return f"{mark}{what}: {_one_line(self.sentence)}"[:200]

    def text(self, not_sent: int) -> str:
        """For people, a few lines."""
        place = f", step {self.happening.path} ({self.happening.do})" if self.happening.path else ""
        lines = [
            self.subject(),
            "",
            f"run        {self.run} on {self.computer}",
            f"sample     {_one_line(str(_sample(self.header)))}",
            f"run time   {show_duration(self.happening.time)}{place}",
        ]
        if self.happening.utc is not None:
            lines.append(f"UTC        {self.happening.utc.isoformat(timespec='seconds')}")
        if not_sent:
            lines += ["", _more(not_sent)]
        return "\n".join(lines) + "\n"

    def payload(self, not_sent: int) -> bytes:
        """For programs: one JSON object. Its ``text`` is what chat programs show."""
        finish = self.happening.record if self.event == "end" else {}
        more = f" ({_more(not_sent)})" if not_sent else ""
        data = {
            "format": FORMAT,
            "event": self.event,
            "text": f"{self.subject()}{more}",
            "words": self.happening.words[:_LONGEST],
            "title": str(self.header.get("title", "")),
            "sample": _sample(self.header),
            "run": self.run,
            "computer": self.computer,
            "simulated": bool(self.header.get("simulated")),
            "time": self.happening.time,
            "utc": None if self.happening.utc is None else self.happening.utc.isoformat(),
            "step": self.happening.path,
            "do": self.happening.do,
            "outcome": self.happening.words if self.happening.kind == "finished" else None,
            "error": _error(finish),
            "not_sent": not_sent,
        }
        return json.dumps(data).encode()


def message(happening: Happening, header: Mapping[str, Any], run: str, computer: str) -> Message | None:
    """What is said about a happening; None if it has no name in ``notify.toml``."""
    event = _NAMES.get(happening.kind)
    if event is None:
        return None
    return Message(event, _sentence(event, happening), happening, header, run, computer)


def trial_message(happening: Happening, header: Mapping[str, Any], run: str, computer: str) -> Message:
    """What ``luggin notify --test`` sends."""
    return Message("test", "this is a test, nothing has happened", happening, header, run, computer)


def _sentence(event: str, happening: Happening) -> str:
    if event == "end":
        if happening.kind == "cut_off":
            return "CUT OFF: its program was killed or the power went"
        error = _error(happening.record)
        return f"{happening.words}{f': {error}' if error else ''}"[:_LONGEST]
    if event == "step":
        return f"step {happening.path} ({happening.do}): {happening.words}"
    return _SENTENCES[event].format(words=happening.words[:_LONGEST]).removesuffix(": ")


def _error(finish: Mapping[str, Any]) -> str:
    error = finish.get("error")
    return str(error.get("message", ""))[:_LONGEST] if isinstance(error, Mapping) else ""


def _sample(header: Mapping[str, Any]) -> str:
    sample = header.get("sample")
    return str(sample.get("id", "")) if isinstance(sample, Mapping) else ""


def _more(not_sent: int) -> str:
    return f"and {not_sent} more, which {'was' if not_sent == 1 else 'were'} not sent"


def _one_line(text: str) -> str:
    """Without line ends and what a mail header or a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
