"""What is broken on purpose: a technique of each way in which an instrument executes them, and of each kind of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luggin.capabilities import Technique
from luggin.testing.checking import NotApplicable
from luggin.testing.rig import Recording

if TYPE_CHECKING:
    from luggin.testing.subject import Subject

#: An instrument takes its time to obey (lab s).
_OBEYED = 0.05
#: Where the fault comes, as shares of all replies of an undisturbed run: of the first technique of each way in which
#: an instrument executes them, and of one whose rows are read otherwise.
_PLACES, _FEWER_PLACES = (0.0, 0.1, 0.35, 0.6, 0.9), (0.1, 0.6)
_ROWS_OF_THEIR_OWN = ("dpv", "swv", "eis")


@dataclass(frozen=True)
class Case:
    """A technique that lets current flow, and how it goes undisturbed on the dummy.

    Attributes:
        technique: with its parameters.
        stepped: the host goes through it, not the instrument.
        reference: what comes of it.
        replies: how often something came over the line.
        energising: the bytes that close the cell; None if nothing does.
        places: where it is broken, as shares of its replies.
    """

    technique: Technique
    stepped: bool
    reference: Recording
    replies: int
    energising: bytes | None
    places: tuple[float, ...]


def find_cases(subject: Subject) -> list[Case]:
    """A native and a stepped technique, as far as the instrument has them, and those with rows of their own.

    Raises:
        NotApplicable: the simulator puts no faults on lines.
    """
    found: dict[str, Case] = {}
    with subject.rig() as rig:
        if getattr(rig.lab, "faults", None) is None:
            raise NotApplicable("the simulator puts no faults on its lines (its laboratory has no `faults`)")
        capabilities = rig.instrument.capabilities
        for technique in subject.techniques(capabilities):
            declared = capabilities.techniques[technique.name]
            special = technique.name in _ROWS_OF_THEIR_OWN
            key = technique.name if special else declared.execution
            if key in found or not {"current", "impedance_real"} & set(declared.schema.names):
                continue
            rig.said.clear()
            reference = rig.run([technique]).raise_error()
            replies = sum(direction == "<" for _, direction, _ in rig.said)
            closing = _energising_write(subject, rig.writes)
            stepped, places = declared.execution == "stepped", _FEWER_PLACES if special else _PLACES
            found[key] = Case(technique, stepped, reference, replies, closing, places)
    return list(found.values())


def _energising_write(subject: Subject, writes: Sequence[bytes]) -> bytes | None:
    """The first of these writes behind which a fresh twin has its cell on; None if there is none.

    Found by trying, so that the kit need not know the instrument's language.
    """
    with subject.rig() as rig:
        rig.device.close()
        with rig.bare_line() as line:
            for data in writes:
                line.write(data)
                rig.clock.sleep(_OBEYED)
                if rig.cell_is_on:
                    return data
    return None
