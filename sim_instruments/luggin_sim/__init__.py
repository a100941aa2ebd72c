"""Simulated instruments and the cells that hang on them.

Physics (`cells`), what goes over the wire (`dialects`) and what carries it (`ports`) know nothing of
one another; `bench` puts them together. This module is loaded at every start and imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.hookspecs import hookimpl

if TYPE_CHECKING:
    from luggin.clock import Clock
    from luggin.errors import Problem
    from luggin.hookspecs import Simulator
    from luggin_sim.bench import Lab

__all__ = ["SIMULATOR", "luggin_simulators"]


class _Simulator:
    """`luggin.hookspecs.Simulator`; each method loads what it needs."""

    id = "luggin-sim"

    def check(self, tables: Mapping[str, Any]) -> Sequence[Problem]:
        """All mistakes in the ``[simulated]`` tables of a bench file."""
        from luggin_sim.bench import check

        return check(tables)

    def open_lab(self, tables: Mapping[str, Any], clock: Clock) -> Lab:
        """A fresh laboratory in the time of ``clock``."""
        from luggin_sim.bench import open_lab

        return open_lab(tables, clock)

    def default_bench_text(self) -> str:
        """The bench that is used where a protocol names none, as TOML."""
        from luggin_sim.bench import default_bench_text

        return default_bench_text()

    def twin_table(self, driver_id: str, settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """A simulated table that stands in for a real instrument in a rehearsal."""
        from luggin_sim.bench import twin_table

        return twin_table(driver_id, settings)

    def serve(
        self,
        tables: Mapping[str, Any],
        speed: float,
        log_folder: Path | None,
        announce: Callable[[Mapping[str, Any]], None],
        stop: Callable[[], bool],
    ) -> None:
        """Serve the laboratory to other processes until ``stop()`` is true."""
        from luggin_sim.ports.pty_server import serve

        serve(tables, speed, log_folder, announce, stop)


SIMULATOR: Simulator = _Simulator()


@hookimpl
def luggin_simulators() -> Sequence[Simulator]:
    """The simulated laboratory of this package."""
    return [SIMULATOR]
