"""A voltammetric cell that answers sample by sample to any potential programme, or to none.

Diffusion is planar and semi-infinite; every couple follows Butler-Volmer kinetics; double layer,
uncompensated resistance and a leak are in the circuit. The potential programme is piecewise
linear, the fluxes are linear within a step, and their semi-integrals are exact
(`luggin_sim.cells.semi_integral`). The integral equations are those of Nicholson and Shain, Anal.
Chem. 36 (1964) 706.
"""

from __future__ import annotations

import math
from operator import mul
from typing import Self

from luggin_sim.cells.balance import CurrentLaw, Solution, balance
from luggin_sim.cells.base import SHORTEST_STEP, ReadingNoise, checked_step
from luggin_sim.cells.impedance import in_series, rate_slopes
from luggin_sim.cells.kinetics import ChainKinetics
from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT, RedoxSpec
from luggin_sim.cells.semi_integral import SemiIntegral

# A ramp is cut so that no piece is longer than this many thermal voltages (2.6 mV for one
# electron), which keeps the peak current within 0.02 % whatever steps the instrument takes.
_RAMP_PIECE = 0.1
# Behind a jump (of the potential, or opening and closing the circuit) the flux falls as t^-1/2. The
# first piece is a part of the instrument's step (or of what went before, if that was finer), the
# next ones a part of the time since the jump.
# After a large jump the current is right to 0.15 %. A staircase of small ones, cut more coarsely to
# keep it quick, has its peak right to 0.1 % too.
_LARGE_JUMP = (1e-4, 0.15)
_SMALL_JUMP = (0.02, 0.5)
_SMALL = 0.5  # thermal voltages
# Slopes (V/s) that differ by more than this part make a kink; less is rounding of the programme.
_KINK = 1e-3
# Bound (V) of every rest potential: half-wave and leak potentials lie within 10 V.
_WIDEST = 15.0
# A cell starts as it is after this time (s) on the bench.
_REST_BEFORE = 3600.0


class RedoxCell:
    """A cell made from a `RedoxSpec`; satisfies `luggin_sim.cells.base.Cell`.

    Example:
        >>> from luggin_sim.cells import Chain, Couple, RedoxSpec
        >>> cell = RedoxCell(RedoxSpec((Chain((Couple(-0.476),), 5e-7, (1.2e-5, 1.2e-5)),), area=0.07))
        >>> cell.step_to(-0.1)
        >>> currents = [cell.apply(-0.1 - 0.001 * k, 0.01) for k in range(600)]
        >>> round(min(currents) * 1e6, 1)  # a cathodic peak (uA)
        -9.9
    """

    def __init__(self, spec: RedoxSpec) -> None:
        self._spec = spec
        self._noise = ReadingNoise(spec.current_noise, spec.potential_noise, spec.seed)
        self._temper(spec.temperature)
        self._charges = tuple(
            spec.area * FARADAY * electrons for chain in self._chains for electrons in chain.electrons
        )
        self._leak = 0.0 if math.isinf(spec.leak) else 1.0 / spec.leak
        self._semi_integral = SemiIntegral(len(self._charges))
        self._interface = self._mixed_potential(_REST_BEFORE)
        self._passing = 0.0  # faradaic and leak current (A)
        self._conductance = self._leak
        self._applied: float | None = None  # what is at the leads
        self._programmed: float | None = None  # what the instrument wants there; differs if it is limited
        self._imposed: float | None = None
        self._since_jump, self._grading = 0.0, _LARGE_JUMP
        self._slope, self._last_piece = 0.0, math.inf
        self._charge = self._current = 0.0
        self._jump(large=True)
        self.rest(_REST_BEFORE)

    @property
    def truth(self) -> RedoxSpec:
        """What the cell was made from."""
        return self._spec

    @property
    def potential(self) -> float:
        """Potential (V) against the reference: the applied one, or the open-circuit potential."""
        return self._interface if self._applied is None else self._applied

    @property
    def current(self) -> float:
        """Current (A) through the leads at the end of the last step."""
        return self._current

    @property
    def is_open(self) -> bool:
        """True before the first `apply` and after every `rest`."""
        return self._applied is None

    @property
    def charge(self) -> float:
        """Charge (C) that went through the leads since the start, charging spikes included."""
        return self._charge

    def set_temperature(self, temperature: float) -> None:
        """The cell has another temperature (K) from now on.

        Kinetics and diffusion go on with the RT/F and the D of the new one. What diffused before is
        taken as if it had done so at the new temperature, so let a cell that was heated stand before
        it is measured. Half-wave potentials, k0, resistances and the double layer stay as they are.
        """
        self._temper(temperature)

    def _temper(self, temperature: float) -> None:
        self._chains = tuple(ChainKinetics(chain, temperature) for chain in self._spec.chains_at(temperature))
        most = max((n for chain in self._chains for n in chain.electrons), default=1)
        self._thermal = GAS_CONSTANT * temperature / (most * FARADAY)

    def fresh(self) -> Self:
        """The same cell at its start, with the noise sequence from its start."""
        return type(self)(self._spec)

    def measure_current(self, current: float) -> float:
        """``current`` (A) as a meter reads it, with the cell's noise."""
        return self._noise.on_current(current)

    def measure_potential(self, potential: float) -> float:
        """``potential`` (V) as a meter reads it, with the cell's noise."""
        return self._noise.on_potential(potential)

    def step_to(self, potential: float, limit: float = math.inf) -> None:
        """Change the applied potential (V) at once; time does not pass. Closes an open circuit.

        Behind a resistance the double layer follows in the time that comes. Without one it is
        charged at once: the spike is in `charge`, not in any current. If the current is limited
        (``limit`` in A), it is charged in the time that comes too.
        """
        if potential == self._programmed:
            return
        self._jump(large=abs(potential - self.potential) > _SMALL * self._thermal)
        self._programmed = self._applied = potential
        self._imposed = None
        if self._spec.solution_resistance == 0.0 and limit == math.inf:
            self._charge += self._spec.double_layer_capacitance * (potential - self._interface)
            self._interface = potential

    def apply(self, potential: float, dt: float, limit: float = math.inf) -> float:
        """Ramp from the last applied potential (V) to ``potential`` in ``dt`` (s); the current (A) then.

        If the circuit was open it is closed at ``potential``, which is then held for ``dt``. Where
        more than ``limit`` (A) would flow, the limit flows, and `potential` is what that leaves.
        """
        if self._programmed is None:
            self.step_to(potential if self._applied is None else self._applied, limit)
        begin = self.potential if self._programmed is None else self._programmed
        slope = (potential - begin) / checked_step(dt)
        longest = _RAMP_PIECE * self._thermal / abs(slope) if slope else math.inf
        if abs(slope - self._slope) > _KINK * (abs(slope) + abs(self._slope)):
            # behind a kink pieces may be twice as long as before it, and grow from there
            self._since_jump = min(self._since_jump, 2.0 * self._last_piece / self._grading[1])
        self._slope = slope
        current, elapsed = 0.0, 0.0
        for piece in self._pieces(dt, longest):
            elapsed += piece
            current = self._held_piece(piece, begin + slope * elapsed, limit)
        self._programmed = potential
        return current

    def apply_current(self, current: float, dt: float, limit: float = math.inf) -> float:
        """Send ``current`` (A) through the closed circuit for ``dt`` (s); the potential (V) then.

        Where the potential would leave -``limit`` to ``limit`` (V), the limit is applied instead.
        Without a limit it goes as far as the leak lets it.
        """
        self._impose(current)
        if self._applied is None:
            self._applied = self._interface
        for piece in self._pieces(checked_step(dt), math.inf):
            self._driven_piece(piece, current, limit)
        return self.potential

    def rest(self, dt: float) -> float:
        """Leave the circuit open for ``dt`` (s); the open-circuit potential (V) then."""
        self._impose(0.0)
        for piece in self._pieces(checked_step(dt), math.inf):
            self._driven_piece(piece, 0.0)
        self._applied = None
        return self._interface

    def impedance(self, frequency: float) -> complex:
        """Small-signal impedance (ohm) at a frequency (Hz) about the state of now."""
        known, response = self._semi_integral.preview(SHORTEST_STEP)
        admittance = self._leak + 2j * math.pi * frequency * self._spec.double_layer_capacitance
        place = 0
        for chain in self._chains:
            following = place + len(chain.electrons)
            surface = chain.surface_without_new_flux(known[place:following])
            responses = [response * d for d in chain.inverse_root_diffusion]
            rates, _ = chain.rates(self._interface, surface, responses)
            gained, lost = (*rates, 0.0), (0.0, *rates)
            there = [s + r * (g - f) for s, r, g, f in zip(surface, responses, gained, lost, strict=True)]
            slopes = rate_slopes(chain, self._interface, there, frequency)
            admittance += sum(map(mul, self._charges[place:following], slopes))
            place = following
        return in_series(self._spec.solution_resistance, admittance)

    def _impose(self, current: float) -> None:
        """From now on the current (A) is given, not the potential."""
        if self._imposed != current:
            self._jump(large=True)
            self._imposed, self._programmed, self._slope = current, None, 0.0

    def _jump(self, large: bool) -> None:
        """Begin fine pieces again; a small jump at the same time as a large one changes nothing."""
        if large or self._since_jump > 0.0:
            self._grading = _LARGE_JUMP if large else _SMALL_JUMP
        self._since_jump = 0.0
        self._semi_integral.break_here()

    def _pieces(self, dt: float, longest: float) -> list[float]:
        """Cut a step so that the fluxes are nearly linear within every piece."""
        first_part, growth = self._grading
        first = max(SHORTEST_STEP, first_part * min(dt, 4.0 * self._last_piece))
        pieces, left = [], dt
        while left > 0.0:
            limit = max(first, min(longest, growth * self._since_jump))
            piece = left if left <= limit else left / math.ceil(left / limit - 1e-9)
            pieces.append(piece)
            left -= piece
            self._since_jump += piece
        self._last_piece = pieces[-1]
        return pieces

    def _held_piece(self, dt: float, applied: float, limit: float = math.inf) -> float:
        """One piece that ends at ``applied`` (V) as long as no more than ``limit`` (A) flows; the current then."""
        law = self._current_law(dt)
        before, start = self._passing, self._interface
        guess = start if self._applied is None else start + applied - self._applied
        solution = balance(law, guess, applied, self._spec.solution_resistance)
        if abs(solution.current) > limit:
            current = math.copysign(limit, solution.current)
            self._driven_piece(dt, current)
            return current
        self._settle(dt, solution)
        self._applied, self._current = applied, solution.current
        capacitance = self._spec.double_layer_capacitance
        self._charge += 0.5 * dt * (before + self._passing) + capacitance * (self._interface - start)
        return solution.current

    def _driven_piece(self, dt: float, current: float, limit: float = math.inf) -> None:
        """One piece with ``current`` (A) as long as the leads stay within ``limit`` (V)."""
        law, drop = self._current_law(dt, current), self._spec.solution_resistance * current
        if limit < math.inf:
            # the current grows with the potential: at a limit that is not reached it is beyond what is asked for
            if law(limit - drop)[0] < current:
                self._held_piece(dt, limit)
                return
            if law(-limit - drop)[0] > current:
                self._held_piece(dt, -limit)
                return
        self._settle(dt, balance(law, self._interface, current))
        self._charge += current * dt
        self._applied, self._current = self._interface + drop, current

    def _settle(self, dt: float, solution: Solution) -> None:
        """What was solved becomes the state at the end of the piece."""
        self._semi_integral.advance(dt, solution.rates)
        self._interface = solution.interface
        self._passing = self._without_charging(solution.interface, solution.rates)
        self._conductance = self._leak + sum(map(mul, self._charges, solution.rate_slopes))

    def _current_law(self, dt: float, imposed: float | None = None) -> CurrentLaw:
        """Total current at the end of a piece, and its derivative, as functions of the interface's potential.

        ``imposed`` is the current (A) if that is given, and not the potential at the leads.
        """
        known, response = self._semi_integral.preview(dt)
        surfaces, place = [], 0
        for chain in self._chains:
            following = place + len(chain.electrons)
            surface = chain.surface_without_new_flux(known[place:following])
            surfaces.append((chain, surface, [response * d for d in chain.inverse_root_diffusion]))
            place = following
        start, leak, charges = self._interface, self._leak, self._charges
        weight, charging_before = self._double_layer(dt, imposed)
        stiffness = self._spec.double_layer_capacitance / (dt * weight)
        fixed = -(1.0 - weight) / weight * charging_before - leak * self._spec.leak_potential

        def law(potential: float) -> tuple[float, float, list[float], list[float]]:
            rates: list[float] = []
            slopes: list[float] = []
            for chain, surface, responses in surfaces:
                r, s = chain.rates(potential, surface, responses)
                rates += r
                slopes += s
            current = fixed + leak * potential + stiffness * (potential - start)
            return (
                current + sum(map(mul, charges, rates)),
                leak + stiffness + sum(map(mul, charges, slopes)),
                rates,
                slopes,
            )

        return law

    def _double_layer(self, dt: float, imposed: float | None) -> tuple[float, float]:
        """Weight of the new charging current within a piece, and the charging current at its start.

        The charge moved is ``dt * (weight * new + (1 - weight) * old)``. The weight is fitted so that
        an exponential discharge through what is parallel to the double layer comes out exact
        (exponentially fitted theta method: Liniger and Willoughby, SIAM J. Numer. Anal. 7 (1970) 47):
        1/2 for pieces much shorter than the time constant, 1 for much longer ones.
        """
        capacitance, resistance = self._spec.double_layer_capacitance, self._spec.solution_resistance
        if capacitance == 0.0 or (imposed is None and resistance == 0.0):
            return 1.0, 0.0
        conductance, charging = self._conductance, -self._passing
        if imposed is not None:
            charging += imposed
        elif self._applied is not None:
            conductance += 1.0 / resistance
            charging += (self._applied - self._interface) / resistance
        z = conductance * dt / capacitance
        if z < 1e-3:
            return 0.5 + z / 12.0, charging
        return -1.0 / math.expm1(-z) - 1.0 / z, charging

    def _without_charging(self, potential: float, rates: list[float]) -> float:
        """Faradaic and leak current (A)."""
        current = self._leak * (potential - self._spec.leak_potential)
        for charge, rate in zip(self._charges, rates, strict=True):
            current += charge * rate
        return current

    def _mixed_potential(self, time: float) -> float:
        """Potential (V) at which couples and leak balance if they are left to it for ``time`` (s)."""
        low, high = -_WIDEST, _WIDEST
        root = math.sqrt(time)
        responses = [[root * d for d in chain.inverse_root_diffusion] for chain in self._chains]
        while high - low > 1e-12:
            middle = 0.5 * (low + high)
            rates = [
                rate
                for chain, response in zip(self._chains, responses, strict=True)
                for rate in chain.rates(middle, chain.bulk, response)[0]
            ]
            if self._without_charging(middle, rates) < 0.0:
                low = middle
            else:
                high = middle
        return 0.5 * (low + high)
