"""Keithley source-measure units with a touch screen: 2450, 2460, 2461, and their EC kits."""

from luggin_drivers.keithley.driver import Keithley2450
from luggin_drivers.keithley.sourcemeter import SourceMeter

__all__ = ["Keithley2450", "SourceMeter"]
