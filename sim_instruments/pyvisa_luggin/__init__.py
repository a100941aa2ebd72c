"""The VISA library `NAME@luggin`: PyVISA finds a backend by the name of its package."""

from luggin_sim.ports.visa_port import LugginVisaLibrary

WRAPPER_CLASS = LugginVisaLibrary

__all__ = ["WRAPPER_CLASS"]
