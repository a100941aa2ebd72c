"""Setting a test up with the cell open, and finding out which potentials the board will really give.

The converter of the potential has 12 bit, and what the board says with a sample is what was meant, not what
the converter gave; beyond a range it clips without a word. The board is asked, with the cell open: ``setVolt``
answers with what the converter gives. So nothing is clipped unnoticed, and half a step of a converter that
rounds down (0.5 mV in the range of 2 V) does not become an error of every potential.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luggin import units
from luggin.errors import InstrumentFault
from luggin_drivers.iorodeo.messages import number
from luggin_drivers.iorodeo.plan import Plan, dac_step
from luggin_drivers.iorodeo.safety import electrode_commands
from luggin_drivers.iorodeo.settings import Settings

if TYPE_CHECKING:
    from luggin_drivers.iorodeo.rodeostat import Rodeostat

# Numbers of 32 bits, printed with nine decimals.
_PRECISION = 1e-6
# So far (in steps) a potential above a level is asked for to see where it goes: back down, or up to the next.
_BEYOND_HALF = 0.75
_HALF = 0.5
# A converter is never more than one step off, and a thousandth for the arithmetic.
_LARGEST_ERROR = 1.001


@dataclass(frozen=True)
class Levels:
    """What the converter gives (V) beyond what the board says: while it holds, and in the mean of a sweep."""

    held: float
    swept: float


def set_up(board: Rodeostat, plan: Plan, settings: Settings) -> Levels:
    """Tell the board everything but to start; each answer has to say what was set.

    Raises:
        InstrumentFault: the board has set something else, or would clip a potential.
    """
    _open(board, settings)
    # With the cell open, a change of range moves no potential that it sees.
    _set(board, "setVoltRange", voltRange=plan.volt_range)
    _set(board, "setCurrRange", currRange=plan.current_range[0])
    _set(board, "setSamplePeriod", samplePeriod=plan.interval)
    told = board.ask("setParam", test=plan.test, param=dict(plan.parameters)).response
    _require_same(board.name, "setParam", plan.parameters, told.get("param"))
    done_at = board.ask("getTestDoneTime", test=plan.test).response
    _require_same(board.name, "getTestDoneTime", {"testDoneTime": plan.done_at}, done_at)
    return _asked_levels(board, plan, dac_step(settings.table, plan.volt_range))


def _open(board: Rodeostat, settings: Settings) -> None:
    """The cell is open already; nothing of what follows may be tried on one that is not."""
    if settings.multiplexer is None:
        _set(board, "setAllElectConnected", connected=False)
        _set(board, "setElectAutoConnect", autoConnect=True)
    else:
        _set(board, "setMuxEnabled", muxEnabled=True)
        board.ask("disconnectAllMuxElect")
        _set(board, "setEnabledMuxChannels", muxChannel=[settings.multiplexer])
    for command in electrode_commands("" if settings.multiplexer is None else "Mux"):
        _require_same(board.name, command, {"connected": False}, board.ask(command).response)


def _asked_levels(board: Rodeostat, plan: Plan, step: float) -> Levels:
    """Ask the open board for the ends of the way, for how it rounds, and last for the first potential."""
    lowest = _level(board, plan.lowest, step)
    _level(board, plan.highest, step)
    between = lowest + _BEYOND_HALF * step
    rounds_down = _level(board, between, step) < between - _HALF * step
    return Levels(_level(board, plan.first, step) - plan.first, -_HALF * step if rounds_down else 0.0)


def _level(board: Rodeostat, potential: float, step: float) -> float:
    """What the converter gives for a potential (V).

    Raises:
        InstrumentFault: something else, further away than a step.
    """
    told = number(board.ask("setVolt", v=potential).response.get("v"))
    if abs(told - potential) > _LARGEST_ERROR * step + _PRECISION:
        raise InstrumentFault(
            f"{board.name}: {units.show(potential, 'V', 6)} was asked for, but the converter gives "
            f"{units.show(told, 'V', 6)}; its range does not reach so far"
        )
    return told


def _set(board: Rodeostat, command: str, **values: Any) -> None:
    _require_same(board.name, command, values, board.ask(command, **values).response)


def _require_same(name: str, command: str, wanted: Any, told: Any) -> None:
    for key, value in wanted.items():
        has = told.get(key) if isinstance(told, dict) else None
        if isinstance(has, int | float) and isinstance(value, float):
            same = abs(has - value) <= _PRECISION * max(1.0, abs(value))
        else:
            same = has == value
        if not same:
            raise InstrumentFault(f"{name}: {command} with {key} = {value!r} was answered with {has!r}")
