"""The drivers that come with Luggin. Found through the entry point ``luggin``: ``drivers``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from luggin.capabilities import Driver

hookimpl = pluggy.HookimplMarker("luggin")


@hookimpl
def luggin_drivers() -> list[Driver]:
    """The drivers of this package; imported only when somebody asks for them."""
    from luggin_drivers.iorodeo import IORodeoRodeostat
    from luggin_drivers.julabo import JulaboCirculator
    from luggin_drivers.keithley import Keithley2450
    from luggin_drivers.palmsens import PalmSensMethodScript
    from luggin_drivers.srs import SrsEc301

    return [PalmSensMethodScript(), Keithley2450(), JulaboCirculator(), SrsEc301(), IORodeoRodeostat()]


__all__ = ["luggin_drivers"]
