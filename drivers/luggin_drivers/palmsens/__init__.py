"""PalmSens instruments that speak MethodSCRIPT: EmStat Pico, Sensit, EmStat4 LR and HR."""

from luggin_drivers.palmsens.driver import PalmSensMethodScript
from luggin_drivers.palmsens.methodscript import MethodScriptInstrument

__all__ = ["PalmSensMethodScript", "MethodScriptInstrument"]
