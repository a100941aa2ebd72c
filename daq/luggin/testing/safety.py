"""Checks of `make_safe` and of its exchanges as plain data, which another process replays when ours is dead."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from luggin.capabilities import Technique
from luggin.errors import InstrumentError
from luggin.testing.checking import CheckFailed, check, require
from luggin.testing.rig import Rig
from luggin.testing.subject import Subject
from luggin.transport.dialogue import perform

_ROWS = (1, 7, 23)
#: Nobody who is deaf or mad may be taken for an open cell.
_NONSENSE = (b"", b"\xff?!", b"!7FFF", b"1", b"ON")


@check
def make_safe_reads_back(subject: Subject) -> None:
    """`make_safe` sends the bytes of `safe_dialogue` and says in words what was verified.

    At least one exchange verifies an answer. An instrument that does not answer, or answers nonsense, is never
    called safe.
    """
    with subject.rig() as rig:
        exchanges = rig.device.safe_dialogue()
        require(any(one.verifies and one.expect for one in exchanges), "no exchange verifies an answer")
        before = len(rig.written)
        said = rig.device.make_safe()
        require(said.strip(), "make_safe does not say what it verified")
        sent, wanted = rig.written[before:], b"".join(one.send for one in exchanges)
        require(sent == wanted, f"make_safe sent {sent!r}; safe_dialogue says {wanted!r}")
    for answer in _NONSENSE:
        _, device = subject.stand_in(answer)
        try:
            said = device.make_safe()
        except InstrumentError:
            continue
        raise CheckFailed(f"an instrument that answers everything with {answer!r} was called safe: {said!r}")


@check
def make_safe_at_any_moment(subject: Subject) -> None:
    """`make_safe` opens the cell in the midst of every technique, at once and the second time too."""
    for rig, where in _in_the_midst(subject):
        for _ in range(2):
            said = rig.instrument.make_safe()
            require(not rig.cell_is_on, f"{where}: make_safe said {said!r}, but the cell is on")


@check
def safe_dialogue_opens_the_cell_without_us(subject: Subject) -> None:
    """The exchanges of `safe_dialogue` open the cell in the midst of every technique.

    They are replayed over a bare line by somebody who has no driver.
    """
    for rig, where in _in_the_midst(subject):
        exchanges = rig.device.safe_dialogue()
        rig.device.close()
        with rig.bare_line() as line:
            perform(line, exchanges, rig.clock)
        require(not rig.cell_is_on, f"{where}: the safe dialogue went through, but the cell is on")


def _in_the_midst(subject: Subject) -> Iterator[tuple[Rig, str]]:
    """A twin in the midst of each technique, at some rows; or at rest, if it runs no techniques."""
    with subject.rig() as rig:
        found: list[Technique] = subject.techniques(rig.instrument.capabilities)
    for technique, rows in itertools.product(found, _ROWS):
        with subject.rig() as rig:
            rig.instrument.prepare([technique])
            frames = rig.instrument.frames()
            taken = 0
            while taken < rows:
                taken += len(next(frames))
            where = f"{technique.name} behind row {taken}"
            is_open = rig.instrument.capabilities.techniques[technique.name].cell_open
            require(
                is_open or rig.cell_is_on, f"{where}: the cell is off, although a potential or a current is applied"
            )
            yield rig, where
            frames.close()  # type: ignore[attr-defined]  # a generator, as the engine treats it


CHECKS = (make_safe_reads_back, make_safe_at_any_moment, safe_dialogue_opens_the_cell_without_us)
