"""Whether the rows of a technique that was disturbed are true: what comes undisturbed too, or marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from luggin.capabilities import Technique
from luggin.records import Flag
from luggin.testing.cases import Case
from luggin.testing.checking import require
from luggin.testing.examples import ohmic
from luggin.testing.rig import Recording
from luggin.testing.subject import Subject

#: A row with one of these is not taken for a measurement by anybody.
_MARKED = (
    Flag.POTENTIAL_OVERLOAD | Flag.CURRENT_OVERLOAD | Flag.COMPLIANCE | Flag.CELL_OFF | Flag.CLIPPED | Flag.DECODE_ERROR
)
_ONE_AND_A_HALF = 1.5
#: Two frequencies of a spectrum are farther apart than this share.
_SAME_FREQUENCY = 1e-3


def require_true(subject: Subject, case: Case, recording: Recording, where: str) -> None:
    """Every row is one that comes undisturbed too, in the same order, each once; or it is marked."""
    if case.technique.name == "eis":
        _require_spectrum(case, recording, where)
    else:
        _require_course(subject, case, recording, where)
    for number, row in enumerate(recording.rows):
        if not _is_marked(case, row):
            _require_ohmic(subject, case, row, f"{where}: row {number}")


def _is_marked(case: Case, row: Mapping[str, float]) -> bool:
    """Whether nobody takes it for a measurement."""
    measured = ("potential", *ohmic(case.technique, row, 1.0))
    no_number = any(math.isnan(row[name]) for name in measured if name in row)
    return bool(Flag(int(row.get("flags", 0))) & _MARKED) or no_number


def _require_ohmic(subject: Subject, case: Case, row: Mapping[str, float], what: str) -> None:
    allowed = subject.accuracy * largest(case.technique, case.reference, subject.resistance)
    for name, value in ohmic(case.technique, row, subject.resistance).items():
        at = f" at {row['potential']:.4g} V" if "potential" in row else ""
        require(abs(row[name] - value) <= allowed, f"{what} has {name} {row[name]:.4g}{at}, which never was")


def largest(technique: Technique, recording: Recording, resistance: float) -> float:
    """The largest value that any row has to say on a resistor (ohm); 0 if rows say nothing of it."""
    said = (ohmic(technique, row, resistance).values() for row in recording.rows)
    return max((abs(value) for values in said for value in values), default=0.0)


def _require_course(subject: Subject, case: Case, recording: Recording, where: str) -> None:
    """Potentials over time."""
    reference = case.reference.rows
    interval = case.reference.realised.durations[0] / case.reference.realised.rows[0]
    error = subject.accuracy * max(abs(row["potential"]) for row in reference)
    step = case.technique.parameters.get("step", 0.0) * _ONE_AND_A_HALF
    last = -math.inf
    for number, row in enumerate(recording.rows):
        time = row["instrument_time"]
        _require_later(time, last, number, where)
        if last > -math.inf and time - last > _ONE_AND_A_HALF * interval:
            marked = _marks_missing_time(case, recording.rows[number : number + 2])
            require(marked, f"{where}: {time - last:.3g} s are missing before row {number}, and no flag says so")
        last = time
        if _is_marked(case, row):
            continue
        # A stepped technique goes by the host's time: its levels come when they can, but in their order.
        near = [
            one for one in reference if case.stepped or abs(one["instrument_time"] - time) <= _ONE_AND_A_HALF * interval
        ]
        require(
            any(abs(one["potential"] - row["potential"]) <= error + step for one in near),
            f"{where}: row {number} has {row['potential']:.4g} V at {time:g} s, which never was",
        )
    if recording.error is None and recording.rows and not case.stepped:
        missing = reference[-1]["instrument_time"] - last
        require(
            missing <= _ONE_AND_A_HALF * interval, f"{where}: the last {missing:.3g} s are missing, and nobody says so"
        )


def _require_spectrum(case: Case, recording: Recording, where: str) -> None:
    """Frequencies in their order; how long each takes differs too much for a look at the time."""
    wanted = [row["frequency"] for row in case.reference.rows]
    place, last = -1, -math.inf
    for number, row in enumerate(recording.rows):
        _require_later(row["instrument_time"], last, number, where)
        last, found = row["instrument_time"], row["frequency"]
        places = [k for k, one in enumerate(wanted) if abs(found - one) <= _SAME_FREQUENCY * one and k > place]
        require(places or _is_marked(case, row), f"{where}: row {number} has {found:g} Hz, which is not its turn")
        if places:
            marked = Flag(int(row["flags"])) & Flag.GAP
            require(
                places[0] == place + 1 or marked, f"{where}: before {found:g} Hz some are missing, and no flag says so"
            )
            place = places[0]
    if recording.error is None and recording.rows:
        require(place == len(wanted) - 1, f"{where}: the last {len(wanted) - 1 - place} frequencies are missing")


def _require_later(time: float, last: float, number: int, where: str) -> None:
    require(time > last, f"{where}: row {number} is from {time:g} s, the one before it from {last:g} s")


def _marks_missing_time(case: Case, rows: Sequence[Mapping[str, float]]) -> bool:
    """Whether the row behind a gap says so; a stepped technique says it with the next deadline, if there is one."""
    flags = [Flag(int(row.get("flags", 0))) for row in rows]
    if case.stepped:
        return len(flags) == 1 or any(one & (Flag.GAP | Flag.TIMING) for one in flags)
    return bool(flags[0] & Flag.GAP)
