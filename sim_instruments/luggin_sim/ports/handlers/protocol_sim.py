"""pyserial's entry to simulated lines: it takes the class `Serial` of this module."""

from luggin_sim.ports.serial_port import Serial

__all__ = ["Serial"]
