"""The published analysis of λ* = ρη per combination, and the calibrated interval of ρ beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t
from statsmodels.regression.linear_model import OLS

from decay_atlas.statistics.methods.comparisons import holm
from decay_atlas.statistics.methods.coupling import log_ratio, origin_slope
from decay_atlas.statistics.methods.landscape import (
    COMBINATION,
    Average,
    Direction,
    Floats,
    Landscape,
    landscapes,
    tabulate,
)
from decay_atlas.statistics.methods.resampling import resampled_means, resampled_seeds, weighted_quantile, weighted_sd
from decay_atlas.statistics.methods.selection import argmax_wd, seed_noise, within_noise_of_best
from decay_atlas.statistics.methods.smoothing import smooth_optima

COLUMNS = [
    *COMBINATION,
    *["rho", "rho_lo", "rho_hi", "rho_lo_cal", "rho_hi_cal", "p_reference", "p_holm"],
    *["intercept", "intercept_p", "r2_centred", "r2_uncentred", "n_lr", "n_edge", "leverage"],
]


def ratio(
    runs: pd.DataFrame,
    direction: Direction,
    *,
    rho_reference: float = 0.10,
    resamples: int = 10_000,
    seed: int = 0,
    average: Average = "mean",
) -> pd.DataFrame:
    """Fit λ* = ρη to every combination's optima, one row each. Source: C, Regressions; C, Bootstrap; C, Tests.

    `rho_lo` and `rho_hi` are the published percentiles over resampled seeds (exact up to nine seeds, else
    `resamples` draws from `seed`), `se` their standard deviation; `rho_lo_cal` and `rho_hi_cal` the
    calibrated 95 % interval about `rho_smooth`, the slope through the smooth interior optima, as far as runs were
    good (see `_calibrated`).
    `p_reference` tests ρ = `rho_reference` by t = (ρ − reference)/se with `df` = seeds − 1, and is blank
    where no resample moves an optimum; `p_holm` corrects it over the table. Both R² are those of the line
    through the origin; `intercept` and `intercept_p` (`intercept_df`) those of the line with one.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is out of range.
    """
    if not rho_reference > 0:
        raise ValueError(f"rho_reference must be positive, not {rho_reference}")
    rows = [_row(one, rho_reference, resamples, seed) for one in landscapes(runs, direction, average)]
    table = tabulate(rows, [*COLUMNS, "se", "t", "df", "intercept_df", "rho_smooth", "n_seeds", "note"])
    table["p_holm"] = holm(table["p_reference"].to_numpy(float))
    return table


def bootstrap_rho(landscape: Landscape, resamples: int = 10_000, seed: int = 0) -> tuple[Floats, Floats]:
    """ρ of every resample of the seeds, and the resamples' probabilities. Source: C, Bootstrap."""
    members, probability = resampled_seeds(len(landscape.seeds), resamples, seed)
    means = resampled_means(landscape.quality, members, landscape.average)
    trained = np.moveaxis(landscape.trained()[:, members].sum(axis=2), 0, 1) > 0
    chosen = argmax_wd(means, landscape.wd, landscape.searchable() & trained)
    return origin_slope(landscape.lr, chosen.wd(landscape.wd)), probability


def _row(landscape: Landscape, reference: float, resamples: int, seed: int) -> dict[str, Any]:
    choice = argmax_wd(landscape.mean(), landscape.wd, landscape.searchable())
    lr, wd_opt = landscape.lr[choice.found], choice.wd(landscape.wd)[choice.found]
    row: dict[str, Any] = {
        **landscape.key,
        "n_lr": len(lr),
        "n_edge": int((choice.found & ~choice.interior).sum()),
        "n_seeds": len(landscape.seeds),
        "note": "",
    }
    if len(lr) == 0:
        return row | {"note": "no lr has an optimum: too few weight decays, or every run diverged"}
    rho = float(origin_slope(lr, wd_opt))
    row |= {
        "rho": rho,
        **_calibrated(landscape),
        "leverage": lr[-1] ** 2 / (lr**2).sum(),
        **_goodness(lr, wd_opt, rho),
        **_intercept(lr, wd_opt),
    }
    if len(landscape.seeds) < 2:
        return row | {"note": "one seed: no bootstrap"}
    values, probability = bootstrap_rho(landscape, resamples, seed)
    row["rho_lo"], row["rho_hi"] = weighted_quantile(values, probability, np.array([0.025, 0.975]))
    row["se"], row["df"] = weighted_sd(values, probability), len(landscape.seeds) - 1
    if row["se"] <= 1e-12 * max(rho, 1e-300):
        return row | {"note": "no resample moves an optimum: the standard error of ρ is 0"}
    row["t"] = (rho - reference) / row["se"]
    row["p_reference"] = 2 * t.sf(abs(row["t"]), row["df"])
    return row


def _calibrated(landscape: Landscape) -> dict[str, float]:
    """`rho_smooth` with its calibrated interval, kept to where runs were good; nothing where ρ itself lies elsewhere.

    At every η that ρ goes through, the λ that seed noise cannot tell from the best, with half a grid step on either
    side, hold the best one; so a curve that puts it beyond them, or an interval that reaches there, is wrong.
    """
    smooth = smooth_optima(landscape)
    calibrated = log_ratio(landscape.lr, smooth)
    if smooth is None or np.isnan(calibrated.value):
        return {}
    means = landscape.mean()
    rivals = within_noise_of_best(landscape, means, *seed_noise(landscape, landscape.none_diverged()))
    seen = np.flatnonzero(smooth.interior)
    spans = np.array([_about(landscape.wd[np.isfinite(means[i])], landscape.wd[rivals[i]]) for i in seen])
    least, most = origin_slope(landscape.lr[seen], spans.T)
    rho = float(np.exp(calibrated.value))
    if not least <= rho <= most:
        return {}
    low, high = np.exp(calibrated.interval())
    return {"rho_smooth": rho, "rho_lo_cal": np.maximum(low, least), "rho_hi_cal": np.minimum(high, most)}


def _about(wd: Floats, among: Floats) -> tuple[float, float]:
    """The range of some of the weight decays of an axis, and half a step beyond to where the next one is nearer."""
    first, last = np.searchsorted(wd, [among.min(), among.max()])
    low = np.sqrt(wd[first] * wd[first - 1]) if first > 0 else wd[0]
    high = np.sqrt(wd[last] * wd[last + 1]) if last + 1 < len(wd) else wd[-1]
    return float(low), float(high)


def _goodness(lr: Floats, wd_opt: Floats, rho: float) -> dict[str, float]:
    """Both R² of the line through the origin; NaN where the optima have no spread to explain."""
    residual = ((wd_opt - rho * lr) ** 2).sum()
    about_mean, about_zero = ((wd_opt - wd_opt.mean()) ** 2).sum(), (wd_opt**2).sum()
    spread = about_mean > 1e-24 * max(about_zero, 1e-300)
    return {
        "r2_centred": 1 - residual / about_mean if spread else np.nan,
        "r2_uncentred": 1 - residual / about_zero if about_zero > 0 else np.nan,
    }


def _intercept(lr: Floats, wd_opt: Floats) -> dict[str, float]:
    """Intercept of the line with one and the p-value that it is 0; NaN where the line leaves no residual."""
    if len(lr) < 3 or np.ptp(wd_opt) == 0:
        return {}
    fit = OLS(wd_opt, np.column_stack([np.ones_like(lr), lr])).fit()
    exact = fit.ssr <= 1e-20 * (wd_opt**2).sum()
    return {
        "intercept": fit.params[0],
        "intercept_p": np.nan if exact else fit.pvalues[0],
        "intercept_df": fit.df_resid,
    }
