"""Why a potential is not converted: the codes for programs and the words for the bench."""

from __future__ import annotations

from luggin.results import Refusal


def no_standard(name: str, why: str) -> Refusal:
    """The internal standard is nowhere."""
    return Refusal("no-internal-standard", f"{name} was not found in any voltammogram: {why}", name)


def standard_not_named(name: str) -> Refusal:
    """Several waves, and none of them is called the standard."""
    return Refusal(
        "standard-not-known",
        f'nothing says which wave is {name}: give near = "0.40 V", or record it alone in a step with '
        'role = "reference"',
        name,
    )


def standard_not_alone(name: str, count: int) -> Refusal:
    """The voltammogram that should show the standard alone shows more."""
    return Refusal(
        "standard-ambiguous",
        f'the voltammogram with role "reference" shows {count} couples; say which one is {name} with near = "0.40 V"',
        name,
    )


def reference_unknown(label: str = "") -> Refusal:
    """No reference electrode is named."""
    return Refusal(
        "reference-unknown",
        "the sample does not say against which reference electrode was measured: nothing can be converted",
        label,
    )


def solvent_unknown(label: str = "") -> Refusal:
    """No solvent is named."""
    return Refusal(
        "solvent-unknown",
        "the sample does not say the solvent: whether an offset holds in it cannot be known",
        label,
    )


def aqueous_to_nonaqueous(reference: str, to: str, solvent: str, label: str = "") -> Refusal:
    """The junction between water and the solvent is part of the number."""
    return Refusal(
        "aqueous-to-nonaqueous",
        f"{reference} holds water, and the solution is {solvent}: the potential between the two is not known and "
        f"differs from cell to cell, so that no stored offset leads to {to}. Add an internal standard "
        "(ferrocene) to the solution, and name it with standard",
        label,
    )


def solvents_differ(measured_in: str, solvent: str, label: str = "") -> Refusal:
    """The offset is from another solvent."""
    return Refusal(
        "offset-of-another-solvent",
        f"the offset was measured in {measured_in}, and the solution is {solvent}: offsets are not carried over",
        label,
    )


def offset_solvent_missing(solvent: str, label: str = "") -> Refusal:
    """Nothing says where the offset holds."""
    return Refusal(
        "offset-solvent-missing",
        "nothing says in which solvent the offset was measured; if it was this one, write "
        f'offset_solvent = "{solvent}"',
        label,
    )


def not_cited(label: str = "") -> Refusal:
    """An offset from nowhere."""
    return Refusal(
        "offset-not-cited",
        'an offset counts only with its source; write cited = "author, journal, year, page" beside it',
        label,
    )


def offset_without_uncertainty(offset: str, label: str = "") -> Refusal:
    """An offset as if it were exact."""
    return Refusal(
        "offset-without-uncertainty",
        f'the offset {offset} has no uncertainty; write it in parentheses, such as "0.400(5) V"',
        label,
    )


def no_offset(reference: str, to: str, label: str = "") -> Refusal:
    """None is stored and none was given."""
    return Refusal(
        "no-offset",
        f"no offset from {reference} to {to} is stored with a source; give one with offset, offset_solvent and cited, "
        "or an internal standard with standard",
        label,
    )
