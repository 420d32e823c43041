"""What κ times the weight decay of a law, or of the measured optimum, costs. Source: C, Deviation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from decay_atlas.statistics.methods.comparisons import holm, mean_of
from decay_atlas.statistics.methods.coupling import mean_product
from decay_atlas.statistics.methods.estimates import UNKNOWN
from decay_atlas.statistics.methods.landscape import (
    MIN_WEIGHT_DECAYS,
    Average,
    Direction,
    Floats,
    Landscape,
    average_over_seeds,
    landscapes,
    tabulate,
)
from decay_atlas.statistics.methods.selection import Choice, argmax_wd, seed_noise
from decay_atlas.statistics.methods.tolerance import MIN_FIT, fit_tolerance

KAPPAS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
CENTRES = ("ratio", "optimum", "product")
COLUMNS = ["dataset", "recipe", "centre", "kappa", "drop", "lo", "hi", "p", "n", "blank"]
ASYMMETRY = {"drop": "asymmetry", "lo": "asymmetry_lo", "hi": "asymmetry_hi", "p": "p_asymmetry"}
FIT_COLUMNS = ["dataset", "recipe", "centre", "side", "delta", "gamma", "r2"]

DIFFER = 0.05
"""Sides whose drops differ with a smaller p are fitted apart."""

MIN_R2 = 0.5
"""A tolerance law that explains less of the drops' variance does not describe them."""

ON_GRID = 1e-9
"""Distance in ln λ within which a point is one of the grid's."""


def deviation(
    runs: pd.DataFrame,
    direction: Direction,
    *,
    rho_reference: float = 0.10,
    kappas: Sequence[float] = KAPPAS,
    average: Average = "mean",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tabulate the loss of quality at κ times a centre: a row a data set, recipe, centre and κ; and its fit.

    The centre is `ratio` (λ = κ·rho_reference·η), `optimum` (κλ*(η)) or `product` (κ times the geometric
    mean of ηλ* over η). `drop` is the quality at λ*(η) less that at the centre's λ, interpolated in ln λ and
    never extrapolated, in the metric's unit; each seed is scored at optima (and a product) that the other
    seeds chose, so that noise does not pass for a drop, and a drop may be negative. It is averaged over the η
    that κ reaches, then over `n` seeds × architectures, which give `lo`, `hi` (95 %) and `p` (of no drop) by
    t with n − 1 degrees of freedom; `p_holm` corrects over κ. `drop_centre`, `centre_lo`, `centre_hi` and
    `p_centre` are the same against κ = 1. `asymmetry` is drop(κ) − drop(1/κ), paired, at κ > 1,
    with `asymmetry_lo`, `asymmetry_hi` and `p_asymmetry`.
    `reached` is the share of η × architectures that the grid reaches, `noise_floor` what a flat landscape
    would show where optima are chosen and scored on the same seeds. `blank` says why a drop is missing.

    The second table fits γ·max(0, |ln κ| − δ)² to a centre's drops: on both sides, below and above κ = 1. There is no
    fit on both where the sides differ, and none where R² is under `MIN_R2`; `blank` says which.

    Raises:
        ValueError: kappas or rho_reference are not positive, a column is missing, a run appears twice, or a
            setting is unknown.
    """
    kappa = np.unique(np.asarray(kappas, float))
    if len(kappa) == 0 or not (kappa > 0).all() or not rho_reference > 0:
        raise ValueError(f"kappas and rho_reference must be positive, not {list(kappas)} and {rho_reference}")
    groups: dict[tuple[str, str], list[Landscape]] = {}
    for one in landscapes(runs, direction, average):
        groups.setdefault((one.dataset, one.recipe), []).append(one)
    tables, fits = [], []
    for (dataset, recipe), group in groups.items():
        floors = [floor for one in group if np.isfinite(floor := noise_floor(one))]
        floor = float(np.mean(floors)) if floors else float("nan")
        for centre in CENTRES:
            key = {"dataset": dataset, "recipe": recipe, "centre": centre}
            rows = _rows(group, centre, kappa, rho_reference)
            tables += [{**key, **row, "noise_floor": floor} for row in rows]
            fits += [{**key, **fit} for fit in _fits(rows)]
    extra = ["p_holm", "drop_centre", "centre_lo", "centre_hi", "p_centre", *ASYMMETRY.values()]
    table = tabulate(tables, [*COLUMNS, *extra, "reached", "noise_floor"])
    return table, tabulate(fits, [*FIT_COLUMNS, "n", "blank"])


class Drops(NamedTuple):
    """Loss of quality against λ*(η) and against κ = 1, at weight decays `wd`; all (seed, lr, kappa).

    NaN where the grid does not reach, or has no optimum or centre.
    """

    from_optimum: Floats
    from_centre: Floats
    wd: Floats


def cross_fitted_drops(landscape: Landscape, centre: str, kappa: Floats, rho_reference: float) -> Drops:
    """What every seed loses at κ times the centre, scored at optima that the other seeds chose.

    Source: C, Deviation.
    """
    choice = _chosen_by_others(landscape)
    wd = _centre_wd(landscape, choice, centre, rho_reference)[..., None] * np.append(kappa, 1.0)
    loss = _loss_from(landscape, choice, wd)
    return Drops(loss[..., :-1], loss[..., :-1] - loss[..., -1:], wd[..., :-1])


def cross_fitted_loss(landscape: Landscape, wd: Floats) -> Floats:
    """What every seed loses at weight decays (seed, lr, point) against the optimum that the others chose.

    In the metric's unit, NaN where the grid does not reach. Source: C, Deviation.
    """
    return _loss_from(landscape, _chosen_by_others(landscape), wd)


def _chosen_by_others(landscape: Landscape) -> Choice:
    """The optima of every seed's fellows; arrays of shape (seed, lr)."""
    others = np.array(
        [
            average_over_seeds(np.delete(landscape.quality, s, axis=2), landscape.average)
            for s in range(len(landscape.seeds))
        ]
    )
    trained = landscape.trained()
    fellows = np.array([np.delete(trained, s, axis=1).any(axis=1) for s in range(len(landscape.seeds))])
    # Fellows that lack most of a seed's cells, or whose runs all diverged, have no optimum to score it at.
    return argmax_wd(others, landscape.wd, (np.isfinite(others).sum(axis=-1) >= MIN_WEIGHT_DECAYS) & fellows)


def _loss_from(landscape: Landscape, choice: Choice, wd: Floats) -> Floats:
    picked = np.maximum(choice.index, 0)
    seed, lr = np.indices(picked.shape)
    best = np.where(choice.found, landscape.quality[lr, picked, seed], np.nan)
    return best[..., None] - interpolate(landscape, wd)


def noise_floor(landscape: Landscape) -> float:
    """Mean drop that seed noise alone shows from a maximum on a flat landscape, over the lr with an optimum.

    σ/√n · E[max of k standard normals], for k weight decays of n seeds. NaN where the noise is unknown.
    """
    noise, _ = seed_noise(landscape, landscape.none_diverged())
    has = landscape.n_seeds() > 0
    floors = [
        noise * expected_maximum(int(row.sum())) / np.sqrt(landscape.n_seeds()[i, row].mean())
        for i, row in enumerate(has)
        if landscape.searchable()[i]
    ]
    return float(np.mean(floors)) if floors else float("nan")


@lru_cache(maxsize=256)
def expected_maximum(k: int) -> float:
    """Expected largest of k standard normal numbers."""
    z = np.linspace(-9.0, 9.0, 4001)
    return float(np.trapezoid(z * k * norm.pdf(z) * norm.cdf(z) ** (k - 1), z))


def _centre_wd(landscape: Landscape, choice: Choice, centre: str, rho_reference: float) -> Floats:
    """The centre's λ for every left-out seed and lr, shape (seed, lr); NaN where it has none."""
    wd_opt = choice.wd(landscape.wd)
    if centre == "ratio":
        return np.where(choice.found, rho_reference * landscape.lr, np.nan)
    if centre == "optimum":
        return np.where(wd_opt > 0, wd_opt, np.nan)
    inside = np.where(choice.interior, wd_opt, np.nan)
    return np.where(choice.found, mean_product(landscape.lr, inside)[:, None] / landscape.lr, np.nan)


def interpolate(landscape: Landscape, wd: Floats) -> Floats:
    """Quality of every seed at weight decays (seed, lr, point), linear in ln λ, and at λ = 0; NaN beyond the grid."""
    result = np.full(wd.shape, np.nan)
    for s, i in np.ndindex(wd.shape[:2]):
        has = np.isfinite(landscape.quality[i, :, s]) & (landscape.wd > 0)
        if not has.any():
            continue
        x, y = np.log(landscape.wd[has]), landscape.quality[i, has, s]
        at = np.log(np.where(wd[s, i] > 0, wd[s, i], np.nan))
        inside = (at >= x[0] - ON_GRID) & (at <= x[-1] + ON_GRID)
        result[s, i] = np.where(inside, np.interp(at, x, y), np.nan)
    without = np.flatnonzero(landscape.wd == 0)
    if len(without):
        result = np.where(wd == 0, landscape.quality[:, without[0]].T[..., None], result)
    return result


def _rows(group: Sequence[Landscape], centre: str, kappa: Floats, rho_reference: float) -> list[dict[str, Any]]:
    """The rows of one data set, recipe and centre."""
    scored = [one for one in group if len(one.seeds) > 1 and one.searchable().any()]
    if not scored:
        seeds = all(len(one.seeds) < 2 for one in group)
        blank = "one seed: none is left to choose the optimum" if seeds else "no lr has an optimum"
        return [{"kappa": k, "n": 0, "blank": blank} for k in kappa]
    parts = [cross_fitted_drops(one, centre, kappa, rho_reference) for one in scored]
    drops = np.concatenate([_mean_over_lr(part.from_optimum) for part in parts])
    against = np.concatenate([_mean_over_lr(part.from_centre) for part in parts])
    hit = np.concatenate(
        [
            np.isfinite(part.from_optimum[:, one.searchable()]).any(axis=0)
            for one, part in zip(scored, parts, strict=True)
        ]
    )
    rows = []
    for j, k in enumerate(kappa):
        drop, n = _estimate(drops[:, j])
        row: dict[str, Any] = {"kappa": k, **drop, "n": n, "reached": hit[:, j].mean(), "blank": ""}
        if n == 0:
            row["blank"] = _why_blank(centre, [part.wd[..., j] for part in parts])
        from_centre, _ = _estimate(against[:, j])
        names = {"drop": "drop_centre", "lo": "centre_lo", "hi": "centre_hi", "p": "p_centre"}
        row |= {new: from_centre[old] for old, new in names.items()}
        mirror = np.flatnonzero(np.isclose(kappa, 1 / k))
        if k > 1 and len(mirror):
            paired, _ = _estimate(drops[:, j] - drops[:, mirror[0]])
            row |= {new: paired[old] for old, new in ASYMMETRY.items()}
        rows.append(row)
    for row, p in zip(rows, holm(np.array([row["p"] for row in rows])), strict=True):
        row["p_holm"] = p
    return rows


def _mean_over_lr(drops: Floats) -> Floats:
    """Mean over the lr reached, (seed, lr, kappa) → (seed, kappa)."""
    return average_over_seeds(np.moveaxis(drops, 1, -1))


def _estimate(units: Floats) -> tuple[dict[str, float], int]:
    """Mean, 95 % interval and p of no drop over the units (seeds × architectures) that have one."""
    values = units[np.isfinite(units)]
    n = len(values)
    one = mean_of(values) if n else UNKNOWN
    low, high = one.interval()
    return {"drop": one.value, "lo": low, "hi": high, "p": one.p(0)}, n


def _why_blank(centre: str, wd: Sequence[Floats]) -> str:
    """Why no η has a drop at the weight decays `wd`."""
    if any(np.isfinite(one).any() for one in wd):
        return "beyond the grid's weight decays at every lr"
    return {"optimum": "every λ* is 0", "product": "no λ* inside the grid gives an ηλ*"}[centre]


def _fits(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tolerance law fitted to the drops of one centre, over both sides and each; blank where it does not fit.

    Where the sides differ (`p_asymmetry`, corrected over κ) no one law holds for both.
    """
    known = [row for row in rows if row["n"] > 0]
    kappa = np.array([row["kappa"] for row in known])
    drop = np.array([row["drop"] for row in known])
    p = holm(np.array([row.get("p_asymmetry", np.nan) for row in known]))
    differ = bool((p < DIFFER).any())
    fits = []
    for side, mine in (("both", kappa > 0), ("below", kappa <= 1), ("above", kappa >= 1)):
        fit: dict[str, Any] = {"side": side, "n": int(mine.sum()), "blank": ""}
        if mine.sum() < MIN_FIT or (kappa[mine] == 1).all():
            fit["blank"] = f"{mine.sum()} drop(s), fewer than {MIN_FIT}"
        elif side == "both" and differ:
            fit["blank"] = "the sides differ"
        else:
            law = fit_tolerance(kappa[mine], drop[mine])
            fit["r2"] = law.r2
            if law.r2 >= MIN_R2:
                fit |= {"delta": law.delta, "gamma": law.gamma}
            else:
                fit["blank"] = f"it explains less than {MIN_R2:.0%} of the drops' variance"
        fits.append(fit)
    return fits
