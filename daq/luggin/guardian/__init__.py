"""The guardian: a process beside the runner that makes the lines safe when the runner cannot any more.

It knows no driver. What it is told at its start, as plain data, is which lines there are and by
which exchanges each is made safe (`Orders`); what it did is in ``guardian.log`` of the run.
It is built of the standard library and the transport layer alone, so that it starts quickly and
little of it can fail.
"""

from luggin.guardian.orders import GuardedLine, Orders
from luggin.guardian.record import Intervention, read_interventions

__all__ = ["GuardedLine", "Intervention", "Orders", "read_interventions"]
