"""The tables' columns as a reader sees them: a heading, a sentence of help, and how a value is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from decay_atlas.reporting.words import NONE, axis_value, fixed, is_missing, number, p_value


def text(value: Any) -> str:
    """A word as it is."""
    return NONE if is_missing(value) else str(value)


def yes_no(value: Any) -> str:
    """A truth value as a word."""
    return NONE if is_missing(value) else "yes" if value else "no"


def rate(value: Any) -> str:
    """A learning rate or weight decay that was set."""
    return NONE if is_missing(value) else axis_value(float(value))


def whole(value: Any) -> str:
    """A count."""
    return NONE if is_missing(value) else f"{float(value):,.0f}"


def percent(value: Any) -> str:
    """A share as a percentage."""
    return NONE if is_missing(value) else f"{100 * float(value):.0f} %"


@dataclass(frozen=True)
class Column:
    """A heading, what it means, how its values are printed, and whether they stand to the right."""

    heading: str
    help: str
    print: Callable[[Any], str] = text
    numeric: bool = True


two = partial(fixed, decimals=2)
WORD = {"print": text, "numeric": False}

COLUMNS = {
    "dataset": Column("data set", "the data the runs were trained on", **WORD),
    "recipe": Column("recipe", "everything about a run that is no grid axis", **WORD),
    "arch": Column("architecture", "the network; (all) pools the architectures", **WORD),
    "lr": Column("η", "learning rate at its peak", rate),
    "wd_opt": Column("λ*", "the weight decay on the grid with the best average over seeds", rate),
    "wd_smooth": Column("λ* smooth", "the optimum between grid points, by a local curve in log λ", number),
    "value": Column("value", "average over seeds, in the metric's unit", two),
    "sd": Column("sd", "standard deviation over seeds", two),
    "n_seeds": Column("seeds", "runs of the cell", whole),
    "edge": Column("edge", "whether the optimum lies at an end of the weight decays", **WORD),
    "tied": Column("tied", "whether another λ has the same average (the smaller one is given)", yes_no, False),
    "distinguished": Column("told apart", "whether any λ can be told from the best within seed noise", yes_no, False),
    "rho": Column("ρ", "slope of λ* = ρη through the origin", number),
    "rho_lo": Column("ρ low", "2.5 % percentile over resampled seeds, as published", number),
    "rho_hi": Column("ρ high", "97.5 % percentile over resampled seeds, as published", number),
    "rho_lo_cal": Column("calibrated low", "lower end of the calibrated 95 % interval of ρ", number),
    "rho_hi_cal": Column("calibrated high", "upper end of the calibrated 95 % interval of ρ", number),
    "p_reference": Column("p (reference)", "test of ρ equal to the reference ratio", p_value),
    "p_holm": Column("p (Holm)", "the same, corrected for the number of tests", p_value),
    "intercept_p": Column("p (intercept)", "test of a line with intercept against one through 0", p_value),
    "r2_centred": Column("R² centred", "1 − SS residual / SS about the mean; may be negative", two),
    "r2_uncentred": Column("R² uncentred", "1 − SS residual / SS about 0", two),
    "leverage": Column("leverage", "share of Ση² that the largest η carries", percent),
    "n_edge": Column("at edge", "optima at an end of the weight decays", whole),
    "n_lr": Column("η", "learning rates with an optimum", whole),
    "published": Column("published ρ", "table 1 of the published study", **WORD),
    "method": Column("method", "how the slope was fitted; censored is the one to trust", **WORD),
    "slope": Column("slope b", "log–log slope of λ* on η: +1 ratio, 0 decoupled, −1 product", two),
    "slope_lo": Column("low", "lower end of its 95 % interval", two),
    "slope_hi": Column("high", "upper end of its 95 % interval", two),
    "p_ratio": Column("p (b = 1)", "test of the ratio law", p_value),
    "p_decoupled": Column("p (b = 0)", "test of the decoupled law", p_value),
    "p_product": Column("p (b = −1)", "test of the product law", p_value),
    "product": Column("ηλ*", "geometric mean of ηλ* over the interior optima", number),
    "n_interior": Column("inside", "optima inside the grid", whole),
    "n_censored": Column("censored", "optima at an edge, known only to lie beyond it", whole),
    "verdict": Column("verdict", "what may be concluded", **WORD),
    "quantity": Column("quantity", "ρ = λ*/η, or the product ηλ*", **WORD),
    "test": Column("test", "statistical test", **WORD),
    "statistic": Column("statistic", "its value", two),
    "df1": Column("df", "degrees of freedom", number),
    "df2": Column("df (error)", "degrees of freedom of the error", partial(number, digits=3)),
    "p": Column("p", "p-value", p_value),
    "margin": Column("margin", "factor within which ratios count as equal", two),
    "conclusion": Column("may be concluded", "in words", **WORD),
    "detectable": Column("detectable ×/÷", "the smallest factor this design would have found", two),
    "centre": Column("about", "what κ multiplies: the ratio law, the measured optimum, the product law", **WORD),
    "kappa": Column("κ", "deviation factor", number),
    "drop": Column("drop", "loss of quality against the best λ, cross-fitted over seeds", two),
    "lo": Column("low", "lower end of its 95 % interval", two),
    "hi": Column("high", "upper end of its 95 % interval", two),
    "n": Column("n", "seeds × architectures", whole),
    "reached": Column("reached", "share of η × architectures that the grid reaches", percent),
    "noise_floor": Column("noise floor", "what noise alone would show without cross-fitting", two),
    "blank": Column("why blank", "why there is no number", **WORD),
    "published_drop": Column("published", "table 2 of the published study, pp", **WORD),
    "side": Column("side", "κ below 1, above 1, or both", **WORD),
    "delta": Column("δ", "half-width of the tolerance zone in ln κ", two),
    "gamma": Column("γ", "curvature outside the zone", two),
    "r2": Column("R²", "share of variance explained", two),
    "strategy": Column("strategy", "how the two settings are searched", **WORD),
    "budget": Column("cells", "distinct (η, λ) cells trained", number),
    "runs": Column("runs", "training runs over all seeds", whole),
    "device_hours": Column("device-hours", "as measured on these runs", two),
    "gap": Column("gap", "loss of quality against the full search", two),
    "gap_lo": Column("low", "lower end of its 95 % interval", two),
    "gap_hi": Column("high", "upper end of its 95 % interval", two),
    "points": Column("points", "whether its cells were trained or interpolated", **WORD),
    "optimism": Column("optimism", "what selecting on the reported score would add", two),
    "region": Column("region", "all runs, or the better half of the learning rates", **WORD),
    "source": Column("source", "what varies", **WORD),
    "share": Column("share", "share of the variance (ω²)", percent),
    "wd": Column("λ", "recommended weight decay", number),
    "wd_lo": Column("low", "lower end of its 95 % interval", number),
    "wd_hi": Column("high", "upper end of its 95 % interval", number),
    "law": Column("by", "the law it rests on; measured: the optimum at this η itself", **WORD),
    "loss": Column("lost", "what it lost on the grid against the best λ there, cross-fitted", two),
    "note": Column("note", "what is missing and why", **WORD),
    "statement": Column("claim", "what the published study says", **WORD),
    "reported": Column("reported", "its figure", **WORD),
    "measured": Column("measured here", "this study's figure", **WORD),
    "why": Column("why", "the reason for the verdict", **WORD),
    "diverged": Column("diverged", "runs that diverged; they count as chance", whole),
    "hours": Column("device-hours", "as measured", two),
    "seconds": Column("s a run", "mean seconds a run", partial(fixed, decimals=1)),
    "device": Column("device", "what trained them", **WORD),
}
