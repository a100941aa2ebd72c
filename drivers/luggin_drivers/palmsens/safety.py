"""Opening the cell, and verifying it: exchanges as plain data, for this driver and for the guardian.

No command reads the state of the cell. A run-time error ends a script without ``on_finished:``,
so whatever happened before, the way is: stop the script, run ``cell_off``, and ask for one
open-circuit point, which the instrument refuses with error 0014 while the cell is on.
"""

from __future__ import annotations

from luggin.capabilities import Exchange
from luggin_drivers.palmsens import script
from luggin_drivers.palmsens.settings import Settings
from luggin_drivers.palmsens.stream import PAUSE_AFTER_ERROR
from luggin_drivers.palmsens.tables import MEASURED_POTENTIAL

_STOP_TIMEOUT = 5.0
_SCRIPT_TIMEOUT = 3.0
_POINT = 0.1

# Answer to the abort: "no script runs", or the acknowledgement and the rest of the script up to its empty line.
_STOPPED = r"(?m)^Z!0006[^\n]*\n|^Z\n(?:[^\n]+\n)*\n"
# Acknowledgement, then the end of the script, and no error between them.
_SCRIPT_DONE = r"(?m)^e[^!\n]*\n(?:[^!\n]+\n)*\n"
# The same with at least one measured potential.
_POINT_MEASURED = rf"(?m)^e[^!\n]*\n(?:[^!\n]+\n)*?P{MEASURED_POTENTIAL}[^!\n]+\n(?:[^!\n]+\n)*\n"


def cell_off_script(settings: Settings) -> tuple[str, ...]:
    """Two lines that open the cell."""
    return (script.command("set_pgstat_chan", settings.channel), "cell_off")


def verification_script(settings: Settings) -> tuple[str, ...]:
    """One point at open circuit: an error (0014) while the cell is on."""
    mode = settings.mode or settings.table.automatic_modes[0]
    head = script.command("meas_loop_ocp", "p", _POINT, _POINT)
    return (
        *script.declare("p"),
        script.command("set_pgstat_chan", settings.channel),
        script.command("set_pgstat_mode", mode),
        *script.measurement_loop(head, ["p"], timed=False),
        *script.finished(),
    )


def safe_exchanges(settings: Settings) -> tuple[Exchange, ...]:
    """Stop, open the cell, verify; before and after the stop, wait out the pause after an error."""
    pause = PAUSE_AFTER_ERROR
    cell_off = script.load_and_run(cell_off_script(settings))
    verification = script.load_and_run(verification_script(settings))
    return (
        Exchange(b"\nZ\n", _STOPPED, _STOP_TIMEOUT, required=False, pause=pause),
        Exchange(cell_off, _SCRIPT_DONE, _SCRIPT_TIMEOUT, pause=pause),
        Exchange(verification, _POINT_MEASURED, _SCRIPT_TIMEOUT, verifies=True),
    )
