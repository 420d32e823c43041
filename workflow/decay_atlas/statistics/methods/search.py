"""Searches replayed on a measured landscape: they select on some seeds and are scored on others.

`means` is what a search sees, shape (cell, fold), NaN where a fold does not have the cell; `scores` is what
its choice is worth, same shape. Quality is higher when better. Every search returns one score a fold.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import qmc

from decay_atlas.statistics.methods.landscape import Floats

REPEATS = 64
"""Scrambles over which a quasi-random search is averaged."""


def fold_means(quality: Floats, crossfit: bool = True) -> Floats:
    """What fold s sees of each cell: its mean over the other seeds, or without cross-fitting over all seeds.

    `quality` has shape (…, seed), and so has the result. A fold does not have a cell without seed s, nor,
    when cross-fitting, one without another seed.
    """
    there = np.isfinite(quality)
    n = there.sum(axis=-1, keepdims=True)
    total = np.nansum(quality, axis=-1, keepdims=True)
    left, n_left = (total - np.nan_to_num(quality), n - there) if crossfit else (total, n)
    return np.divide(left, n_left, out=np.full(quality.shape, np.nan), where=there & (n_left > 0))


def exhaustive(means: Floats, scores: Floats) -> Floats:
    """Try every cell. A fold that has no cell scores NaN; ties go to the first cell."""
    choice = np.argmax(_seen(means), axis=0)
    found = np.take_along_axis(scores, choice[None, :], axis=0)[0]
    return np.where(np.isfinite(means).any(axis=0), found, np.nan)


def random(means: Floats, scores: Floats, budgets: list[int]) -> Floats:
    """Expected score, exactly, of trying n distinct cells drawn uniformly, shape (budget, fold).

    With the cells ranked from the best, the choice is cell r when it is drawn and no better one is: with
    probability C(N - 1 - r, n - 1) / C(N, n).
    """
    order = np.argsort(-_seen(means), axis=0, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=0)
    result = np.full((len(budgets), means.shape[1]), np.nan)
    for fold, size in enumerate(np.isfinite(means).sum(axis=0).tolist()):
        rank = np.arange(size)
        for row, n in enumerate(budgets):
            if n <= size:
                weight = np.exp(_log_choose(size - 1 - rank, n - 1) - _log_choose(np.array(size), n))
                result[row, fold] = weight @ ranked[:size, fold]
    return result


def quasi_random(means: Floats, scores: Floats, shape: tuple[int, int], budgets: list[int]) -> Floats:
    """Mean score of trying the first n distinct cells of scrambled Halton sequences, shape (budget, fold).

    The cells are those of a grid of the given shape (lr, wd) in row-major order. Cells that were never run
    are skipped and cost nothing.
    """
    measured = np.isfinite(means).sum(axis=1) > 0
    orders = np.stack([order[measured[order]][: max(budgets)] for order in halton_orders(*shape)])
    seen = _seen(means)[orders]  # (repeat, step, fold)
    steps = np.arange(orders.shape[1])[None, :, None]
    best = np.maximum.accumulate(seen, axis=1)
    first = np.maximum.accumulate(np.where(seen >= best, steps, 0), axis=1)
    at = np.minimum(budgets, orders.shape[1]) - 1  # a larger budget than there are cells buys them all
    choice = np.take_along_axis(orders[:, :, None], first[:, at], axis=1)
    found = np.where(np.isfinite(best[:, at]), np.take_along_axis(scores[None], choice, axis=1), np.nan)
    n = np.isfinite(found).sum(axis=0)
    return np.divide(np.nansum(found, axis=0), n, out=np.full(n.shape, np.nan), where=n > 0)


@lru_cache(maxsize=32)
def halton_orders(n_lr: int, n_wd: int) -> NDArray[np.int64]:
    """The order in which each scrambled Halton sequence first meets the cells, shape (REPEATS, n_lr · n_wd).

    A sequence that has not met every cell after four points a cell takes the rest in row-major order.
    """
    size = n_lr * n_wd
    orders = np.empty((REPEATS, size), dtype=np.int64)
    for repeat in range(REPEATS):
        points = qmc.Halton(2, scramble=True, rng=np.random.default_rng(repeat)).random(4 * size)
        cells = np.minimum((points * [n_lr, n_wd]).astype(np.int64), [n_lr - 1, n_wd - 1]) @ [n_wd, 1]
        cells = np.concatenate([cells, np.arange(size)])
        orders[repeat] = cells[np.sort(np.unique(cells, return_index=True)[1])]
    return orders


def alternating(means: Floats, scores: Floats, shape: tuple[int, int], start: tuple[int, int]) -> tuple[Floats, Floats]:
    """Search wd at the start's lr, then lr at that wd, and so on, until neither moves.

    The cells are those of a grid of the given shape (lr, wd) in row-major order, and `start` is one of them.
    Returns the score and the number of distinct cells tried, one a fold. Source: A, Tuning trap.
    """
    seen = _seen(means).reshape(*shape, -1)
    found = scores.reshape(*shape, -1)
    n_folds = seen.shape[2]
    score, tried = np.full(n_folds, np.nan), np.zeros(n_folds)
    for fold in range(n_folds):
        (i, j), tried[fold] = follow(seen[:, :, fold], start)
        if np.isfinite(seen[i, j, fold]):
            score[fold] = found[i, j, fold]
    return score, tried


def follow(means: Floats, start: tuple[int, int]) -> tuple[tuple[int, int], int]:
    """Where the alternating search from `start` ends on averages (lr, wd), and how many measured cells it tried."""
    seen = _seen(means)
    i, j = start
    visited = np.zeros(seen.shape, dtype=bool)
    moved = True
    while moved:
        before = (i, j)
        visited[i] = True
        j = _best_from(seen[i], j)
        visited[:, j] = True
        i = _best_from(seen[:, j], i)
        moved = (i, j) != before
    return (i, j), int((visited & np.isfinite(seen)).sum())


def _seen(means: Floats) -> Floats:
    return np.where(np.isfinite(means), means, -np.inf)


def _best_from(line: Floats, here: int) -> int:
    """The best cell of a line; the search moves only for something strictly better."""
    best = int(np.argmax(line))
    return best if line[best] > line[here] else here


def _log_choose(n: NDArray[np.int64], k: int) -> Floats:
    inside = n >= k
    m = np.maximum(n, k)
    return np.where(inside, gammaln(m + 1) - gammaln(k + 1) - gammaln(m - k + 1), -np.inf)
