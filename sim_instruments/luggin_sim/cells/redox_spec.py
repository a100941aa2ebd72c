"""What a simulated voltammetric cell contains: the truth that a whole-system test compares with.

Units: V, s, cm, mol/cm3, A, ohm, F, K. Potentials are against the cell's reference electrode.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

FARADAY = 96485.33212331
"""Faraday constant (C/mol), exact in the SI of 2019."""
GAS_CONSTANT = 8.31446261815324
"""Molar gas constant (J/(mol K)), exact in the SI of 2019."""


@dataclass(frozen=True)
class Range:
    """Where a quantity has a physical meaning; both ends are allowed."""

    low: float
    high: float
    unit: str

    def objection(self, name: str, value: Any) -> str:
        """Why ``value`` cannot be ``name``, in one sentence; empty if it can."""
        if isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high:
            return ""
        unit = f" {self.unit}" if self.unit else ""
        shown = f"{value:g}{unit}" if isinstance(value, (int, float)) else repr(value)
        return f"{name} is {shown}; allowed are {self.low:g} to {self.high:g}{unit}"


COUPLE_RANGES = {
    "half_wave_potential": Range(-10.0, 10.0, "V"),
    "rate_constant": Range(1e-14, 1e4, "cm/s"),
    "transfer_coefficient": Range(0.01, 0.99, ""),
    "electrons": Range(1, 6, ""),
}
CHAIN_RANGES = {
    "concentration": Range(1e-12, 2e-2, "mol/cm3"),
    "diffusion_coefficient": Range(1e-10, 1e-3, "cm2/s"),
}
CELL_RANGES = {
    "area": Range(1e-9, 1e4, "cm2"),
    "double_layer_capacitance": Range(0.0, 1.0, "F"),
    "solution_resistance": Range(0.0, 1e9, "ohm"),
    "leak": Range(1.0, math.inf, "ohm"),
    "leak_potential": Range(-10.0, 10.0, "V"),
    "temperature": Range(100.0, 1000.0, "K"),
    "diffusion_activation_energy": Range(0.0, 2e5, "J/mol"),
    "current_noise": Range(0.0, 1.0, "A"),
    "potential_noise": Range(0.0, 1.0, "V"),
}


def check_ranges(owner: Any, ranges: dict[str, Range]) -> None:
    """ValueError for the first field of a dataclass that lies outside its range."""
    for name in (field.name for field in fields(owner) if field.name in ranges):
        objection = ranges[name].objection(name, getattr(owner, name))
        if objection:
            raise ValueError(objection)


@dataclass(frozen=True)
class Couple:
    """One electron transfer: oxidised form + ``electrons`` e- = reduced form.

    ``half_wave_potential`` (V) is E1/2, which a voltammogram shows, not the formal potential E0'.
    ``rate_constant`` is k0 (cm/s) at E0'; ``transfer_coefficient`` is alpha of the reduction.
    """

    half_wave_potential: float
    rate_constant: float = 0.02
    transfer_coefficient: float = 0.5
    electrons: int = 1

    def __post_init__(self) -> None:
        check_ranges(self, COUPLE_RANGES)
        if not isinstance(self.electrons, int):
            raise ValueError(f"electrons is {self.electrons!r}; a whole number is needed")


@dataclass(frozen=True)
class Chain:
    """Forms of one compound that differ in oxidation state only.

    ``couples`` stand in the order of reduction: form 0, the most oxidised, is reduced by couple 0
    to form 1, and so on. ``concentration`` (mol/cm3) is that of all forms together.
    ``diffusion_coefficients`` (cm2/s) has one value per form. ``start_state`` is the form that
    is there at the start, or the fraction of each form.
    """

    couples: tuple[Couple, ...]
    concentration: float
    diffusion_coefficients: tuple[float, ...]
    start_state: int | tuple[float, ...] = 0

    def __post_init__(self) -> None:
        if not self.couples:
            raise ValueError("a chain needs at least one couple")
        check_ranges(self, CHAIN_RANGES)
        if len(self.diffusion_coefficients) != self.forms:
            raise ValueError(f"{len(self.diffusion_coefficients)} diffusion coefficients for {self.forms} forms")
        for value in self.diffusion_coefficients:
            objection = CHAIN_RANGES["diffusion_coefficient"].objection("diffusion_coefficient", value)
            if objection:
                raise ValueError(objection)
        objection = start_state_objection(self.start_state, self.forms)
        if objection:
            raise ValueError(objection)

    @property
    def forms(self) -> int:
        """Number of oxidation states."""
        return len(self.couples) + 1

    @property
    def bulk(self) -> tuple[float, ...]:
        """Bulk concentration (mol/cm3) of each form at the start."""
        if isinstance(self.start_state, int):
            return tuple(self.concentration if k == self.start_state else 0.0 for k in range(self.forms))
        return tuple(self.concentration * fraction for fraction in self.start_state)


def start_state_objection(start: int | tuple[float, ...], forms: int) -> str:
    """Why a chain of this many forms cannot start like this; empty if it can."""
    if isinstance(start, int):
        return "" if 0 <= start < forms else f"start_state is {start}; allowed are 0 to {forms - 1}"
    if len(start) != forms or min(start) < 0.0 or abs(math.fsum(start) - 1.0) > 1e-9:
        return f"start_state is {start}; {forms} fractions with the sum 1 are needed"
    return ""


@dataclass(frozen=True)
class RedoxSpec:
    """A voltammetric cell: dissolved chains, one planar electrode, and what is electrical around them.

    ``leak`` (ohm) is a resistance from the electrode to ``leak_potential``: the impurity that every
    real solution has. It gives a cell with a single form a rest potential.
    ``current_noise`` (A) and ``potential_noise`` (V) are standard deviations of what an instrument
    reads; ``seed`` fixes their sequence.
    ``temperature`` (K) is that of the diffusion coefficients, and of the cell as long as it stands in
    no chamber; ``diffusion_activation_energy`` (J/mol) says how they change with it (Arrhenius).

    Example:
        >>> spec = RedoxSpec(chains=(Chain((Couple(-0.476),), 5e-7, (1.2e-5, 1.2e-5)),), area=0.0707)
        >>> spec.chains[0].bulk
        (5e-07, 0.0)
    """

    chains: tuple[Chain, ...]
    area: float
    double_layer_capacitance: float = 0.0
    solution_resistance: float = 0.0
    leak: float = 1e8
    leak_potential: float = 0.0
    temperature: float = 298.15
    diffusion_activation_energy: float = 0.0
    current_noise: float = 0.0
    potential_noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, CELL_RANGES)
        if math.isinf(self.leak) and not any(_has_rest_potential(chain) for chain in self.chains):
            raise ValueError("a cell without both forms of any couple has no rest potential; give it a leak")

    def chains_at(self, temperature: float) -> tuple[Chain, ...]:
        """The chains with the diffusion coefficients of another temperature (K).

        ``D(T) = D(T0) exp(-(Ea/R) (1/T - 1/T0))``: Arrhenius, which describes the viscosity of a
        solvent well over some tens of kelvin.
        """
        exponent = self.diffusion_activation_energy / GAS_CONSTANT * (1.0 / self.temperature - 1.0 / temperature)
        if not exponent:
            return self.chains
        factor = math.exp(exponent)
        return tuple(
            replace(chain, diffusion_coefficients=tuple(factor * d for d in chain.diffusion_coefficients))
            for chain in self.chains
        )


def _has_rest_potential(chain: Chain) -> bool:
    bulk = chain.bulk
    return any(oxidised > 0.0 and reduced > 0.0 for oxidised, reduced in pairwise(bulk))
