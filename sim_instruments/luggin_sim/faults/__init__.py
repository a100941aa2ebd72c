"""What goes wrong on a line and in an instrument: seeded, in lab time, the same again every time.

From a test, in this process::

    faults = lab.faults("cell")  # of `luggin_sim.bench.Lab`; any thread may use it
    faults.inject("garbage", seed=7)  # the next reply has a byte that nobody sent
    faults.inject("truncate", after=2, keep=5)  # two good replies, then one of 5 bytes
    faults.inject("stall", duration=3.0)  # from now on nothing for 3 s, then everything late
    faults.inject("mute")  # never answers again ...
    faults.clear("mute")  # ... until told; without a kind all faults end
    faults.unplug()  # whoever has the port open is told; opening fails
    faults.replug()  # the port can be opened anew; the old one stays dead
    faults.inject("unplug", keep=4, duration=0.0)  # hangs up in the middle of the next reply
    faults.reboot()  # settings, scripts and buffers lost, cell open
    lab.swap("cell", "bath")  # exchanges two cables
    faults.events  # what has happened, with the bytes before and after

From a bench file, where times have units and ``for`` is the duration::

    [simulated.cell]
    faults = [
      {kind = "stall", at = "12 s", for = "5 s"},
      {kind = "garbage", probability = 0.001, seed = 7},
    ]

From another process, over the control port of ``luggin sim``::

    {"ask": "fault", "instrument": "cell", "kind": "stall", "for": "5 s"}
    {"ask": "clear", "instrument": "cell", "kind": "stall"}

`KINDS` has all kinds. A *reply* is what an instrument sends at one moment: an answer, or the lines of one
measured point.

**When.** A fault acts at once, or from ``at`` (lab s since the laboratory was opened); ``after`` so many
replies or ``after_bytes`` (whichever is given, counted from then on); and then on each reply with a
``probability``, by a generator with a ``seed`` of its own.

**How often, how long.** What befalls single replies does so ``count`` times: once if nothing is said, without
end if there is a probability, or all the time for a ``duration`` (``for``). What lasts (`Kind.lasts`) begins
``count`` times and lasts for its ``duration``, or until it is cleared.
"""

from luggin_sim.faults.course import FaultCourse
from luggin_sim.faults.injector import FaultInjector
from luggin_sim.faults.kinds import KINDS, Fault, Kind
from luggin_sim.faults.table import read_fault, read_faults

__all__ = ["KINDS", "Fault", "FaultCourse", "FaultInjector", "Kind", "read_fault", "read_faults"]
