"""Whether this is the board that the bench file means, and whether somebody looked at the sign of its currents."""

from __future__ import annotations

from luggin.errors import NoInstrument, UsageError
from luggin_drivers.iorodeo.settings import Settings
from luggin_drivers.iorodeo.tables import MODELS, Model

_SHOWN = 80
_SIMULATED = "sim://"


def stranger(answer: bytes, expected: Model, name: str, resource: str) -> NoInstrument:
    """The error of somebody who answers otherwise than a Rodeostat does, or not at all."""
    came = f"answered {answer[:_SHOWN]!r}, which is no Rodeostat" if answer else "did not answer"
    return NoInstrument(f"{name}: {resource} {came}. Is the {expected.title} plugged in, and is this its port?")


def require_variant(variant: str, expected: Model, name: str, resource: str) -> None:
    """NoInstrument if another board answers."""
    if variant in expected.variants:
        return
    known = [f"{m.title} (model = {key!r})" for key, m in MODELS.items() if variant in m.variants]
    answers = known[0] if known else repr(variant)
    raise NoInstrument(f"{name}: the bench file says {expected.title}, but {answers} answers at {resource}")


def require_polarity(settings: Settings, name: str, resource: str) -> None:
    """UsageError for a real board whose sign nobody has looked at: a wrong sign is worse than no number.

    A simulated board has no secret.
    """
    if settings.polarity is not None or resource.startswith(_SIMULATED):
        return
    raise UsageError(
        f"{name}: which sign an oxidation has on a Rodeostat is not documented. Put a resistor in the place of the "
        'cell (W to one end, reference and counter to the other), measure it once with polarity = "iupac" in the '
        "settings of this instrument, and look: with a positive potential the current must be positive. If it is "
        'negative, write polarity = "inverted".'
    )
