"""Which lines of an open bench can be guarded, and what the guardian has to know of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from luggin.engine.session import canonical
from luggin.errors import UsageError
from luggin.guardian.orders import GuardedLine
from luggin.transport import SerialTransport, SocketTransport, VisaTransport

if TYPE_CHECKING:
    from luggin.engine.session import BenchSession
    from luggin.plugins import Plugins

#: Lines that `luggin.transport.open_line` opens from their name and their settings alone, and what that loads.
_OURS: Mapping[type[object], tuple[str, ...]] = {
    SerialTransport: ("serial",),
    SocketTransport: ("encodings.idna",),
    VisaTransport: ("pyvisa", "pyvisa_py"),
}


def guarded_lines(
    session: BenchSession, plugins: Plugins, leave_running: Collection[str] = ()
) -> tuple[list[GuardedLine], dict[str, str]]:
    """The lines of an open bench that the guardian makes safe, and role -> why not for the others, in words.

    Instruments that are simulated in this process end with it; they are in neither.

    Args:
        session: the open bench.
        plugins: where its drivers come from.
        leave_running: roles whose instruments are meant to go on without the computer.
    """
    lines: list[GuardedLine] = []
    unguarded: dict[str, str] = {}
    if session.lab is not None:
        return lines, unguarded
    for name, role in session.bench.roles.items():
        device = session.devices[name]
        dialogue = device.safe_dialogue()
        kind = type(getattr(device, "transport", None))
        if kind not in _OURS:
            unguarded[name] = "its line is opened by a plugin, which the guardian does not load"
        elif not dialogue:
            unguarded[name] = "its driver says nothing that would make it safe (safe_dialogue is empty)"
        else:
            line = GuardedLine(
                role=name,
                resource=role.resource,
                owned_as=canonical(role.resource),
                settings=plugins.driver(role.driver).line_settings(role.settings),
                dialogue=dialogue,
                modules=_OURS[kind],
                leave_running=name in leave_running,
            )
            try:
                line.to_json()
            except UsageError as error:
                unguarded[name] = str(error)
            else:
                lines.append(line)
    return lines, unguarded
