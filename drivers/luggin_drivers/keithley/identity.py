"""Whether this is the instrument that the bench file means, and whether it speaks SCPI."""

from __future__ import annotations

import re

from luggin.errors import NoInstrument
from luggin.instrument.scpi import Identification
from luggin_drivers.keithley.tables import MODELS, Model

_SHOWN = 80


def require_model(said: Identification, expected: Model, name: str, resource: str) -> None:
    """NoInstrument if somebody else answers, or another model. An EC kit is its model with a suffix."""
    if not said.maker.upper().startswith("KEITHLEY"):
        raise NoInstrument(f"{name}: {resource} answers {said.raw[:_SHOWN]!r}; this driver speaks to a Keithley")
    model = re.sub(r"^MODEL\s+", "", said.model, flags=re.IGNORECASE)
    if model.partition("-")[0] != expected.number:
        known = next((f" (model = {key!r})" for key, m in MODELS.items() if m.number == model), "")
        raise NoInstrument(
            f"{name}: the bench file says {expected.title}, but a Keithley {model}{known} answers at {resource}"
        )


def require_scpi(language: str, model: Model, name: str, resource: str) -> None:
    """NoInstrument if the instrument is set to another command set."""
    if language != "SCPI":
        raise NoInstrument(
            f"{name}: the {model.title} at {resource} is set to the command set {language}; this driver speaks SCPI. "
            "At the instrument: MENU, System > Settings, Command Set = SCPI, then switch it off and on (or send "
            "*LANG SCPI, and switch it off and on)."
        )
