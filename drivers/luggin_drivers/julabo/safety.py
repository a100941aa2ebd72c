"""How a circulator is left: exchanges as plain data, for this driver and for the guardian.

A circulator holds no cell. Which state of it is safe depends on what is in the bath, so the bench
file says it (``on_exit``):

``hold``
    nothing is changed; what it does, or which alarm has stopped it, is asked and recorded.
``stop``
    the circulation stops, and with it heating and cooling.
a temperature
    the set point is that temperature; whether it is reached is not waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from luggin.capabilities import Exchange
from luggin.clock import Clock
from luggin.errors import BadReply, ReplyTimeout, UnsafeState
from luggin.transport import Transport
from luggin.transport.dialogue import perform
from luggin_drivers.julabo.settings import Settings

#: After a reply the circulator wants this long (s) before the next command.
READ_PAUSE = 0.01
_TIMEOUT = 2.0
#: Without its end an answer may be cut: 2 degC of 25 degC.
_ENDED = r"[ \t\r]*\n"


def safe_exchanges(settings: Settings) -> tuple[Exchange, ...]:
    """What is done, and how it is read back."""
    if settings.on_exit == "hold":
        # Words must follow the code: a bare number may be any value.
        return (_question(settings, "status", r"(0[0-3]|-[0-9]{2})[ \t]+[A-Z][ -~]*", settings.write_pause),)
    if settings.on_exit == "stop":
        return (_order(settings, "out_mode_05 0"), _question(settings, "in_mode_05", "0", settings.write_pause))
    target = float(settings.on_exit)
    return (
        _order(settings, f"out_sp_00 {target:.2f}"),
        _question(settings, "in_sp_00", _as_number(target), settings.write_pause),
    )


def _order(settings: Settings, command: str) -> Exchange:
    """A command; one that came directly before may still want its time."""
    return Exchange(_line(settings, command), pause=settings.write_pause)


def _question(settings: Settings, command: str, answer: str, pause: float) -> Exchange:
    expect = rf"(?m)^[ \t]*{settings.prefix}[ \t]*{answer}{_ENDED}"
    return Exchange(_line(settings, command), expect, _TIMEOUT, verifies=True, pause=max(pause, READ_PAUSE))


def _line(settings: Settings, command: str) -> bytes:
    return f"{settings.prefix}{command}\r".encode("ascii")


def _as_number(value: float) -> str:
    """A regular expression for a temperature with two decimals, whatever zeros it is written with."""
    sign = "-" if value < 0 else r"\+?"
    whole, _, decimals = f"{abs(value):.2f}".partition(".")
    digits = decimals.rstrip("0")
    return rf"{sign}0*{whole}\.{digits}0*" if digits else rf"{sign}0*{whole}(\.0*)?"


def perform_and_verify(
    transport: Transport,
    clock: Clock,
    name: str,
    exchanges: Sequence[Exchange],
    resynchronise: Callable[[], None],
) -> str:
    """Do the exchanges; what was read back, in words.

    Tried twice. ``resynchronise`` brings a line in step on which an answer was missed: a late one must not
    pass for what is read back.

    Raises:
        UnsafeState: both attempts failed.
        LineLost: the line broke.
    """
    with transport.lock:
        for attempt in range(2):
            try:
                if attempt or transport.suspect:
                    resynchronise()
                done = perform(transport, exchanges, clock)
            except (ReplyTimeout, BadReply) as error:
                failure = error
            else:
                transport.suspect = False
                asked = exchanges[-1].send.decode("ascii").strip()
                return f"{asked} was answered {(done[-1].found or b'').decode('ascii', 'replace').strip()!r}"
        orders = ", ".join(e.send.decode("ascii").strip() for e in exchanges)
        raise UnsafeState(
            f"{name}: the bath could not be verified to be as it should be left ({orders}: {failure}). Look at the "
            "circulator: is there an alarm, is remote control switched on?"
        ) from failure
