"""Why a series of scan rates gives no number: the codes for programs and the words for the bench."""

from __future__ import annotations

from collections.abc import Sequence

from luggin.results import Refusal


def _rate(volts_per_second: float) -> str:
    return f"{1e3 * volts_per_second:.4g} mV/s"


def too_few_rates(count: int, label: str = "") -> Refusal:
    """A line through two points is always straight."""
    return Refusal(
        "too-few-rates",
        f"peaks were read at {count} different scan rate{'' if count == 1 else 's'}; 3 or more are needed to see "
        "whether they follow a law",
        label,
    )


def rates_too_close(slowest: float, fastest: float, least: float) -> Refusal:
    """The rates hardly differ."""
    return Refusal(
        "rates-too-close",
        f"the scan rates span {_rate(slowest)} to {_rate(fastest)} only; the fastest must be {least:g} times the "
        "slowest or more, such as 50 mV/s to 500 mV/s",
    )


def not_at_all_rates(missing: Sequence[float], why: str, label: str) -> Refusal:
    """A couple was lost on the way."""
    rates = ", ".join(_rate(v) for v in missing)
    reason = f" ({why})" if why else ""
    return Refusal(
        "couple-not-at-all-rates",
        f"its two peaks could not be read at {rates}{reason}: what is left would be a choice of data, not a series",
        label,
    )


def half_wave_moves(slowest: str, fastest: str, label: str) -> Refusal:
    """E1/2 depends on the scan rate."""
    return Refusal(
        "half-wave-moves",
        f"the half-wave potential moves with the scan rate by more than 3 u (from {slowest} to {fastest}): "
        "uncompensated resistance, an unsymmetrical slow transfer or a follow-up reaction; none of its values is "
        "a property of the couple",
        label,
    )


def not_diffusion(slope: float, u: float, label: str) -> Refusal:
    """The peak current does not go with the square root of the scan rate."""
    return Refusal(
        "not-diffusion",
        f"the peak current goes as v^{slope:.3f} (u {u:.3f}), not as v^0.5: the Randles-Sevcik equation does not hold",
        label,
    )


def area_unknown() -> Refusal:
    """No electrode area."""
    return Refusal(
        "area-unknown",
        'the sample does not say how large the working electrode is; write working = {material = "glassy carbon", '
        'diameter = "3.0(1) mm"}: without it there is no diffusion coefficient',
    )


def concentration_unknown() -> Refusal:
    """No concentration."""
    return Refusal(
        "concentration-unknown",
        'the sample does not say the concentration; write concentration = "0.50(1) mM": without it there is no '
        "diffusion coefficient",
    )


def resistance_unknown(label: str) -> Refusal:
    """Resistance widens peaks just as slow transfer does."""
    return Refusal(
        "resistance-not-excluded",
        "the peaks move apart with the scan rate, but the resistance of the solution is not known, and it moves them "
        'apart in the same way; give resistance = "120(5) ohm" or the id of the step that measured it',
        label,
    )


def separation_constant(label: str) -> Refusal:
    """The separation does not tell anything about the rate of transfer."""
    return Refusal(
        "separation-constant",
        "the separation of the peaks does not change with the scan rate beyond its uncertainty: nothing of the rate "
        "of transfer can be seen in it",
        label,
    )


def out_of_reach(psi_low: float, psi_high: float, label: str) -> Refusal:
    """Psi outside of what the separation can tell."""
    which = "too fast: scan faster" if psi_low > 1 else "too slow: scan slower"
    return Refusal(
        "psi-out-of-range",
        f"psi is {psi_low:.2g} to {psi_high:.2g} at these scan rates; between 0.1 and 7 the separation of the peaks "
        f"tells it. The transfer is {which}",
        label,
    )


def not_consistent(label: str) -> Refusal:
    """One k0 does not describe all rates."""
    return Refusal(
        "separation-not-of-theory",
        "one rate constant does not describe the separations at all scan rates (they differ by more than 3 u): the "
        "resistance, the transfer coefficient or the mechanism is another",
        label,
    )


def no_diffusion_coefficient(label: str) -> Refusal:
    """Psi without D is no k0."""
    return Refusal(
        "diffusion-coefficient-missing",
        "psi is known, but the rate constant also needs the diffusion coefficient, which was refused",
        label,
    )


def waveform_unknown(label: str) -> Refusal:
    """A staircase moves the peaks apart, too."""
    return Refusal(
        "waveform-unknown",
        "nothing says whether the sweep was a ramp or a staircase, and a staircase alone could move the peaks as far "
        'apart as they are; if the instrument makes a linear ramp, write waveform = "ramp"',
        label,
    )
