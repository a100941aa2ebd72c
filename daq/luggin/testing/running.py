"""Checks of what comes when a technique runs undisturbed on a cell that is known."""

from __future__ import annotations

import contextlib
import math
from itertools import pairwise

from luggin.capabilities import Technique
from luggin.errors import InstrumentError, LugginError, NoInstrument
from luggin.records import Flag
from luggin.testing.checking import CheckFailed, NotApplicable, check, require
from luggin.testing.examples import highest, ohmic
from luggin.testing.rig import MARGIN, Recording
from luggin.testing.subject import Subject
from luggin.testing.truth import largest

# Turning points may be sampled once or twice, the first point at once or after one interval.
_FEW_ROWS = 3
_SHARE = 0.1
_CLOCK_TOLERANCE = 0.02
# A couple in the middle of the example's potentials, in a solution of its reduced form.
_HALF_WAVE = "0.1 V"
_REDOX = {
    "kind": "redox",
    "area": "0.0707 cm2",
    "concentration": "1 mM",
    "diffusion_coefficient": "1e-5 cm2/s",
    "starts_as": "reduced",
    "couples": [{"half_wave_potential": _HALF_WAVE, "rate_constant": "0.1 cm/s"}],
    "solution_resistance": "50 ohm",
    "leak": "100 Mohm",
}
_LEAST_PEAK = 1e-6
#: A value is written with at least so many digits.
_ROUNDED = 1e-3
_STRANGERS = (b"ACME INSTRUMENTS,MODEL 1,0,1.0", b"ERROR", b"?", b"")


@check
def identifies_its_instrument(subject: Subject) -> None:
    """`identify` says maker, model, and serial number or firmware, and leaves the cell off."""
    with subject.rig() as rig:
        said = rig.device.identify()
        require(said.maker.strip() and said.model.strip(), f"identify says no maker or model: {said}")
        require((said.serial + said.firmware).strip(), f"identify says neither serial number nor firmware: {said}")
        require(subject.resource or not rig.cell_is_on, "the cell is on behind identify")


@check
def refuses_strangers(subject: Subject) -> None:
    """Whoever answers something else than this instrument would, or nothing, is refused by `identify`.

    An instrument of another maker, and another model than the bench says, is `NoInstrument`.
    """
    for answer in _STRANGERS:
        _, device = subject.stand_in(answer)
        try:
            said = device.identify()
        except NoInstrument:
            continue
        except InstrumentError as error:
            require(answer != _STRANGERS[0], f"{answer!r} is an instrument of somebody else, but was told as {error}")
            continue
        raise CheckFailed(f"an instrument that answers {answer!r} was taken for {said}")
    others = [model for model in subject.driver.models if model != subject.settings.get("model")]
    if others and not any(_is_refused(subject, model) for model in others):
        raise CheckFailed(f"each of {', '.join(others)} was taken for the model that the bench says")


def _is_refused(subject: Subject, model: str) -> bool:
    """Whether a twin of another model is refused (or cannot be made)."""
    with contextlib.suppress(NotApplicable), subject.rig(model=model) as rig:
        try:
            rig.device.identify()
        except NoInstrument:
            return True
        return False
    return True


@check
def rows_are_as_declared(subject: Subject) -> None:
    """Frames have the promised schema, about the promised rows and duration.

    The instrument's time rises with each row, and no row is older on arrival than the promised latency.
    """
    for technique, recording in subject.undisturbed.values():
        name, rows, realised = technique.name, recording.rows, recording.realised
        promised = realised.rows[0]
        few = max(_FEW_ROWS, _SHARE * promised)
        require(abs(len(rows) - promised) <= few, f"{name}: {len(rows)} rows came, {promised} were promised")
        names = [*realised.schemas[0].names, "received", "part"]
        require(list(rows[0]) == names, f"{name}: rows have {list(rows[0])}, {names} were promised")
        times = recording.column("instrument_time")
        require(
            all(later > earlier for earlier, later in pairwise(times)),
            f"{name}: instrument_time does not rise: {times[:5]} ...",
        )
        interval = realised.durations[0] / promised
        lasted = times[-1] - times[0]
        allowed = few * interval + _CLOCK_TOLERANCE * realised.durations[0]
        # How many periods a point of a spectrum takes is the instrument's affair; what is promised is the most.
        over = lasted - realised.durations[0]
        require(
            (over if name == "eis" else abs(over)) <= allowed,
            f"{name}: lasted {lasted:g} s, {realised.durations[0]:g} s were promised",
        )
        # A real computer may be busy for a moment.
        latency = realised.latency + (MARGIN if subject.resource else 1e-6)
        behind = [row["received"] - row["instrument_time"] for row in rows]
        require(
            max(behind) - min(behind) <= latency,
            f"{name}: rows come up to {max(behind) - min(behind):.3g} s behind the fastest one; the latency promised "
            f"is {realised.latency:g} s",
        )


@check
def no_flag_without_a_reason(subject: Subject) -> None:
    """On a dummy in order, every value is finite and no row has a flag that was not announced as expected."""
    for technique, recording in subject.undisturbed.values():
        expected = recording.realised.expected_flags
        for number, row in enumerate(recording.rows):
            flags = Flag(int(row.get("flags", 0)) & ~expected)
            require(not flags, f"{technique.name}: row {number} has the flag {flags!r}")
            strange = {name: value for name, value in row.items() if not math.isfinite(value)}
            require(strange.keys() <= {"current_range"}, f"{technique.name}: row {number} has {strange}")


@check
def potentials_and_currents_are_right(subject: Subject) -> None:
    """On a dummy resistor each current is potential / resistance, with the sign of the potential.

    (IUPAC: positive is oxidation at W.) Pulses and square waves differ by what they add to the potential, and an
    impedance is the resistance. The potentials are those that were asked for.
    """
    for technique, recording in subject.undisturbed.values():
        require_ohmic(subject, technique, recording)
        if technique.name == "eis":
            _require_bounds(technique, recording.column("frequency"), _frequencies_of(technique), 0.0, "Hz")
            continue
        wanted = _potentials_of(technique, subject.resistance)
        example = max(map(abs, wanted)) or highest(subject.offline_instrument().capabilities)
        allowed = subject.accuracy * example + 1.01 * technique.parameters.get("step", 0.0)
        _require_bounds(technique, recording.column("potential") or recording.column("voltage"), wanted, allowed, "V")


def require_ohmic(subject: Subject, technique: Technique, recording: Recording, scale: float = 0.0) -> None:
    """`CheckFailed` unless all rows are as on the dummy, within the accuracy of the largest one (or of ``scale``)."""
    allowed = subject.accuracy * max(scale, largest(technique, recording, subject.resistance))
    for number, row in enumerate(recording.rows):
        for name, value in ohmic(technique, row, subject.resistance).items():
            require(
                abs(row[name] - value) <= allowed,
                f"{technique.name}: row {number} has {name} {row[name]:.4g}; the dummy has {subject.resistance:g} ohm, "
                f"so it is {value:.4g}",
            )


def _require_bounds(technique: Technique, found: list[float], wanted: list[float], allowed: float, unit: str) -> None:
    for bound, reached in ((min(wanted), min(found)), (max(wanted), max(found))):
        require(
            abs(bound - reached) <= allowed + _ROUNDED * abs(bound),
            f"{technique.name}: it goes from {min(found):.4g} to {max(found):.4g} {unit}; {min(wanted):.4g} ... "
            f"{max(wanted):.4g} {unit} were asked for",
        )


def _frequencies_of(technique: Technique) -> list[float]:
    return [technique.parameters["begin_frequency"], technique.parameters["end_frequency"]]


def _potentials_of(technique: Technique, resistance: float) -> list[float]:
    """The potentials (V) between which a technique stays on the dummy."""
    given = technique.parameters
    if technique.name == "ocp":
        return [0.0]
    if technique.name == "cp":
        return [given["current"] * resistance]
    if technique.name == "ca":
        return [given["potential"]]
    return [given["begin"], given["end"], *given.get("vertices", ())]


@check
def oxidation_is_positive(subject: Subject) -> None:
    """In a solution of a reduced couple, the sweep to positive potentials gives a positive peak.

    The way back gives a negative one.
    """
    with subject.rig(_REDOX) as rig:
        found = [t for t in subject.techniques(rig.instrument.capabilities) if t.name == "cv"]
        if not found:
            raise NotApplicable("the instrument has no cv")
        recording = rig.run(found).raise_error()
    currents = recording.column("current")
    top, bottom = currents.index(max(currents)), currents.index(min(currents))
    require(
        top < bottom and currents[top] > _LEAST_PEAK and currents[bottom] < -_LEAST_PEAK,
        f"the largest current is {currents[top]:.3g} A in row {top}, the smallest {currents[bottom]:.3g} A in row "
        f"{bottom}; the oxidation comes first and is positive",
    )


@check
def each_preparation_runs_once(subject: Subject) -> None:
    """Frames that are asked for again without a new `prepare` are refused; nothing is sent."""
    with subject.rig() as rig:
        technique = subject.techniques(rig.instrument.capabilities)[0]
        rig.run([technique]).raise_error()
        before = rig.written
        try:
            rows = list(rig.instrument.frames())
        except LugginError:
            require(rig.written == before, f"it sent {rig.written[len(before) :]!r} before it refused")
            return
        raise CheckFailed(f"the second time {len(rows)} frames came without a prepare")


CHECKS = (
    identifies_its_instrument,
    refuses_strangers,
    rows_are_as_declared,
    no_flag_without_a_reason,
    potentials_and_currents_are_right,
    oxidation_is_positive,
    each_preparation_runs_once,
)
