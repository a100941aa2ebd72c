"""Standard uncertainty of a fitted number from its own residuals, drawn again and again."""

from __future__ import annotations

import numpy as np

from luggin_plugins.cv.noise import Array

DRAWS = 400
LONGEST_BLOCK = 40
_SEED = 1  # any: a result must not change when it is asked for again


def bootstrap_spread(influence: Array, residuals: Array, unknowns: int) -> Array:
    """Standard deviations of the numbers whose change per reading is ``influence``.

    Residuals are drawn in blocks of neighbours, so that noise which is correlated (filters, mains)
    and what the model leaves over count as they are, not as if every row were independent. Moving
    blocks: H. R. Kuensch, Ann. Statist. 17 (1989) 1217. The linear map of the fit stands for
    fitting every draw again.

    Args:
        influence: one row per number, one column per reading.
        residuals: what the fit leaves of each reading, in order of time.
        unknowns: how many parameters were fitted; the residuals are widened for what they took.
    """
    count = residuals.size
    block = int(np.clip(round(count ** (1 / 3)) * 2, 1, min(LONGEST_BLOCK, count)))
    widened = (residuals - residuals.mean()) * np.sqrt(count / max(count - unknowns, 1))
    draw = np.random.default_rng(_SEED)
    starts = draw.integers(0, count, size=(-(-count // block), DRAWS))
    # signs are drawn too: what a model leaves over around every peak would otherwise come in one sense
    signs = draw.choice((-1.0, 1.0), size=starts.shape)
    places = (starts[:, None, :] + np.arange(block)[None, :, None]) % count
    drawn = (widened[places] * signs[:, None, :]).reshape(-1, DRAWS)[:count]
    return np.asarray(np.std(influence @ drawn, axis=1, ddof=1))
