"""How sure one can be of a mean: bootstrap confidence intervals."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from jaxtyping import Float
from scipy import special

LEVEL, SEED = 0.95, 0
RESAMPLES, RESAMPLES_OF_MANY, MANY = 4000, 2000, 1000  # of many sounds, fewer say as much and take less
AT_ONCE = 4_000_000  # numbers drawn at a time: some 64 MB


def mean_intervals(
    values: Float[np.ndarray, "sounds metrics"],
    *,
    resamples: int | None = None,
    level: float = LEVEL,
    seed: int = SEED,
    expand: bool = True,
) -> Float[np.ndarray, "metrics 2"] | None:
    """Bias-corrected and accelerated (BCa) bootstrap intervals of the means.

    Efron 1987, "Better bootstrap confidence intervals"; the acceleration of a mean is a sixth of the skewness over the
    root of n. A bootstrap of few sounds is too narrow, because a resample varies less than a sample and the normal
    quantile takes the spread for known; both are mended by widening the quantile to that of Student's t times
    ``sqrt(n / (n - 1))`` (Hesterberg 2015, "What teachers should know about the bootstrap", section 5.3).

    Args:
        values: The figures; all metrics are resampled together, sound by sound.
        resamples: How many means to draw; None takes 4000, or 2000 of more than a thousand sounds.
        level: Of confidence.
        seed: The same seed gives the same interval.
        expand: Whether to widen the intervals of few sounds.

    Returns:
        Lower and upper ends; None for fewer than two sounds, of whose mean nothing can be known.
    """
    n, metrics = values.shape
    if n < 2:
        return None
    resamples = resamples or (RESAMPLES if n <= MANY else RESAMPLES_OF_MANY)
    means = _resampled_means(values.astype(np.float64), resamples, seed)
    own = values.mean(0, dtype=np.float64)
    off = values - own
    spread = np.sqrt(np.square(off).mean(0))
    ends = np.empty((metrics, 2))
    tail = (1 - level) / 2
    z = -special.stdtrit(n - 1, tail) * math.sqrt(n / (n - 1)) if expand else -special.ndtri(tail)
    for column in range(metrics):
        if spread[column] <= 1e-12 * max(abs(own[column]), 1e-300):  # all the same: no doubt that these figures tell of
            ends[column] = own[column]
            continue
        drawn = np.sort(means[:, column])
        skewness = np.power(off[:, column] / spread[column], 3).mean()
        below = (np.sum(drawn < own[column]) + np.sum(drawn <= own[column])) / (2 * resamples)
        bias = special.ndtri(np.clip(below, 0.5 / resamples, 1 - 0.5 / resamples))
        moved = bias + np.array([-z, z])
        shares = special.ndtr(bias + moved / np.maximum(1 - skewness / (6 * math.sqrt(n)) * moved, 1e-3))
        ends[column] = np.quantile(drawn, shares)
    return ends


def _resampled_means(
    values: Float[np.ndarray, "sounds metrics"], resamples: int, seed: int
) -> Float[np.ndarray, "resamples metrics"]:
    """Means of resamples: how often each sound was drawn, as one matrix product a block."""
    rng, n = np.random.default_rng(seed), len(values)
    rows = max(1, AT_ONCE // n)
    means = []
    for first in range(0, resamples, rows):
        count = min(rows, resamples - first)
        drawn = rng.integers(0, n, (count, n), dtype=np.int32) + n * np.arange(count)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n)
        means.append(weights.astype(np.float64) @ values / n)
    return np.concatenate(means)


def intervals_where_known(table: Float[np.ndarray, "sounds metrics"]) -> list[tuple[float, float] | None]:
    """`mean_intervals` of figures that some sounds lack, which are NaN there; None where fewer than two have one."""
    present = np.isfinite(table)
    limits: list[tuple[float, float] | None] = [None] * table.shape[1]
    # Metrics that the same sounds have are resampled together.
    alike: dict[bytes, list[int]] = defaultdict(list)
    for column in range(table.shape[1]):
        alike[present[:, column].tobytes()].append(column)
    for columns in alike.values():
        ends = mean_intervals(table[present[:, columns[0]]][:, columns])
        if ends is not None:
            for column, (low, high) in zip(columns, ends.tolist(), strict=True):
                limits[column] = (low, high)
    return limits
