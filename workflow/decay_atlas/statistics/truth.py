"""The truth of a simulated landscape, and what a run of it would score; without pandas, for a job's quick start.

The quality of a run is a parabola in log10 of the weight decay about λ*(η) = wd_best · (η / lr_best)^b,
under a parabola in log10 of the learning rate, plus seed noise. A run's noise comes from a hash of its own
axes, so that a grid can grow without changing the runs it had.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decay_atlas.record_schema import SCORES
from decay_atlas.statistics.noise import standard_normals
from decay_atlas.statistics.rivals import LAWS

if TYPE_CHECKING:
    from decay_atlas.statistics.landscape import Direction, Floats

RUN_AXES = ("dataset", "recipe", "arch", "lr", "wd", "seed")
"""The axes of a run in the order in which its noise is hashed."""


@dataclass(frozen=True)
class Truth:
    """What a simulated landscape is made of; the keys of a study's `simulate:` mapping.

    "pp" is the metric's unit; losses of quality are positive whatever the metric's direction.
    """

    law: str | float = "product"
    """ratio, decoupled or product, or the log–log slope b of λ* on η itself."""
    lr_best: float = 1e-3
    """The learning rate of the best quality, and the one at which λ* is `wd_best`."""
    wd_best: float = 0.1
    best: float = 75.0
    """Expected value at the optimum, in the metric's unit."""
    chance: float = 1.0
    """Value of a diverged run, and the worst expected value of any other."""
    curvature: float | Mapping[str, float] = 2.0
    """Loss in pp per decade² of λ away from λ*; {below: …, above: …} makes it asymmetric."""
    tolerance: float = 0.0
    """Half-width in decades of a flat zone about λ*, outside of which the loss begins."""
    no_decay: float = 6.0
    """Loss in pp of λ = 0; no λ below λ* loses more."""
    lr_curvature: float = 4.0
    """Loss in pp per decade² of η away from `lr_best`."""
    seed_sd: float = 0.4
    """Standard deviation in pp between seeds, the same in test and validation scores of one run."""
    validation_sd: float = 0.2
    """Standard deviation in pp of the noise that validation scores have on top."""
    diverge: Mapping[str, float] = field(default_factory=dict)
    """{lr: bound, product: bound}: a run whose η or ηλ is beyond its bound diverges."""
    offsets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """{arch: {lr: decades, wd: decades, best: pp}}: how far an architecture lies from the rest."""
    seconds: float = 60.0
    """Mean run time."""
    seed: int = 0
    """Another seed gives other noise."""

    def __post_init__(self) -> None:
        if isinstance(self.law, str) and self.law not in LAWS:
            raise ValueError(f"simulate: law is {self.law!r}; give one of {', '.join(LAWS)}, or a slope")
        for name in ("lr_best", "wd_best", "seconds"):
            _number(name, getattr(self, name), above=0.0)
        for name in ("tolerance", "no_decay", "lr_curvature", "seed_sd", "validation_sd"):
            _number(name, getattr(self, name), least=0.0)
        for name in ("best", "chance", *([] if isinstance(self.law, str) else ["law"])):
            _number(name, getattr(self, name))
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"simulate: seed is {self.seed!r}; give a whole number ≥ 0")
        if isinstance(self.curvature, Mapping):
            if set(self.curvature) != {"below", "above"}:
                raise ValueError("simulate: curvature is a number, or a mapping with both below and above")
            _numbers("curvature", self.curvature, {"below", "above"}, least=0.0)
        else:
            _number("curvature", self.curvature, least=0.0)
        _numbers("diverge", self.diverge, {"lr", "product"}, above=0.0)
        if not isinstance(self.offsets, Mapping):
            raise ValueError("simulate: offsets is a mapping from architecture to {lr, wd, best}")
        for arch, shifts in self.offsets.items():
            _numbers(f"offsets: {arch}", shifts, {"lr", "wd", "best"})

    @classmethod
    def parse(cls, settings: Mapping[str, Any]) -> Truth:
        """Build from a study's `simulate:` mapping.

        Raises:
            ValueError: a key is unknown, or a value out of its range; the message names it.
        """
        known = [f.name for f in fields(cls)]
        unknown = [str(key) for key in settings if key not in known]
        if unknown:
            raise ValueError(f"simulate: unknown key(s) {', '.join(unknown)}; known are {', '.join(known)}")
        return cls(**settings)

    @property
    def slope(self) -> float:
        """The log–log slope b of λ* on η."""
        return LAWS[self.law] if isinstance(self.law, str) else float(self.law)

    def wd_optimal(self, lr: ArrayLike, arch: str | None = None) -> Floats:
        """True λ* at each learning rate, for an architecture with its own offset where one is named."""
        shift = 10.0 ** (self.offsets.get(arch, {}).get("wd", 0.0) if arch else 0.0)
        return self.wd_best * shift * (np.asarray(lr, float) / self.lr_best) ** self.slope

    def loss(self, lr: ArrayLike, wd: ArrayLike, arch: str | None = None) -> Floats:
        """Expected loss of quality in pp of λ against λ*(η), without the learning rate's own loss."""
        lr_, wd_ = np.broadcast_arrays(np.asarray(lr, float), np.asarray(wd, float))
        with np.errstate(divide="ignore"):
            decades = np.log10(wd_) - np.log10(self.wd_optimal(lr_, arch))
        outside = np.maximum(np.abs(decades) - self.tolerance, 0.0)
        if isinstance(self.curvature, Mapping):
            below, above = self.curvature["below"], self.curvature["above"]
        else:
            below = above = self.curvature
        loss = np.where(decades < 0, below, above) * np.where(np.isinf(outside), 0.0, outside) ** 2
        loss = np.where(decades < 0, np.minimum(loss, self.no_decay), loss)
        return np.where(wd_ == 0, self.no_decay, loss)


def outcomes(axes: Mapping[str, Sequence[Any]], truth: Truth, direction: Direction = "max") -> dict[str, NDArray[Any]]:
    """What each run scores: the four scores, status (ok | diverged) and seconds, an array each, in the runs' order.

    `axes` has a column, of one length, for each of `RUN_AXES`.

    Raises:
        ValueError: an lr or wd is negative or not finite.
    """
    names = [np.asarray(axes[name], object) for name in RUN_AXES[:3]]
    lr, wd = (np.asarray(axes[name], float) for name in ("lr", "wd"))
    if not (np.isfinite(lr).all() and np.isfinite(wd).all() and (lr > 0).all() and (wd >= 0).all()):
        raise ValueError("a grid to simulate needs lr > 0 and wd ≥ 0, all of them finite")

    sign = 1.0 if direction == "max" else -1.0
    expected = np.empty(len(lr))
    archs = names[2]
    for arch in dict.fromkeys(archs.tolist()):
        rows = np.flatnonzero(archs == arch)
        offset = truth.offsets.get(str(arch), {})
        lr_decades = np.log10(lr[rows] / truth.lr_best) - offset.get("lr", 0.0)
        loss = truth.loss(lr[rows], wd[rows], str(arch)) + truth.lr_curvature * lr_decades**2
        expected[rows] = sign * (truth.best + offset.get("best", 0.0)) - loss
    expected = np.maximum(expected, sign * truth.chance)

    noise = standard_normals([*names, lr, wd, np.asarray(axes["seed"], np.int64)], truth.seed, streams=5)
    test = expected + truth.seed_sd * noise[0]
    val = test + truth.validation_sd * noise[1]
    # The last epoch is never better than the best one; a third of the seed noise is about what is seen.
    quality = [
        test,
        test - truth.seed_sd / 3 * np.abs(noise[2]),
        val,
        val - truth.seed_sd / 3 * np.abs(noise[3]),
    ]
    diverged = (lr > truth.diverge.get("lr", math.inf)) | (lr * wd > truth.diverge.get("product", math.inf))
    return {
        **{
            score: np.where(diverged, truth.chance, sign * values)
            for score, values in zip(SCORES, quality, strict=True)
        },
        "status": np.where(diverged, "diverged", "ok"),
        "seconds": truth.seconds * np.exp(0.05 * noise[4]),
    }


def _number(name: str, value: Any, above: float = -math.inf, least: float = -math.inf) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"simulate: {name} is {value!r}; give a finite number (YAML wants 1.0e-4, not 1e-4)")
    if value < least or value <= above:
        bound = f"above {above:g}" if above > -math.inf else f"{least:g} or more"
        raise ValueError(f"simulate: {name} is {value!r}; give a number {bound}")


def _numbers(name: str, values: Any, known: set[str], above: float = -math.inf, least: float = -math.inf) -> None:
    if not isinstance(values, Mapping) or not set(values) <= known:
        raise ValueError(f"simulate: {name} is {values!r}; give a mapping with {', '.join(sorted(known))}")
    for key, value in values.items():
        _number(f"{name}: {key}", value, above, least)
