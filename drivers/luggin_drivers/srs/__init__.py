"""Stanford Research Systems' electrochemical instruments: the EC301."""

from luggin_drivers.srs.driver import SrsEc301
from luggin_drivers.srs.potentiostat import Ec301

__all__ = ["Ec301", "SrsEc301"]
