"""Wire dialects: what an instrument answers to the bytes it gets. No input or output, no clock.

A dialect is found by the name that the bench file gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luggin_sim.dialects.base import Dialect, DialectMaker

if TYPE_CHECKING:
    from luggin.errors import Problem
    from luggin_sim.cells import Cell

__all__ = ["Dialect", "DialectMaker", "DIALECTS", "TEMPERING"]


class _MethodScript:
    """PalmSens' MethodSCRIPT instruments, loaded when one is used."""

    usual_model = "emstat4-hr"

    def check(self, model: str, options: Mapping[str, Any]) -> list[Problem]:
        from luggin_sim.dialects.palmsens_methodscript import check

        return check(model, options)

    def make(self, model: str, options: Mapping[str, Any], cell: Cell) -> Dialect:
        from luggin_sim.dialects.palmsens_methodscript import make

        return make(model, options, cell)


class _SourceMeter:
    """Keithley's 2450, 2460 and 2461, loaded when one is used."""

    usual_model = "2450"

    def check(self, model: str, options: Mapping[str, Any]) -> list[Problem]:
        from luggin_sim.dialects.keithley_2450 import check

        return check(model, options)

    def make(self, model: str, options: Mapping[str, Any], cell: Cell) -> Dialect:
        from luggin_sim.dialects.keithley_2450 import make

        return make(model, options, cell)


class _Ec301:
    """SRS' EC301, loaded when one is used."""

    usual_model = "ec301"

    def check(self, model: str, options: Mapping[str, Any]) -> list[Problem]:
        from luggin_sim.dialects.srs_ec301 import check

        return check(model, options)

    def make(self, model: str, options: Mapping[str, Any], cell: Cell) -> Dialect:
        from luggin_sim.dialects.srs_ec301 import make

        return make(model, options, cell)


class _Rodeostat:
    """IO Rodeo's Rodeostat, loaded when one is used."""

    usual_model = "microamp"

    def check(self, model: str, options: Mapping[str, Any]) -> list[Problem]:
        from luggin_sim.dialects.iorodeo_rodeostat import check

        return check(model, options)

    def make(self, model: str, options: Mapping[str, Any], cell: Cell) -> Dialect:
        from luggin_sim.dialects.iorodeo_rodeostat import make

        return make(model, options, cell)


class _Circulator:
    """Julabo's circulators, loaded when one is used."""

    usual_model = "cf31"

    def check(self, model: str, options: Mapping[str, Any]) -> list[Problem]:
        from luggin_sim.dialects.julabo_circulator import check

        return check(model, options)

    def make(self, model: str, options: Mapping[str, Any], cell: Any) -> Dialect:
        """A freshly switched-on circulator; ``cell`` is the chamber that it tempers."""
        from luggin_sim.dialects.julabo_circulator import make

        return make(model, options, cell)


TEMPERING: Mapping[str, _Circulator] = {"julabo.circulator": _Circulator()}
"""Dialects of instruments that hold no cell but a chamber, in which cells of others may stand."""

DIALECTS: Mapping[str, DialectMaker] = {
    **TEMPERING,
    "iorodeo.rodeostat": _Rodeostat(),
    "keithley.2450": _SourceMeter(),
    "palmsens.methodscript": _MethodScript(),
    "srs.ec301": _Ec301(),
}
