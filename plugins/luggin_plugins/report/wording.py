"""How the report says things: numbers with their uncertainty, units in words, times, and quantities by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from luggin import units
from luggin.engine.limits import Limit
from luggin_plugins.report.markup import Html, clean, element, escaped, join

_PRINTED = (
    ("ohm", "Ω"),
    ("degC", "°C"),
    ("cm2", "cm²"),
    ("cm3", "cm³"),
    (" (V/s)-0.5", "/√(V/s)"),
    ("(V/s)0.5", "√(V/s)"),
    ("s0.5", "√s"),
)

LONGEST = 400
"""Characters of a single text (a name, a label, a reply) that the report prints."""

_SYMBOLS = {
    "half_wave_potential": ("E", "1/2"),
    "peak_potential": ("E", "p"),
    "half_peak_potential": ("E", "p/2"),
    "peak_separation": ("ΔE", "p"),
    "solution_resistance": ("R", "u"),
    "diffusion_coefficient": ("D", ""),
    "rate_constant": ("k", "0"),
    "activation_energy": ("E", "a"),
    "ionic_conductivity": ("σ", ""),
    "half_wave_gap": ("ΔE", "1/2"),
    "scan_rate_exponent": ("d log I/d log v", ""),
    "log10_comproportionation_constant": ("log K", "c"),
}

_PARAMETERS = {
    "begin": ("begin", "V"),
    "vertices": ("vertices", "V"),
    "end": ("end", "V"),
    "potential": ("potential", "V"),
    "rate": ("scan rate", "V/s"),
    "step": ("potential step", "V"),
    "cycles": ("cycles", ""),
    "quiet": ("quiet time before", "s"),
    "duration": ("duration", "s"),
    "dt": ("one point every", "s"),
    "current_range": ("current range", "A"),
    "current": ("current", "A"),
}

_STATUS = {
    "done": "done",
    "end_step": "ended by a limit",
    "interrupted": "interrupted",
    "failed": "failed",
    "running": "running when this report was made",
    "cut off": "cut off: no end recorded",
}

ELLIPSIS = "…"


def short(text: object, longest: int = LONGEST) -> str:
    """A text of one line, cut where it is endless."""
    line = " ".join(clean(text).split())
    return line if len(line) <= longest else line[: longest - 1] + ELLIPSIS


def minus(text: str) -> str:
    """A number with a true minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")


def with_uncertainty(value: float | None, u: float | None) -> Html:
    """``value ± u`` for people; the whole number stays in the page for programs (``<data value>``)."""
    if value is None or not math.isfinite(value):
        return escaped("no number")
    number, spread, power = units.rounded(value, u)
    said = minus(number) + (f" ± {spread}" if spread else " (no uncertainty stated)")
    if power:
        said = f"({said})" if spread else said
    shown = join([said, join([" · 10", element("sup", minus(str(power)))]) if power else ""])
    return element("data", shown, value=repr(value))


def quantity_name(name: str) -> Html:
    """``half-wave potential E1/2``, with the symbol as it is set in print."""
    words = name.replace("half_wave", "half-wave").replace("half_peak", "half-peak").replace("_", " ")
    if name not in _SYMBOLS:
        return escaped(short(words))
    letter, below = _SYMBOLS[name]
    symbol = join([element("i", letter), element("sub", below) if below else ""])
    return join([words, " ", symbol])


def quantity_unit(name: str, unit: str, reference: str) -> str:
    """The unit; of a potential also what it is against."""
    plain = pretty_unit(unit)
    if unit != "V" or not name.endswith("_potential"):
        return plain
    return f"{plain} vs {reference}" if reference else f"{plain} (reference electrode not stated)"


def pretty_unit(unit: str) -> str:
    """A unit as it is printed: ``uA`` is ``µA``."""
    if unit == "1":
        return ""
    head = "µ" + unit[1:] if unit[:1] == "u" and len(unit) > 1 else unit
    for written, printed in _PRINTED:
        head = head.replace(written, printed)
    return head


def reference_name(sample: Mapping[str, Any]) -> str:
    """``Ag/AgCl (3.5 M KCl)``, or nothing if the sample has no reference electrode."""
    reference = sample.get("reference")
    if isinstance(reference, Mapping):
        kind = reference.get("electrode") or reference.get("name") or reference.get("material") or ""
        fill = reference.get("fill", "")
        return short(f"{kind} ({fill})" if kind and fill else kind, 80)
    return short(reference, 80) if isinstance(reference, str) else ""


def value_with_unit(value: float, unit: str) -> str:
    """A plain number for people: potentials in V, all else with the prefix that keeps it short."""
    if unit == "V":
        return minus(f"{value:.6g}") + " V"
    if unit == "s" and abs(value) >= 60:
        return units.show_duration(value)
    number, _, rest = units.show(value, unit, 5).partition(" ")
    return f"{minus(number)} {pretty_unit(rest)}"


def parameters(realised: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """The parameters of a technique in words; where a potential was asked against another zero, that too."""
    said = []
    for key, value in realised.items():
        if key == "quiet" and not value:
            continue
        name, unit = _PARAMETERS.get(key, (key.replace("_", " "), ""))
        asked = _other_zero(request.get(key))
        said.append(f"{name} {_parameter(key, value, unit)}{asked}")
    return "; ".join(said)


def _parameter(key: str, value: Any, unit: str) -> str:
    if key == "current_range" and value is None:
        return "automatic"
    if isinstance(value, list | tuple):
        return " and ".join(_parameter(key, v, unit) for v in value[:10])
    if isinstance(value, int | float) and not isinstance(value, bool):
        if key == "step":
            return minus(f"{1e3 * value:.4g}") + " mV"
        return value_with_unit(float(value), unit) if unit else f"{value:g}"
    return short(value, 120)


def _other_zero(asked: Any) -> str:
    written = asked if isinstance(asked, str) else " and ".join(map(str, asked)) if isinstance(asked, list) else ""
    return f" (asked for: {short(written, 80)})" if " vs ocp" in written or " vs previous" in written else ""


def request_words(request: Mapping[str, Any]) -> str:
    """What was asked of a step that has no rows, as it was written."""
    said = (f"{k.replace('_', ' ')} {_plain(v)}" for k, v in request.items() if k not in ("do", "id", "label", "role"))
    return short("; ".join(said))


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_plain(v) for v in value[:10]) + (f", {ELLIPSIS}" if len(value) > 10 else "")
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain(v)}" for k, v in list(value.items())[:10])
    return short(value, 120)


def described(value: Any) -> str:
    """A field of the sample: ``glassy carbon, diameter 3.0(1) mm`` for a table of an electrode."""
    if not isinstance(value, Mapping):
        return short(_plain(value))
    naming = ("name", "material", "electrode")
    names = [str(value[k]) for k in naming if value.get(k)]
    rest = [f"{k.replace('_', ' ')} {_plain(v)}" for k, v in value.items() if k not in naming]
    return short(", ".join(names + rest))


def status_words(status: str) -> str:
    """How a step ended."""
    return _STATUS.get(status, short(status, 80))


def short_status(status: str) -> str:
    """How a step ended, in a word or two."""
    return status_words(status).partition(":")[0]


def limit_words(limit: Mapping[str, Any]) -> str:
    """The window of a limit."""
    low, high, unit = limit.get("low"), limit.get("high"), str(limit.get("unit", ""))
    has_low, has_high = _finite(low), _finite(high)
    if limit.get("kind") == "rate":
        shown = Limit(**limit).show
        return f"{shown(float(low or 0.0))} {ELLIPSIS} {shown(float(high or 0.0))}"
    if has_low and has_high:
        return f"{value_with_unit(float(low), unit)} {ELLIPSIS} {value_with_unit(float(high), unit)}"  # type: ignore[arg-type]
    if has_low:
        return f"at least {value_with_unit(float(low), unit)}"  # type: ignore[arg-type]
    return f"at most {value_with_unit(float(high), unit)}" if has_high else "anything"  # type: ignore[arg-type]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def plural(count: int, word: str) -> str:
    """``1 row``, ``2 rows``, ``7 851 rows`` (thin blanks between thousands)."""
    return f"{counted(count)} {word}{'' if count == 1 else 's'}"


def counted(count: int) -> str:
    """A count with narrow blanks between thousands."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


class Times:
    """Run time to the time of day.

    Args:
        moment: the time of day (UTC) of a run time (s), or None if the run does not know when it began.
        zone: the zone of the reader; that of this computer if not given.
    """

    def __init__(self, moment: Callable[[float], datetime | None], zone: tzinfo | None = None) -> None:
        self._moment = moment
        self._zone = zone

    def show(self, run_time: float) -> Html:
        """Local time with its offset; UTC where the mouse rests on it."""
        moment = self._moment(run_time)
        if moment is None:
            return escaped(f"{units.show_duration(run_time)} after the start")
        return self.moment(moment)

    def moment(self, utc: datetime) -> Html:
        """A time of day as local time with its offset."""
        exact = utc.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        local = utc.astimezone(self._zone).isoformat(sep=" ", timespec="seconds")
        return element("time", f"{local[:-6]} {minus(local[-6:])}", datetime=exact, title=f"UTC {exact}")
