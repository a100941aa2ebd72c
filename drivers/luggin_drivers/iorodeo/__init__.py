"""IO Rodeo's Rodeostat: an open potentiostat that speaks JSON."""

from luggin_drivers.iorodeo.driver import IORodeoRodeostat
from luggin_drivers.iorodeo.rodeostat import Rodeostat

__all__ = ["IORodeoRodeostat", "Rodeostat"]
