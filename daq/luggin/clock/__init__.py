"""Time, handed in.

Two kinds of time run through Luggin. The *lab clock* is the time of the experiment: steps, drivers,
instrument timeouts and limits wait on it, and it may be virtual. The *host clock* is the time of
the computer and always real: sync and publish timers, locks, progress.

Three clocks have one interface:

`RealClock`
    the time that passes.
`ScaledClock`
    ``speed`` times faster, for a simulated instrument in another process.
`VirtualClock`
    jumps to the earliest wake-up as soon as every registered worker waits. Two hours of soak take
    as long as the computing in between. Workers whose time has come are woken one after another, in
    the order of their deadlines and then of their registration: two runs wake in the same order.

Every wait takes cancel tokens, so nothing that waits is out of reach. Between lab workers only the
clock's own queue and joins may be used: a worker that blocks on anything else would hold virtual
time still (and the stall watch would say so).
"""

from __future__ import annotations

from luggin.clock.base import Cancel, Worker
from luggin.clock.computer import ComputerWatch, Disturbance, Moment, moment
from luggin.clock.interface import Clock
from luggin.clock.passing import RealClock, ScaledClock
from luggin.clock.queue import ClockQueue
from luggin.clock.virtual import VirtualClock

__all__ = [
    "Cancel",
    "Clock",
    "ClockQueue",
    "ComputerWatch",
    "Disturbance",
    "Moment",
    "RealClock",
    "ScaledClock",
    "VirtualClock",
    "Worker",
    "moment",
]
