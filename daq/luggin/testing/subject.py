"""The driver that is checked, and what the checks may assume about it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from luggin import plugins as plugin_manager
from luggin.capabilities import Capabilities, Device, Driver, MeasuringInstrument, Technique, measures
from luggin.clock import Clock, RealClock, VirtualClock
from luggin.plugins import Plugins
from luggin.testing.broken_baths import BathCase, find_bath_cases
from luggin.testing.cases import Case, find_cases
from luggin.testing.checking import NotApplicable, require
from luggin.testing.examples import dummy_resistance, example
from luggin.testing.lines import AnsweringLine
from luggin.testing.rig import NAME, Recording, Rig
from luggin.transport import Transport


@dataclass(frozen=True)
class Subject:
    """A driver with settings, and what the checks may assume about it.

    Attributes:
        driver_id: as in a bench file.
        settings: as in a bench file.
        twin: further entries of the twin's table, such as its ``address``.
        accuracy: largest error of a current or potential, relative to the largest value of its example.
        patience: longest time (s) from a question to its answer or an error, whatever is tried in between; twice the
            line's timeout if not given, because a query is asked at most twice.
        examples: parameters of techniques for the dummy, where the kit's own do not suit or it has none.
        plugins: where drivers and simulators come from.
        resource: a real instrument instead of the twin, with a dummy resistor as cell.
        dummy: that resistor (ohm).
        clock: time of the real instrument.
    """

    driver_id: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    twin: Mapping[str, Any] = field(default_factory=dict)
    accuracy: float = 0.01
    patience: float | None = None
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plugins: Plugins = field(default_factory=plugin_manager.load)
    resource: str = ""
    dummy: float | None = None
    clock: Clock = field(default_factory=RealClock)

    def on_hardware(self, resource: str, dummy: float, clock: Clock | None = None) -> Subject:
        """The same driver for a real instrument with a dummy resistor (ohm) as cell."""
        return replace(self, resource=resource, dummy=dummy, clock=clock or RealClock())

    @cached_property
    def driver(self) -> Driver:
        """The registered driver."""
        return self.plugins.driver(self.driver_id)

    @cached_property
    def line_settings(self) -> dict[str, Any]:
        """What the driver wants of its line."""
        return dict(self.driver.line_settings(self.settings))

    @property
    def terminator(self) -> bytes:
        """What ends a line of this instrument."""
        return bytes(self.line_settings.get("terminator", b"\n"))

    def offline(self) -> Device:
        """The driver without a line."""
        return self.driver.offline(self.settings)

    def offline_instrument(self) -> MeasuringInstrument:
        """The driver without a line, as one that runs techniques (its own ones).

        Raises:
            NotApplicable: it runs none.
        """
        device = self.offline()
        if not measures(device):
            raise NotApplicable("the instrument runs no techniques on a cell")
        return device

    @cached_property
    def resistance(self) -> float:
        """The dummy resistor (ohm)."""
        return self.dummy or dummy_resistance(self.offline_instrument().capabilities)

    def techniques(self, capabilities: Capabilities) -> list[Technique]:
        """An example of each technique that has one."""
        found = []
        for name in capabilities.techniques:
            if name in self.examples:
                found.append(Technique(name, self.examples[name]))
            elif (made := example(name, capabilities, self.resistance)) is not None:
                found.append(made)
        return found

    def patience_with(self, line: Transport) -> float:
        """How long (s) the driver may take from a question to an error: a question is asked at most twice."""
        return 2 * line.timeout if self.patience is None else self.patience

    def stand_in(self, answer: bytes = b"") -> tuple[AnsweringLine, Device]:
        """The driver on a line on which everything is answered with the same line; with nothing, nobody answers."""
        settings, clock = self.line_settings, VirtualClock()
        line = AnsweringLine(clock, settings, answer + self.terminator if answer else b"")
        return line, self.driver.create(line, clock, NAME, self.settings)

    @contextlib.contextmanager
    def rig(self, cell: Mapping[str, Any] | None = None, **twin: Any) -> Iterator[Rig]:
        """The driver on its twin, on the dummy resistor if no other cell is said; or on the real instrument.

        Raises:
            NotApplicable: the simulator has no twin of this driver or model.
        """
        if self.resource:
            with contextlib.closing(Rig(self, self.clock, None)) as rig:
                yield rig
            return
        simulator = self.plugins.simulator()
        table = simulator.twin_table(self.driver_id, self.settings)
        if table is None:
            raise NotApplicable(f"the simulator {simulator.id} has no twin of {self.driver_id}")
        table = {**table, **self.twin, **twin}
        if "cell" in table and measures(self.offline()):
            table["cell"] = cell or {"kind": "resistor", "resistance": f"{self.resistance:g} ohm"}
        if problems := simulator.check({NAME: table}):
            raise NotApplicable(f"the simulator {simulator.id} has no such twin: {problems[0].render(self.driver_id)}")
        clock = VirtualClock()
        with clock.worker("conformance kit"):
            with contextlib.closing(Rig(self, clock, simulator.open_lab({NAME: table}, clock))) as rig:
                yield rig

    @cached_property
    def undisturbed(self) -> Mapping[str, tuple[Technique, Recording]]:
        """Each technique by its name, with what comes of it on the dummy when nothing is in its way.

        Raises:
            NotApplicable: there is no technique, or no example of any.
        """
        found: dict[str, tuple[Technique, Recording]] = {}
        with self.rig() as rig:
            for technique in self.techniques(rig.instrument.capabilities):
                recording = rig.run([technique]).raise_error()
                require(recording.rows, f"{technique.name}: no row came")
                found[technique.name] = technique, recording
        if not found:
            raise NotApplicable("there is no example of any of its techniques; give `examples`")
        return found

    @cached_property
    def cases(self) -> Sequence[Case]:
        """The techniques that are broken on purpose.

        Raises:
            NotApplicable: there are none, or the simulator puts no faults on lines.
        """
        return find_cases(self)

    @cached_property
    def bath_cases(self) -> Sequence[BathCase]:
        """The operations of what controls a temperature that are broken on purpose.

        Raises:
            NotApplicable: it controls none, or the simulator puts no faults on lines.
        """
        return find_bath_cases(self)
