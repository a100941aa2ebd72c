"""Checks of what one technique leaves behind for the next: ranges, levels and limits that fit the last one only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from luggin.capabilities import MeasuringInstrument, Technique
from luggin.errors import LimitError, NotSupported
from luggin.records import Flag
from luggin.testing.checking import NotApplicable, check, require
from luggin.testing.examples import example, highest
from luggin.testing.rig import Rig
from luggin.testing.running import require_ohmic
from luggin.testing.subject import Subject

#: The highest potentials (V) that are tried, as far as the instrument goes so far, and the low one.
_HIGH, _LOW = (3.0, 2.0, 1.0), 0.1
#: The lowest potential, as a share of the highest one.
_OTHER_SIDE = -0.5
#: Of what the instrument can do.
_SHARE_OF_POTENTIAL, _SHARE_OF_CURRENT = 0.9, 0.5
#: From the largest current to the one that must be measurable.
_ROOM = 1.1
_WITH_CURRENT_RANGE = ("ca", "lsv", "cv", "dpv", "swv", "eis")


@check
def a_low_range_follows_a_high_one(subject: Subject) -> None:
    """Each technique runs with large potentials and currents, then with small ones, then with large ones again.

    So does another technique behind it: nothing that the last one has left behind (level, range, limit) is in the
    way, and every row is right.
    """
    with subject.rig() as rig:
        instrument = rig.instrument
        names = [technique.name for technique in subject.techniques(instrument.capabilities)]
        runs = list(_runs(subject, instrument, [name for name in names if name not in subject.examples]))
        if not runs:
            raise NotApplicable("there is no example of any of its techniques that comes in two sizes")
        before = "switching on"
        for size, technique in runs:
            _run(rig, technique, f"{technique.name} in the {size} range behind {before}")
            before = f"{technique.name} in the {size} one"


def _runs(subject: Subject, instrument: MeasuringInstrument, names: Sequence[str]) -> Iterator[tuple[str, Technique]]:
    """High, low and high again of each; behind all of them once more the first one low, and the open cell."""
    highs = _highs(subject, instrument)
    pairs = {
        name: (high, low)
        for name in names
        if (high := _fitting(subject, instrument, name, highs)) and (low := _fitting(subject, instrument, name, [_LOW]))
    }
    for high, low in pairs.values():
        yield from (("high", high), ("low", low), ("high", high))
    for name in dict.fromkeys((*list(pairs)[:1], *({"ocp"} & set(pairs)))):
        yield "low", pairs[name][1]


def _highs(subject: Subject, instrument: MeasuringInstrument) -> list[float]:
    """The large potentials that may be tried (V), highest first; at last the example's own."""
    can = instrument.capabilities
    most = _SHARE_OF_POTENTIAL * min(can.potential.high, can.potential.low / _OTHER_SIDE)
    most = min(most, _SHARE_OF_CURRENT * can.current.high * subject.resistance)
    return [*(high for high in _HIGH if high <= most), highest(can)]


def _fitting(subject: Subject, instrument: MeasuringInstrument, name: str, highs: Sequence[float]) -> Technique | None:
    """The example with the first of the potentials that the instrument takes; None if it takes none of them."""
    for high in highs:
        found = example(name, instrument.capabilities, subject.resistance, (_OTHER_SIDE * high, high))
        if found is None:
            return None
        if name in _WITH_CURRENT_RANGE:
            needed = {"current_range": _ROOM * high / subject.resistance}
            found = Technique(name, {**found.parameters, **needed})
        try:
            instrument.prepare([found])
        except (LimitError, NotSupported):
            continue
        return found
    return None


def _run(rig: Rig, technique: Technique, how: str) -> None:
    recording = rig.run([technique])
    require(recording.error is None, f"{how}: {recording.error!r}")
    require(recording.rows, f"{how}: no row came")
    for number, row in enumerate(recording.rows):
        flags = Flag(int(row.get("flags", 0)) & ~recording.realised.expected_flags)
        require(not flags, f"{how}: row {number} has the flag {flags!r}")
    # What an instrument resolves is asked of the example's size, not of a tenth of it.
    scale = highest(rig.instrument.capabilities) / rig.subject.resistance
    require_ohmic(rig.subject, technique, recording, scale)


CHECKS = (a_low_range_follows_a_high_one,)
