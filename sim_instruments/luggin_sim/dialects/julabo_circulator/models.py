"""The simulated models: what they call themselves, and under which numbers they keep what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
        version: the answer to ``version``.
        heater, external: number of the process value that is the heating power, the external Pt100.
        warnings: numbers of the set values that are the high and the low temperature warning; None without.
        setpoints: how many set points there are (the first ones of the set values).
        working: lowest and highest temperature that can be set (degC).
    """

    version: str
    heater: int = 1
    external: int = 2
    warnings: tuple[int, int] | None = (3, 4)
    setpoints: int = 3
    working: tuple[float, float] = (-30.0, 200.0)


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "cf31": Model("JULABO CRYOCOMPACT CF31 VERSION 5.0"),
        "cf41": Model("JULABO CRYOCOMPACT CF41 VERSION 5.0", working=(-40.0, 200.0)),
        "fp50-mh": Model("JULABO FP50-MH VERSION 4.0", 2, 1, (1, 2), 1, (-50.0, 200.0)),
        "fp50-he": Model("JULABO FP50-HE VERSION 4.0", working=(-50.0, 200.0), setpoints=1),
        "fpw55": Model("JULABO FPW55-SL VERSION 4.0", warnings=None, working=(-55.0, 100.0), setpoints=1),
        "other": Model("JULABO NAMELESS VERSION 1.0", working=(-20.0, 150.0), setpoints=1),
    }
)
