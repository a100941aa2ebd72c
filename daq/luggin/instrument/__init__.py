"""What a driver is made of: declarations that read like the manual's command table."""

from luggin.instrument.base import Instrument
from luggin.instrument.declarations import Action, Reading, Setting, action, reading, setting

__all__ = ["Action", "Instrument", "Reading", "Setting", "action", "reading", "setting"]
