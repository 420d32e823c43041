"""Resampling of seeds: exact by enumerating multisets where they are few, seeded draws where they are not.

Source: C, Bootstrap.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from decay_atlas.statistics.methods.landscape import Average, Floats, average_over_seeds

MAX_MULTISETS = 50_000
"""Up to this many distinct resamples are enumerated: all of them up to nine seeds."""


@lru_cache(maxsize=16)
def multisets(n: int) -> tuple[NDArray[np.int64], Floats]:
    """Every distinct way to draw n of n seeds with replacement, and its probability.

    Returns members (C(2n−1, n), n), each row a sorted list of seed positions, and their multinomial
    probabilities, which sum to one.
    """
    members = np.array(list(combinations_with_replacement(range(n), n)), dtype=np.int64)
    counts = np.zeros((len(members), n))
    np.add.at(counts, (np.arange(len(members))[:, None], members), 1)
    log_probability = gammaln(n + 1) - gammaln(counts + 1).sum(axis=1) - n * np.log(n)
    members.flags.writeable = False
    return members, np.exp(log_probability)


def resampled_seeds(n: int, resamples: int = 10_000, seed: int = 0) -> tuple[NDArray[np.int64], Floats]:
    """Seed positions of each resample (R, n) and the resamples' probabilities (R,).

    Exact where there are at most `MAX_MULTISETS` multisets; else `resamples` equally likely draws from
    a generator seeded by `seed`.

    Raises:
        ValueError: there are no seeds, or no resamples.
    """
    if n < 1 or resamples < 1:
        raise ValueError(f"a bootstrap needs at least one seed and one resample, not {n} and {resamples}")
    if comb(2 * n - 1, n) <= MAX_MULTISETS:
        return multisets(n)
    draws = np.random.default_rng(seed).integers(n, size=(resamples, n))
    return draws, np.full(resamples, 1 / resamples)


def resampled_means(quality: Floats, members: NDArray[np.int64], average: Average = "mean") -> Floats:
    """Average quality of every cell in every resample, shape (R, lr, wd), NaN where no drawn seed has it.

    `quality` is (lr, wd, seed), `members` (R, n). A cell that lacks a seed is averaged over those of its
    seeds that were drawn.
    """
    if average == "mean":
        counts = np.zeros((len(members), quality.shape[-1]))
        np.add.at(counts, (np.arange(len(members))[:, None], members), 1)
        present = np.isfinite(quality)
        total = np.tensordot(counts, np.where(present, quality, 0.0), axes=(1, 2))
        if present.all():
            return total / members.shape[1]
        n = np.tensordot(counts, present.astype(float), axes=(1, 2))
        return np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
    return np.moveaxis(average_over_seeds(quality[:, :, members], average), 2, 0)


def weighted_quantile(values: Floats, probability: Floats, q: Floats) -> Floats:
    """Quantiles of a discrete distribution: the smallest value whose cumulative probability reaches q.

    NaN values (a resample without an estimate) are left out.
    """
    kept = np.isfinite(values)
    if not kept.any():
        return np.full(np.shape(q), np.nan)
    order = np.argsort(values[kept], kind="stable")
    sorted_values = values[kept][order]
    cumulative = np.cumsum(probability[kept][order])
    # A tolerance, so that rounding in the cumulative sum cannot step past an exact boundary.
    position = np.searchsorted(cumulative / cumulative[-1], np.asarray(q) - 1e-12)
    return sorted_values[np.minimum(position, len(sorted_values) - 1)]


def weighted_sd(values: Floats, probability: Floats) -> float:
    """Standard deviation of a discrete distribution, NaN values left out; NaN where none is left."""
    kept = np.isfinite(values)
    if not kept.any():
        return float("nan")
    p = probability[kept] / probability[kept].sum()
    mean = float(p @ values[kept])
    return float(np.sqrt(p @ (values[kept] - mean) ** 2))
