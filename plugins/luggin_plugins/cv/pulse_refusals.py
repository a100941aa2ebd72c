"""Why a pulse voltammogram gives no half-wave potential, or no number at all."""

from __future__ import annotations

from luggin.results import Refusal


def not_a_staircase(label: str) -> Refusal:
    """The levels do not go one way."""
    return Refusal(
        "not-a-staircase",
        "the potential does not go from level to level in one direction: these are not the rows of one dpv or swv",
        label,
    )


def too_coarse(step_v: float, largest_v: float, label: str) -> Refusal:
    """Too few levels to a peak."""
    return Refusal(
        "sampling-too-coarse",
        f"one level every {1e3 * step_v:.1f} mV: a peak needs eight of them or more over its breadth; take steps of "
        f"{1e3 * largest_v:.0f} mV or less",
        label,
    )


def no_peak(noise_a: float, label: str) -> Refusal:
    """Nothing stands out of the noise."""
    noise = f" (noise of a point {1e9 * noise_a:.3g} nA)" if noise_a else ""
    return Refusal("no-peak", f"no peak stands out of the noise{noise}", label)


def wrong_sign(direction: int, label: str) -> Refusal:
    """All peaks point the other way."""
    sense = "cathodic scan, whose peaks are negative" if direction < 0 else "anodic scan, whose peaks are positive"
    return Refusal(
        "wrong-sign",
        f"this is a {sense} where oxidation is a positive current, but its peaks have the other sign; was the current "
        "recorded in the American convention? Nothing is turned round here",
        label,
    )


def at_the_edge(potential_v: float, label: str) -> Refusal:
    """One half of a peak is missing."""
    return Refusal(
        "peak-at-edge",
        f"the current peaks at the end of the window ({potential_v:.3f} V), so that only a part of a peak is there; "
        "move begin or end by 0.2 V",
        label,
    )


def overloaded(rows: int, label: str) -> Refusal:
    """The current meter was overloaded in a peak."""
    return Refusal(
        "overload", f"the current was beyond its range in {rows} rows of this peak: its top may be cut off", label
    )


def parameters_missing(technique: str, label: str) -> Refusal:
    """What the pulses were is not known."""
    needed = "amplitude, frequency" if technique == "swv" else "pulse, pulse time, step and rate"
    return Refusal(
        "parameters-missing",
        f"{needed} of this {technique} are not known, so it cannot be told how far its peaks lie from the half-wave "
        "potentials, nor how broad they should be",
        label,
    )


def too_broad(stretch: float, breadth_v: float, expected_v: float, label: str) -> Refusal:
    """Slower than a reversible couple, or more than one couple."""
    return Refusal(
        "too-broad",
        f"the peak is {1e3 * breadth_v:.0f} mV broad at half height, a reversible one {1e3 * expected_v:.0f} mV (its "
        f"Nernst slope is {stretch:.2f} times the expected one): electron transfer is slow, resistance or a second "
        "couple broadens it, so the peak does not stand where theory puts it",
        label,
    )


def too_narrow(stretch: float, breadth_v: float, expected_v: float, label: str) -> Refusal:
    """More electrons than were said, or adsorption."""
    return Refusal(
        "too-narrow",
        f"the peak is {1e3 * breadth_v:.0f} mV broad at half height, a reversible one {1e3 * expected_v:.0f} mV (its "
        f"Nernst slope is {stretch:.2f} of the expected one): more electrons than were given (option n), or adsorption",
        label,
    )


def not_of_this_shape(share: float, label: str) -> Refusal:
    """The rows do not lie on the curve that theory draws."""
    return Refusal(
        "not-a-wave",
        f"the rows lie {1e2 * share:.0f} % of its height off the curve of any single couple: no half-wave potential "
        "can be read from it",
        label,
    )
