"""Why there is no number: the codes for programs and the words for the bench, in one place."""

from __future__ import annotations

from luggin.results import Refusal


def column_missing(names: str, has: str) -> Refusal:
    """A column without which nothing can be said is not there."""
    return Refusal("column-missing", f"the table has no column {names}; it has {has or 'none'}")


def columns_differ(lengths: str) -> Refusal:
    """Columns of one table have different lengths."""
    return Refusal("columns-differ", f"the columns are not of one length ({lengths}): rows cannot be told apart")


def not_a_number(column: str, count: int, row: int) -> Refusal:
    """Readings are missing or not finite."""
    return Refusal(
        "not-finite",
        f"{count} of the {column} readings are not finite numbers (the first in row {row}); "
        "nothing is interpolated, so the voltammogram cannot be evaluated",
    )


def implausible(column: str, worst: float) -> Refusal:
    """A reading that no cell gives."""
    return Refusal("implausible", f"the {column} reaches {worst:.3g}: the file is broken or its units are others")


def time_order(row: int) -> Refusal:
    """Rows are not in the order in which they were measured."""
    return Refusal(
        "time-order",
        f"time runs backwards or stands still at row {row}: the rows are not in the order in which they were measured",
    )


def too_few_points(count: int) -> Refusal:
    """There are hardly any rows."""
    return Refusal("too-few-points", f"only {count} points: a voltammogram cannot be seen in them")


def no_sweep(span_v: float) -> Refusal:
    """The potential was never swept."""
    return Refusal(
        "no-sweep", f"the potential moved by {1e3 * span_v:.1f} mV only: there is no sweep in which a wave could show"
    )


def sampling_too_coarse(step_v: float, label: str = "") -> Refusal:
    """More than 5 mV from point to point."""
    return Refusal(
        "sampling-too-coarse",
        f"one point every {1e3 * step_v:.1f} mV: a peak cannot be located; use 5 mV per point or less (1 mV is good)",
        label,
    )


def few_points_across_peak(count: int, label: str) -> Refusal:
    """The peak has fewer than ten points."""
    return Refusal(
        "too-few-points", f"only {count} points across the peak; at least 10 are needed: use a smaller step", label
    )


def current_sign(turned: str) -> Refusal:
    """The loop runs the wrong way round; ``turned`` is by what the reader turned the current, if it did."""
    if turned:
        return Refusal(
            "current-sign",
            f"the current was turned by {turned} of the file; the loop now runs the wrong way: the current is lower on "
            "the way up than on the way down, everywhere. The file was recorded with anodic current positive, or its "
            "statement was changed later",
        )
    return Refusal(
        "current-sign",
        "the current contradicts the sweep direction: it is lower on the way up than on the way down, everywhere. "
        "Was it recorded with cathodic current positive? Here anodic current is positive; nothing was turned round",
    )


def no_wave(noise_a: float) -> Refusal:
    """Nothing rises above the noise."""
    return Refusal(
        "no-wave",
        f"no wave stands out of the noise ({noise_a:.2g} A) in any sweep: no peak, no potential",
    )


def no_return_peak(direction: str, potential_v: float, label: str) -> Refusal:
    """The product does not come back."""
    other = "oxidation" if direction == "cathodic" else "reduction"
    return Refusal(
        "no-return-peak",
        f"the {direction} peak at {potential_v:.3f} V has no {other} peak above the noise on the way back: "
        "the product was lost or its return is too slow; only the peak potential is given",
        label,
    )


def incomplete_sweep(direction: str, potential_v: float, label: str) -> Refusal:
    """The sweep back ended before the return peak could appear."""
    return Refusal(
        "incomplete-sweep",
        f"the sweep back ended before the return peak of the {direction} peak at {potential_v:.3f} V could appear",
        label,
    )


def cut_within_peak(direction: str, potential_v: float, label: str = "") -> Refusal:
    """The rows end where the current still rises, and the sweep was to go on."""
    return Refusal(
        "incomplete-sweep",
        f"the rows end at {potential_v:.3f} V, where the {direction} current still rises (or has only just passed its "
        "peak): the voltammogram was cut short",
        label,
    )


def at_vertex(direction: str, potential_v: float, label: str = "") -> Refusal:
    """The highest current is the turning point."""
    return Refusal(
        "peak-at-vertex",
        f"the {direction} current still rises (or has only just passed its peak) where the sweep ends at "
        f"{potential_v:.3f} V: the sweep turns on the wave; extend the scan by 0.1 V or more",
        label,
    )


def peaks_too_far_apart(separation_v: float, limit_v: float, label: str) -> Refusal:
    """Too slow to speak of a half-wave potential."""
    return Refusal(
        "peaks-too-far-apart",
        f"the peaks are {1e3 * separation_v:.0f} mV apart (limit {1e3 * limit_v:.0f} mV): slow electron transfer or "
        "uncompensated resistance; their midpoint is no half-wave potential, only the peak potentials are given",
        label,
    )


def overload(label: str, what: str) -> Refusal:
    """The instrument was not measuring at the peak."""
    return Refusal(
        "overload", f"{what} within the peak: its height and place are the instrument's, not the cell's", label
    )


def gap(label: str, width_v: float) -> Refusal:
    """Rows are missing within the peak."""
    return Refusal("gap", f"readings are missing over {1e3 * width_v:.0f} mV within the peak", label)


def overlapping(gap_v: float, label: str) -> Refusal:
    """Two waves cannot be told apart well enough."""
    return Refusal(
        "waves-overlap",
        f"the next wave is only {1e3 * gap_v:.0f} mV away: below 75 mV two waves cannot be told apart",
        label,
    )


def too_many_waves(count: int) -> Refusal:
    """Bumps everywhere."""
    return Refusal(
        "too-many-waves",
        f"{count} bumps stand out: this is a disturbance (drift, bubbles, a loose contact), no set of couples",
    )


def not_a_wave(misfit: float, label: str) -> Refusal:
    """A pair of bumps that diffusion does not make."""
    return Refusal(
        "not-a-wave",
        f"the two peaks do not have the shape of a diffusion wave ({100 * misfit:.0f} % of the height is left over): "
        "drift, adsorption or another disturbance",
        label,
    )


def two_in_one(gap_v: float, label: str) -> Refusal:
    """One pair of peaks that are two couples."""
    return Refusal(
        "waves-overlap",
        f"the shape is that of two waves about {1e3 * gap_v:.0f} mV apart under one pair of peaks: their midpoint "
        "belongs to neither of them",
        label,
    )


def couple_not_found(label: str, near_v: float) -> Refusal:
    """A couple that was asked for is not there."""
    return Refusal("couple-not-found", f"no wave was found within 0.15 V of {near_v:.3f} V", label)


def no_resistance(said: str, why: str) -> Refusal:
    """A resistance that was to be taken into account is not known."""
    return Refusal(
        "resistance-unknown",
        f"the resistance {said!r} is not known: {why}. Name a solution_resistance step of this run, or write a "
        'quantity such as "120(5) ohm"',
    )


def no_blank(said: str, why: str) -> Refusal:
    """A blank that was to be taken off is not there."""
    return Refusal("blank-missing", f"the blank {said!r} cannot be taken off: {why}")


def blank_differs(said: str, why: str) -> Refusal:
    """A blank that was measured in another way."""
    return Refusal(
        "blank-differs",
        f"the blank {said!r} cannot be taken off: {why}. A blank needs the same rate, window and step",
    )


def follow_up_reaction(ratio: float, label: str) -> Refusal:
    """Most of the product is gone before the scan comes back."""
    return Refusal(
        "follow-up-reaction",
        f"the return peak has {100 * ratio:.0f} % of the forward peak's height: the product reacts on, and moves the "
        "peaks; scan faster. The peak potentials are given",
        label,
    )


def steady_state(label: str = "") -> Refusal:
    """A sigmoid, no peaks."""
    return Refusal(
        "steady-state",
        "the current goes to a plateau and follows the same way back: diffusion from all sides (a small electrode, a "
        "slow scan or stirring); peaks of planar diffusion are not there",
        label,
    )


def radial(share: float, label: str) -> Refusal:
    """Much of the current comes from the sides."""
    return Refusal(
        "radial-diffusion",
        f"{100 * share:.0f} % of the wave's current is that of diffusion from all sides (a small electrode or a slow "
        "scan): the midpoint of planar diffusion does not hold; scan faster or use a larger electrode",
        label,
    )


def rates_disagree(difference_v: float, u_v: float, label: str) -> Refusal:
    """The half-wave potential depends on the scan rate."""
    return Refusal(
        "rates-disagree",
        f"scans at different rates differ by {1e3 * difference_v:.1f} mV, more than three times the uncertainty "
        f"({1e3 * u_v:.1f} mV): resistance, slow transfer or a reaction is in the midpoint. The values of each "
        "scan are in the table of waves",
        label,
    )


def close_waves_not_described(gap_v: float, label: str) -> Refusal:
    """Waves that only a fit of all of them could separate, and the fit does not describe them."""
    return Refusal(
        "waves-overlap",
        f"the next wave is only {1e3 * gap_v:.0f} mV away, and diffusion waves do not describe the current well enough "
        "to tell the two apart",
        label,
    )


def nothing_to_evaluate(helpers: str) -> Refusal:
    """Only blanks and resistances were given."""
    return Refusal("no-data", f"there is no cyclic voltammogram beside {helpers}" if helpers else "there is no cv")
