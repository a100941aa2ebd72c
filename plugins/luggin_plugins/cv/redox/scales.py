"""Reference electrodes and the offsets between them: what may be converted, and what may not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from luggin.results import Refusal
from luggin.units import parse_with_uncertainty
from luggin_plugins.cv.redox import refusals

_WATER = ("water", "h2o", "d2o", "aqueous")
_HOLD_WATER = ("ag/agcl", "sce", "calomel", "she", "nhe", "rhe", "hg/hg", "hg/ hg", "cu/cuso4")
_HOLD_NO_WATER = ("fc", "ferrocen", "ag/ag+", "ag/agno3", "pseudo", "quasi")


@dataclass(frozen=True)
class Offset:
    """What is added to a potential (V) to have it on another scale, with its standard uncertainty and its source."""

    value: float
    u: float
    to: str
    source: str


@dataclass(frozen=True)
class Stored:
    """One stored difference between two electrodes (V)."""

    begin: str
    to: str
    value: float
    u: float
    medium: str
    source: str


@cache
def stored_offsets() -> tuple[Stored, ...]:
    """The offsets that come with Luggin."""
    text = files("luggin_plugins.cv.redox").joinpath("offsets.json").read_text(encoding="utf-8")
    return tuple(
        Stored(e["from"], e["to"], float(e["value"]), float(e["u"]), e["medium"], e["source"])
        for e in json.loads(text)["offsets"]
    )


def is_water(solvent: str) -> bool:
    """True for water, however it is written."""
    return solvent.strip().lower() in _WATER


def holds_water(electrode: str) -> bool:
    """True for an electrode or scale that has water on its side of the junction."""
    name = electrode.strip().lower()
    return not name.startswith(_HOLD_NO_WATER) and name.startswith(_HOLD_WATER)


def offset_to(to: str, reference: str, sample: Mapping[str, Any], options: Mapping[str, Any]) -> Offset | Refusal:
    """The offset from the reference electrode of a run to another scale, or why there is none.

    Args:
        to: the scale to convert to.
        reference: the electrode against which was measured; empty if it is not known.
        sample: what is known of the sample; its ``solvent`` decides.
        options: ``offset``, ``offset_solvent`` and ``cited`` as given in the protocol.
    """
    solvent = sample.get("solvent")
    if not reference:
        return refusals.reference_unknown(to)
    if not isinstance(solvent, str) or not solvent.strip():
        return refusals.solvent_unknown(to)
    junction = not is_water(solvent) and holds_water(reference)
    if junction and holds_water(to):
        return refusals.aqueous_to_nonaqueous(reference, to, solvent, to)
    if options.get("offset"):
        return _given(to, solvent, options)
    for one in stored_offsets():
        for begin, end, sign in ((one.begin, one.to, 1.0), (one.to, one.begin, -1.0)):
            if (begin, end) == (reference, to) and one.medium.lower() == ("water" if is_water(solvent) else solvent):
                return Offset(sign * one.value, one.u, to, one.source)
    if junction:
        return refusals.aqueous_to_nonaqueous(reference, to, solvent, to)
    return refusals.no_offset(reference, to, to)


def _given(to: str, solvent: str, options: Mapping[str, Any]) -> Offset | Refusal:
    """The offset of the protocol: the zero of the scale against the reference electrode, so it is taken off."""
    measured_in = str(options.get("offset_solvent", "")).strip()
    if not str(options.get("cited", "")).strip():
        return refusals.not_cited(to)
    if not measured_in:
        return refusals.offset_solvent_missing(solvent, to)
    same = measured_in.lower() == solvent.strip().lower() or (is_water(measured_in) and is_water(solvent))
    if not same:
        return refusals.solvents_differ(measured_in, solvent, to)
    value, u = parse_with_uncertainty(str(options["offset"]), "V")
    if not u:
        return refusals.offset_without_uncertainty(str(options["offset"]), to)
    return Offset(-value, u, to, str(options["cited"]))
