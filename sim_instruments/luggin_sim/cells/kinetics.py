"""Butler-Volmer kinetics of a chain of electron transfers at a planar electrode.

Everything is scalar: a chain has one to a few couples, for which plain numbers are several times
faster than arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT, Chain, Couple

# Beyond this many thermal voltages from E0' a couple is at its limiting current whatever the rate.
_FAR_AWAY = 300.0


def formal_potential(couple: Couple, diffusion_oxidised: float, diffusion_reduced: float, temperature: float) -> float:
    """Formal potential E0' (V) of a couple that is given by its half-wave potential.

    ``E1/2 = E0' + (RT/nF) ln sqrt(D_R/D_O)`` (Bard and Faulkner, *Electrochemical Methods*, 2nd ed.,
    section 5.4), so a fast-diffusing reduced form moves the wave to more positive potentials.
    """
    thermal = GAS_CONSTANT * temperature / (couple.electrons * FARADAY)
    return couple.half_wave_potential - thermal * 0.5 * math.log(diffusion_reduced / diffusion_oxidised)


class ChainKinetics:
    """Rates of all couples of one chain, given how its surface concentrations respond to them.

    Couple ``j`` turns form ``j`` (oxidised) into form ``j+1`` (reduced); its rate (mol/(cm2 s)) is
    positive for oxidation.
    """

    def __init__(self, chain: Chain, temperature: float) -> None:
        diffusion = chain.diffusion_coefficients
        self.bulk = chain.bulk
        self.inverse_root_diffusion = tuple(1.0 / math.sqrt(d) for d in diffusion)
        self.electrons = tuple(couple.electrons for couple in chain.couples)
        self._couples = tuple(
            (
                formal_potential(couple, diffusion[j], diffusion[j + 1], temperature),
                couple.electrons * FARADAY / (GAS_CONSTANT * temperature),
                couple.rate_constant,
                couple.transfer_coefficient,
            )
            for j, couple in enumerate(chain.couples)
        )

    def surface_without_new_flux(self, known: Sequence[float]) -> list[float]:
        """Surface concentrations (mol/cm3) if no flux flowed at the new time.

        ``known`` are the couples' semi-integrals (mol cm^-2 s^-1/2) from the past; a form gains
        from the couple above it in potential order and loses to the one below.
        """
        gained = (*known, 0.0)
        lost = (0.0, *known)
        return [
            bulk + (gain - loss) * scale
            for bulk, gain, loss, scale in zip(self.bulk, gained, lost, self.inverse_root_diffusion, strict=True)
        ]

    def rates(
        self, potential: float, surface: Sequence[float], response: Sequence[float]
    ) -> tuple[list[float], list[float]]:
        """Rates (mol/(cm2 s)) and their derivatives to potential, consistent with diffusion.

        Form ``k`` has the surface concentration ``surface[k] + response[k] * (rate[k] - rate[k-1])``.
        With Butler-Volmer rates ``kox c[j+1] - kred c[j]`` that is a tridiagonal system, dominated
        by its diagonal, solved here by elimination.
        """
        count = len(self._couples)
        eliminated, right, below, inverse, oxidation, reduction = [], [], [], [], [], []
        upper = value = 0.0
        for j, (formal, inverse_thermal, k0, alpha) in enumerate(self._couples):
            x = min(max(inverse_thermal * (potential - formal), -_FAR_AWAY), _FAR_AWAY)
            kred = k0 * math.exp(-alpha * x)
            kox = k0 * math.exp((1.0 - alpha) * x)
            lower = -kred * response[j]
            pivot = 1.0 / (1.0 - lower + kox * response[j + 1] - lower * upper)
            value = (kox * surface[j + 1] - kred * surface[j] - lower * value) * pivot
            upper = -kox * response[j + 1] * pivot
            eliminated.append(upper)
            right.append(value)
            below.append(lower)
            inverse.append(pivot)
            oxidation.append((1.0 - alpha) * inverse_thermal * kox)
            reduction.append(alpha * inverse_thermal * kred)
        rates = right
        for j in range(count - 2, -1, -1):
            rates[j] -= eliminated[j] * rates[j + 1]

        slopes, value = [], 0.0
        oxidised = surface[0] + response[0] * rates[0]
        for j in range(count):
            following = rates[j + 1] if j + 1 < count else 0.0
            reduced = surface[j + 1] + response[j + 1] * (following - rates[j])
            direct = oxidation[j] * reduced + reduction[j] * oxidised
            value = (direct - below[j] * value) * inverse[j]
            slopes.append(value)
            oxidised = reduced
        for j in range(count - 2, -1, -1):
            slopes[j] -= eliminated[j] * slopes[j + 1]
        return rates, slopes
