"""What a plan assumes of the landscape that a study will find: of recorded runs where there are any, else usual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decay_atlas.statistics.methods.landscape import MIN_WEIGHT_DECAYS, Floats, Landscape, average_over_seeds
from decay_atlas.statistics.methods.rivals import LAWS

MIN_DF = 4
"""Degrees of freedom that a deviation between seeds needs to be believed."""

GAP = 0.3
"""Decades from λ* to the edge of the cliff."""

VALLEY, CLIFF = 0.1, 0.5
"""Below and above which value of 4·f·(1 − f), f the share of quality lost, a cell tells the valley's noise and its
growth."""


@dataclass(frozen=True)
class Assumed:
    """A landscape like real ones (`truth.Cliff`, `truth.Noise`), in the metric's unit, but for where λ* lies.

    `span` is the quality that there is to lose. `runs` counts the recorded runs that it was taken from, and `basis`
    says which; none and empty where it is what small networks usually show.
    """

    seed_sd: float = 1.0
    growth: float = 7.0
    rise: float = 3.0
    fall: float = 120.0
    span: float = 80.0
    runs: int = 0
    basis: str = ""
    shaped: bool = False
    """Whether rise and fall are of the recorded runs too."""

    def settings(self, law: str, lr: float, wd: float) -> dict[str, Any]:
        """The settings of `Truth` under a law that puts λ* = `wd` at `lr`."""
        edge = {"wd": wd * 10**GAP, "slope": LAWS[law], "fall": self.fall, "rise": self.rise, "width": 0.6}
        return {
            **{"law": law, "lr_best": lr, "wd_best": wd, "best": self.span, "chance": 0.0, "lr_curvature": 0.0},
            "seed_sd": self.seed_sd,
            "cliff": edge,
            "noise": {"growth": self.growth, "common": 0.2, "common_lr": 0.35, "tails": 8.0},
        }


USUAL = Assumed()
"""What small networks showed on digits with label noise, in percent of accuracy."""


@dataclass(frozen=True)
class Measured:
    """What one recorded landscape tells; growth, rise and fall are NaN where it does not tell them."""

    seed_sd: float
    growth: float
    rise: float
    fall: float
    span: float
    runs: int


def measure(landscape: Landscape) -> Measured | None:
    """The noise between seeds of a recorded landscape, and as much of its shape as it shows; None without noise.

    The rise and the fall are told at learning rates with at least three positive weight decays, and where cells have
    several seeds the best is chosen on one half of them and scored on the other, for the best of noisy cells always
    looks better than it is.
    """
    means, n = landscape.mean(), landscape.n_seeds()
    none_diverged = landscape.none_diverged()
    df = np.where(none_diverged & (n > 1), n - 1, 0)
    if df.sum() < MIN_DF:
        return None
    variance = np.where(df > 0, landscape.sd() ** 2, 0.0)
    best = means[none_diverged].max()
    lost = np.clip((best - means) / max(best - np.nanmin(means), 1e-300), 0.0, 1.0)
    halved = np.where(np.isfinite(lost), 4.0 * lost * (1.0 - lost), np.nan)
    valley, cliff = (halved < VALLEY) & (lost < 0.5) & (df > 0), (halved > CLIFF) & (df > 0)
    if df[valley].sum() < MIN_DF:
        valley = df > 0
    sd, growth = _typical(variance[valley], df[valley]), math.nan
    if sd == 0:
        return None
    if df[cliff].sum() >= MIN_DF:
        # The deviation is linear in x = 4·f·(1 − f): a line through the two groups of cells, to x = 0.
        x = float(np.median(halved[valley]))
        steeper = (_typical(variance[cliff], df[cliff]) - sd) / (float(np.median(halved[cliff])) - x)
        sd = max(sd - max(steeper, 0.0) * x, 0.7 * sd)  # a plan had better take the noise for too large than too small
        growth = min(1.0 + max(steeper, 0.0) / sd, 30.0)
    # A grid that does not reach chance says little of how much there is to lose; the usual is 80 deviations.
    span = max(float(best - np.nanmin(means)), 40.0 * sd)
    rises, falls = _shape(landscape, span)
    return Measured(
        seed_sd=sd,
        growth=growth,
        rise=max(float(np.median(rises)), 0.0) if rises else math.nan,
        fall=max(float(np.median(falls)), 0.0) if falls else math.nan,
        span=span,
        runs=int(n.sum()),
    )


def assume(found: Sequence[Measured], basis: str, percent: bool) -> Assumed:
    """The typical landscape of several recorded ones: medians of what they tell.

    What they do not tell is as usual: in the same unit where the metric is a percentage, else as large beside the
    noise as it usually is. `USUAL` where nothing was found.
    """
    if not found:
        return USUAL
    sd = float(np.median([one.seed_sd for one in found]))
    unit = 1.0 if percent else sd / USUAL.seed_sd

    def typical(name: str, usual: float) -> float:
        told = [value for one in found if not math.isnan(value := getattr(one, name))]
        return float(np.median(told)) if told else usual

    return Assumed(
        seed_sd=sd,
        growth=typical("growth", USUAL.growth),
        rise=typical("rise", USUAL.rise * unit),
        fall=typical("fall", USUAL.fall * unit),
        span=max(typical("span", USUAL.span), USUAL.span * unit if percent else 0.0),
        runs=sum(one.runs for one in found),
        basis=basis,
        shaped=any(not math.isnan(one.rise) for one in found),
    )


def _typical(variance: Floats, df: NDArray[np.int64]) -> float:
    """The typical deviation of cells: from the median, which a few cells that lie on a cliff do not move.

    A variance of few degrees of freedom is more often small than large; its median is that of a χ² (Wilson and
    Hilferty, PNAS 1931).
    """
    return math.sqrt(float(np.median(variance / (1.0 - 2.0 / (9.0 * df)) ** 3)))


def _shape(landscape: Landscape, span: float) -> tuple[list[float], list[float]]:
    """Rises of the plateau, and falls beyond the edge per decade², at the learning rates that show them."""
    rises, falls = [], []
    positive = landscape.wd > 0
    log_wd = np.log10(landscape.wd[positive])
    for i in np.flatnonzero(~landscape.all_diverged()):
        for chosen_on, scored_on in _halves(landscape.quality[i][positive]):
            usable = np.isfinite(chosen_on) & np.isfinite(scored_on)
            if usable.sum() < MIN_WEIGHT_DECAYS:
                continue
            best = int(np.nanargmax(np.where(usable, chosen_on, -np.inf)))
            decades, loss = log_wd - log_wd[best], scored_on[best] - scored_on
            below = usable & (decades < -0.8)
            if below.any():
                rises.append(float(loss[below].mean()))
            beyond = decades - GAP
            far = usable & (beyond > 0.2) & (loss < 0.9 * span)
            falls += (-span * np.log1p(-np.maximum(loss[far], 0.0) / span) / beyond[far] ** 2).tolist()
    return rises, falls


def _halves(quality: Floats) -> list[tuple[Floats, Floats]]:
    """Means of cells over two halves of the seeds, each once to choose on and once to score on."""
    whole = average_over_seeds(quality)
    if quality.shape[1] < 2:
        return [(whole, whole)]
    even, odd = average_over_seeds(quality[:, ::2]), average_over_seeds(quality[:, 1::2])
    return [(even, odd), (odd, even)]
