"""Checks of every way out of a technique: behind each of them the cell circuit is open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from luggin.capabilities import Realised, Technique
from luggin.testing.checking import NotApplicable, check, require
from luggin.testing.rig import MARGIN, CellWatch, Recording, Rig
from luggin.testing.subject import Subject

#: Where in a technique it is left: behind the first row, and at these shares of all rows.
_SHARES = (0.25, 0.5, 0.9)
#: Moments (shares of the duration) at which another thread asks for the end, also between two rows.
_MOMENTS = (0.0, 0.013, 0.337, 0.671, 0.95)
#: Techniques that apply a potential, two of which can follow one another.
_CHAINED = ("lsv", "cv", "ca")


class _Left(Exception):
    """What whoever takes the rows may raise."""


@check
def off_behind_the_end(subject: Subject) -> None:
    """When `frames` is through, the cell is off, without a `make_safe`."""
    for technique, _ in _promised(subject):
        with subject.rig() as rig:
            rig.run([technique]).raise_error()
            require(not rig.cell_is_on, f"{technique.name}: the cell is on behind the end")


@check
def off_when_nobody_takes_the_rows(subject: Subject) -> None:
    """When `frames` is closed at any row, `make_safe` opens the cell."""
    for rig, technique, row in _left_at_rows(subject):
        rig.instrument.prepare([technique])
        frames = rig.instrument.frames()
        taken = 0
        for frame in frames:
            taken += len(frame)
            if taken >= row:
                break
        frames.close()  # type: ignore[attr-defined]  # a generator, as the engine treats it
        _require_safe(rig, f"{technique.name} closed behind row {taken}")


@check
def off_when_the_consumer_raises(subject: Subject) -> None:
    """When whoever takes the rows raises, at any row, `make_safe` opens the cell."""
    for rig, technique, row in _left_at_rows(subject):

        def fail_at(rows: int, row: int = row) -> None:
            if rows >= row:
                raise _Left

        recording = rig.run([technique], fail_at)
        require(isinstance(recording.error, _Left), f"{technique.name}: {recording.error!r} instead of the consumer's")
        _require_safe(rig, f"{technique.name} behind an error at row {len(recording.rows)}")


@check
def off_after_an_abort_at_any_row(subject: Subject) -> None:
    """After `request_abort` by whoever takes the rows, at any row, `frames` ends without an error.

    The cell is off within the declared latency.
    """
    for rig, technique, row in _left_at_rows(subject):
        watches: list[CellWatch] = []

        def abort_at(rows: int, rig: Rig = rig, row: int = row, watches: list[CellWatch] = watches) -> None:
            if rows >= row and not watches:
                rig.instrument.request_abort()
                watches.append(_watch(rig))

        recording = rig.run([technique], abort_at)
        _require_ended(rig, technique.name, recording, watches, f"an abort behind row {row}")


@check
def off_after_an_abort_at_any_moment(subject: Subject) -> None:
    """The same when another thread asks, at any moment of the technique.

    Asked for before the first row, the cell is never closed and no row comes.
    """
    for technique, realised in _promised(subject):
        for moment in _MOMENTS:
            with subject.rig() as rig:
                _stopped_at(rig, [technique], moment * realised.duration, rig.instrument.request_abort)
        with subject.rig() as rig:
            rig.instrument.prepare([technique])
            rig.instrument.request_abort()
            rows = sum(len(frame) for frame in rig.instrument.frames())
            require(rows == 0, f"{technique.name}: {rows} rows came although an abort was asked for before the first")
            require(not rig.cell_is_on, f"{technique.name}: an abort before the first row left the cell on")


@check
def end_technique_ends_one(subject: Subject) -> None:
    """`end_technique` ends the technique that runs, without an error; behind a single one the cell is off."""
    for technique, realised in _promised(subject):
        with subject.rig() as rig:
            _stopped_at(rig, [technique], 0.4 * realised.duration, rig.instrument.end_technique)


@check
def end_technique_in_a_chain(subject: Subject) -> None:
    """`end_technique` ends the first of two techniques in one go; the next one runs, or else the chain ends.

    Behind both the cell is off.
    """
    pair = _chain(subject)
    with subject.rig() as rig:
        duration = rig.instrument.prepare(pair).durations[0]

        def end_first() -> None:
            rig.clock.sleep(0.4 * duration)
            rig.instrument.end_technique()

        recording = rig.run(pair, meanwhile=end_first)
        require(recording.error is None, f"the end of the first of two was answered with {recording.error!r}")
        require(not rig.cell_is_on, "the cell is on behind a chain whose first technique was ended")
        first = [row for row in recording.rows if row["part"] == 0]
        require(len(first) < recording.realised.rows[0], "the first of two techniques ran to its end")


@check
def a_chain_keeps_the_cell_closed(subject: Subject) -> None:
    """Two techniques in one go: the parts come in their order, the cell is on between them and off behind both."""
    pair = _chain(subject)
    with subject.rig() as rig:
        on: list[bool] = []
        recording = rig.run(pair, lambda rows: on.append(rig.cell_is_on)).raise_error()
        parts = [int(row["part"]) for row in recording.rows]
        require(parts == sorted(parts) and set(parts) == {0, 1}, f"the parts of the rows are {sorted(set(parts))}")
        # The last frame may come when everything is over.
        require(all(on[:-1]), "the cell was open between two techniques of a chain")
        require(not rig.cell_is_on, "the cell is on behind the chain")


def _left_at_rows(subject: Subject) -> Iterator[tuple[Rig, Technique, int]]:
    """Each technique on a fresh twin, with a row behind which it is to be left."""
    for technique, realised in _promised(subject):
        rows = realised.rows[0]
        for row in sorted({1, *(max(1, int(share * rows)) for share in _SHARES)}):
            with subject.rig() as rig:
                yield rig, technique, row


def _promised(subject: Subject) -> list[tuple[Technique, Realised]]:
    """Each technique with what it promises."""
    with subject.rig() as rig:
        instrument = rig.instrument
        return [
            (technique, instrument.prepare([technique])) for technique in subject.techniques(instrument.capabilities)
        ]


def _chain(subject: Subject) -> list[Technique]:
    """Two techniques for one go.

    Raises:
        NotApplicable: the instrument chains none, or has only one that would do.
    """
    with subject.rig() as rig:
        capabilities = rig.instrument.capabilities
        if not capabilities.chain:
            raise NotApplicable("the instrument cannot keep the cell closed between techniques")
        fitting = [t for t in subject.techniques(capabilities) if t.name in _CHAINED]
        if not fitting:
            raise NotApplicable(f"the instrument has none of {', '.join(_CHAINED)}")
        return [fitting[0], fitting[-1]]


def _stopped_at(rig: Rig, techniques: Sequence[Technique], after: float, stop: Callable[[], None]) -> None:
    """Run, while another thread asks for the end ``after`` s."""
    watches: list[CellWatch] = []

    def ask() -> None:
        rig.clock.sleep(after)
        stop()
        watches.append(_watch(rig))

    recording = rig.run(techniques, meanwhile=ask)
    _require_ended(rig, techniques[0].name, recording, watches, f"asked to end after {after:.3g} s")


def _watch(rig: Rig) -> CellWatch:
    return CellWatch(rig, rig.instrument.capabilities.abort_latency + MARGIN)


def _require_ended(rig: Rig, name: str, recording: Recording, watches: Sequence[CellWatch], how: str) -> None:
    require(recording.error is None, f"{name}: {how} was answered with {recording.error!r}")
    require(not rig.cell_is_on, f"{name}: the cell is on behind {how}")
    declared = rig.instrument.capabilities.abort_latency
    for watch in watches:
        took = watch.seconds()
        require(took <= declared, f"{name}: {how}: the cell was off after {took:.3g} s; {declared:g} s are declared")


def _require_safe(rig: Rig, how: str) -> None:
    said = rig.instrument.make_safe()
    require(said.strip(), f"{how}: make_safe does not say what it verified")
    require(not rig.cell_is_on, f"{how}: make_safe said {said!r}, but the cell is on")


CHECKS = (
    off_behind_the_end,
    off_when_nobody_takes_the_rows,
    off_when_the_consumer_raises,
    off_after_an_abort_at_any_row,
    off_after_an_abort_at_any_moment,
    end_technique_ends_one,
    end_technique_in_a_chain,
    a_chain_keeps_the_cell_closed,
)
