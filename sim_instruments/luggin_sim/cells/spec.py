"""Cells as a bench file describes them: a plain table with quantities as people write them.

::

    kind = "redox"
    area = "0.0707 cm2"
    solution_resistance = "200 ohm"
    double_layer_capacitance = "2 uF"
    concentration = "0.5 mM"
    diffusion_coefficient = "1.2e-5 cm2/s"     # or one per form, in the order of reduction
    starts_as = "oxidised"                     # "reduced", the number of a form, or fractions
    couples = [
      {half_wave_potential = "-0.476 V", rate_constant = "0.02 cm/s"},
      {half_wave_potential = "-1.294 V", rate_constant = "0.02 cm/s"},
    ]

Several compounds in one solution stand in a list ``species`` of tables with the last four keys. What
may be wrong with the leads of any cell stands in a table ``wiring`` (`luggin_sim.cells.wiring`).
Every mistake is collected before anything is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from luggin.errors import Problem, ProtocolError
from luggin_sim.cells.base import Cell
from luggin_sim.cells.redox import RedoxCell
from luggin_sim.cells.redox_spec import (
    CELL_RANGES,
    CHAIN_RANGES,
    COUPLE_RANGES,
    Chain,
    Couple,
    Range,
    RedoxSpec,
    start_state_objection,
)
from luggin_sim.cells.resistor import RESISTOR_RANGES, ResistorCell, ResistorSpec
from luggin_sim.cells.table_reader import TableReader, did_you_mean
from luggin_sim.cells.wiring import WiredCell, WiringSpec, read_wiring

KINDS = ("redox", "resistor")

_CHAIN_KEYS = ("couples", "concentration", "diffusion_coefficient", "starts_as", "potential_inversion")


def cell_from_table(table: Mapping[str, Any], file: str = "bench", path: str = "cell") -> Cell:
    """The cell that a table describes, at its start.

    Raises:
        ProtocolError: with all mistakes of the table; ``file`` and ``path`` say where it stands.
    """
    spec, problems = read_cell(table, path)
    if spec is None or problems:
        raise ProtocolError(file, problems)
    cell: Cell = RedoxCell(spec) if isinstance(spec, RedoxSpec) else ResistorCell(spec)
    wiring = _wiring(table, path, [])
    return cell if wiring is None else WiredCell(cell, wiring)


def read_cell(
    table: Mapping[str, Any], path: str = "cell"
) -> tuple[RedoxSpec | ResistorSpec | None, tuple[Problem, ...]]:
    """What a table describes, or None and the mistakes that are in the way."""
    reader = TableReader({key: value for key, value in table.items() if key != "wiring"}, path, [])
    kind = reader.take("kind", "")
    spec: RedoxSpec | ResistorSpec | None = None
    if kind == "redox":
        spec = _redox(reader)
    elif kind == "resistor":
        spec = _resistor(reader)
    else:
        reader.report("kind", f"{kind!r} is not a kind of cell.", did_you_mean(str(kind), KINDS))
    _wiring(table, path, reader.problems)
    return spec, tuple(reader.problems)


def _wiring(table: Mapping[str, Any], path: str, problems: list[Problem]) -> WiringSpec | None:
    """What is wrong with the leads; None if the table says nothing about them."""
    wiring = table.get("wiring")
    if wiring is None:
        return None
    if not isinstance(wiring, Mapping):
        problems.append(Problem("wiring is a table.", f"{path}.wiring", hint='Write {fault = "counter open"}.'))
        return None
    return read_wiring(TableReader(wiring, f"{path}.wiring", problems))


def _redox(reader: TableReader) -> RedoxSpec | None:
    cell = {
        "area": reader.quantity("area", CELL_RANGES),
        "double_layer_capacitance": reader.quantity("double_layer_capacitance", CELL_RANGES, 0.0),
        "solution_resistance": reader.quantity("solution_resistance", CELL_RANGES, 0.0),
        "leak": reader.quantity("leak", CELL_RANGES, 1e8, none=math.inf),
        "leak_potential": reader.quantity("leak_potential", CELL_RANGES, 0.0),
        "temperature": reader.quantity("temperature", CELL_RANGES, 298.15),
        "diffusion_activation_energy": reader.quantity("diffusion_activation_energy", CELL_RANGES, 0.0),
        **_noise(reader, CELL_RANGES),
    }
    chains: list[Chain | None]
    if "species" in reader:
        chains = []
        for table in reader.tables("species"):
            table.take("name", "")
            chains.append(_chain(table))
            table.refuse_the_rest(("name", *_CHAIN_KEYS))
        for key in _CHAIN_KEYS:
            if key in reader:
                reader.take(key, None)
                reader.report(key, "stands beside 'species'.", "Move it into the entries of species.")
    else:
        chains = [_chain(reader)]
    reader.refuse_the_rest(("kind", "species", "seed", *CELL_RANGES, *_CHAIN_KEYS))
    whole = [chain for chain in chains if chain is not None]
    if reader.problems:
        return None
    try:
        return RedoxSpec(chains=tuple(whole), **cell)
    except ValueError as error:  # what no single key can tell, such as a cell without rest potential
        reader.report("", str(error))
        return None


def _resistor(reader: TableReader) -> ResistorSpec | None:
    values = {
        "resistance": reader.quantity("resistance", RESISTOR_RANGES),
        "series_resistance": reader.quantity("series_resistance", RESISTOR_RANGES, 0.0),
        "capacitance": reader.quantity("capacitance", RESISTOR_RANGES, 0.0),
        **_noise(reader, RESISTOR_RANGES),
    }
    reader.refuse_the_rest(("kind", "seed", *RESISTOR_RANGES))
    return None if reader.problems else ResistorSpec(**values)


def _noise(reader: TableReader, ranges: Mapping[str, Range]) -> dict[str, Any]:
    return {
        "current_noise": reader.quantity("current_noise", ranges, 0.0),
        "potential_noise": reader.quantity("potential_noise", ranges, 0.0),
        "seed": int(reader.number("seed", Range(0, 2**63, ""), 0, whole=True)),
    }


def _chain(reader: TableReader) -> Chain | None:
    """One compound; None if anything in this table or its couples is wrong."""
    before = len(reader.problems)
    couples = [_couple(table) for table in reader.tables("couples")]
    forms = len(couples) + 1 if couples else None
    concentration = reader.quantity("concentration", CHAIN_RANGES)
    diffusion = reader.quantities("diffusion_coefficient", CHAIN_RANGES, forms)
    start = _start_state(reader, forms)
    inversion = reader.take("potential_inversion", False)
    if len(reader.problems) > before:
        return None
    potentials = [couple.half_wave_potential for couple in couples]
    if not inversion and any(later > earlier for earlier, later in pairwise(potentials)):
        reader.report(
            "couples",
            "stand in the order of reduction, from the most positive half-wave potential to the most negative.",
            "If this compound does have inverted potentials, say potential_inversion = true.",
        )
        return None
    if len(diffusion) == 1:
        diffusion *= len(couples) + 1
    return Chain(tuple(couples), concentration, diffusion, start)


def _couple(reader: TableReader) -> Couple:
    couple = {
        "half_wave_potential": reader.quantity("half_wave_potential", COUPLE_RANGES),
        "rate_constant": reader.quantity("rate_constant", COUPLE_RANGES, 0.02),
        "transfer_coefficient": reader.number("transfer_coefficient", COUPLE_RANGES["transfer_coefficient"], 0.5),
        "electrons": int(reader.number("electrons", COUPLE_RANGES["electrons"], 1, whole=True)),
    }
    reader.refuse_the_rest(tuple(COUPLE_RANGES))
    return Couple(**couple)  # type: ignore[arg-type]  # electrons is the one int


def _start_state(reader: TableReader, forms: int | None) -> int | tuple[float, ...]:
    """The form that is there at the start; ``forms`` is None if the couples could not be read."""
    written = reader.take("starts_as", "oxidised")
    if forms is None:
        return 0
    start: int | tuple[float, ...] = 0
    words = {"oxidised": 0, "oxidized": 0, "reduced": forms - 1}
    if isinstance(written, str) and written in words:
        return words[written]
    if isinstance(written, int) and not isinstance(written, bool):
        start = written
    elif isinstance(written, list) and all(isinstance(f, (int, float)) for f in written):
        start = tuple(float(f) for f in written)
    else:
        start = -1
    objection = start_state_objection(start, forms)
    if objection:
        reader.report(
            "starts_as",
            f"{written!r} is no starting state of {forms} forms.",
            'Write "oxidised", "reduced", the number of a form (0 is the most oxidised) or the fraction of each form.',
        )
        return 0
    return start
