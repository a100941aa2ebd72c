"""Julabo's heating and refrigerated circulators, over a serial line."""

from luggin_drivers.julabo.circulator import Circulator
from luggin_drivers.julabo.driver import JulaboCirculator

__all__ = ["JulaboCirculator", "Circulator"]
