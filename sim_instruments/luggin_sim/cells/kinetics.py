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

    def rate_constants(self, potential: float) -> list[tuple[float, float, float, float]]:
        """For each couple kred and kox (cm/s) at a potential (V), nF/RT (1/V) and alpha."""
        found = []
        for formal, inverse_thermal, k0, alpha in self._couples:
            x = min(max(inverse_thermal * (potential - formal), -_FAR_AWAY), _FAR_AWAY)
            found.append((k0 * math.exp(-alpha * x), k0 * math.exp((1.0 - alpha) * x), inverse_thermal, alpha))
        return found

    def rates(
        self, potential: float, surface: Sequence[float], response: Sequence[float]
    ) -> tuple[list[float], list[float]]:
        """Rates (mol/(cm2 s)) and their derivatives to potential, consistent with diffusion.

        Form ``k`` has the surface concentration ``surface[k] + response[k] * (rate[k] - rate[k-1])``,
        and ``rate[j] = kox c[j+1] - kred c[j]``: a tridiagonal system. It is eliminated form by
        form: as far as the couples above it are concerned, form ``j`` has the concentration
        ``e + g * rate[j]``. Written for ``e`` and ``g``, nothing is subtracted on the way, so the
        huge constants far from equilibrium, and inverted potentials, cost no digits.
        """
        e, g = surface[0], response[0]
        rates, forms, constants = [], [], []
        for j, (formal, inverse_thermal, k0, alpha) in enumerate(self._couples):
            x = min(max(inverse_thermal * (potential - formal), -_FAR_AWAY), _FAR_AWAY)
            kred = k0 * math.exp(-alpha * x)
            kox = k0 * math.exp((1.0 - alpha) * x)
            own, b = 1.0 + kred * g, response[j + 1]
            whole = own + kox * b
            rates.append((kox * surface[j + 1] - kred * e) / whole)
            forms.append((e, g))
            constants.append((kred, kox, own, b, whole))
            e = (surface[j + 1] * own + kred * e * b) / whole
            g = b * own / whole

        # back from the last form, whose concentration is now known
        c, following = e, 0.0
        directs = [0.0] * len(rates)
        for j in range(len(rates) - 1, -1, -1):
            kred, kox, own, b, whole = constants[j]
            rates[j] += kox * b / whole * following
            following = rates[j]
            oxidising = kox * c
            c = (forms[j][0] + forms[j][1] * oxidising) / own
            _, inverse_thermal, _, alpha = self._couples[j]
            directs[j] = inverse_thermal * ((1.0 - alpha) * oxidising + alpha * kred * c)

        # the same system for the derivatives, driven by the change of the constants
        slopes, change = [], 0.0
        for (kred, _, _, b, whole), direct in zip(constants, directs, strict=True):
            slope = (direct - kred * change) / whole
            slopes.append(slope)
            change = -b * slope
        following = 0.0
        for j in range(len(slopes) - 1, -1, -1):
            _, kox, _, b, whole = constants[j]
            slopes[j] += kox * b / whole * following
            following = slopes[j]
        return rates, slopes
