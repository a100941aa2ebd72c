"""The bench file of a running simulator."""

from __future__ import annotations

from collections.abc import Mapping

from luggin.bench.files import SIMULATED, Bench
from luggin.documents import toml_value


def live_bench_text(bench: Bench, resources: Mapping[str, str], simulator: str) -> str:
    """The bench file with which another process drives the instruments that ``luggin sim`` serves.

    Args:
        bench: the bench with the ``sim://`` resources.
        resources: name in ``sim://NAME`` -> port that is served.
        simulator: address of the control port.
    """
    lines = [
        "# Simulated instruments, served by a running `luggin sim`; valid as long as it runs.",
        f"title = {toml_value(bench.title or 'Simulated bench')}",
        f"simulator = {toml_value(simulator)}",
    ]
    for role in bench.roles.values():
        station = role.resource.removeprefix(SIMULATED)
        if station in resources:
            lines += ["", f"[instruments.{role.name}]", f"driver = {toml_value(role.driver)}"]
            lines += [f"resource = {toml_value(resources[station])}", f"settings = {toml_value(role.settings)}"]
    return "\n".join(lines) + "\n"
