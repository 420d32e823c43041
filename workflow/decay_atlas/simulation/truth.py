"""The truth of a simulated landscape, and what a run of it would score; without pandas, for a job's quick start.

The quality of a run is a parabola in log10 of the weight decay about λ*(η) = wd_best · (η / lr_best)^b,
under a parabola in log10 of the learning rate, plus seed noise. Real landscapes look otherwise: `Cliff` is a
plateau that rises gently to λ* and falls off beyond an edge, `Noise` a seed noise that is a function of the cell,
`Bend` a power law that breaks. A run's noise comes from a hash of its own axes, so that a grid can grow without
changing the runs it had.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtrit

from decay_atlas.runs.record_schema import SCORES
from decay_atlas.simulation.noise import standard_normals
from decay_atlas.statistics.methods.rivals import LAWS

if TYPE_CHECKING:
    from decay_atlas.statistics.methods.landscape import Direction, Floats

RUN_AXES = ("dataset", "recipe", "arch", "lr", "wd", "seed")
"""The axes of a run in the order in which its noise is hashed."""


@dataclass(frozen=True)
class Bend:
    """A break of the power law: above the learning rate `lr` the log–log slope of λ* on η is `slope`."""

    lr: float
    slope: float

    def __post_init__(self) -> None:
        _number("bend: lr", self.lr, above=0.0)
        _number("bend: slope", self.slope)


@dataclass(frozen=True)
class Cliff:
    """The loss of quality over λ that real networks show: a plateau with a hill at λ*, and a cliff beyond an edge.

    With u and z the decades of λ above λ*(η) and above the edge, the loss in pp is

        rise(η) · (1 − exp(−(u / width)²)) + fall(η) · max(0, z)²,

    and of the quality above chance the share exp(−loss / (best − chance)) is left, so that nothing falls below
    chance. Where the law would put λ* beyond the edge, λ* is the edge: nobody can decay more. Curvature and skew
    change with η by the exponents, and since the edge need not move as λ* does.
    """

    wd: float
    """λ of the edge at `lr_best`."""
    slope: float = 0.0
    """Log–log slope of the edge on η: 0 is a critical λ, −1 a critical ηλ."""
    fall: float = 120.0
    """Loss in pp per decade² beyond the edge."""
    fall_exponent: float = 0.0
    """The fall is proportional to η to this power."""
    rise: float = 3.0
    """What the plateau far below λ*, and λ = 0, lose in pp."""
    rise_exponent: float = 0.0
    """The rise is proportional to η to this power."""
    width: float = 0.7
    """Decades of λ from the top of the hill to where 63 % of the rise are lost."""

    def __post_init__(self) -> None:
        for name in ("wd", "width"):
            _number(f"cliff: {name}", getattr(self, name), above=0.0)
        for name in ("fall", "rise"):
            _number(f"cliff: {name}", getattr(self, name), least=0.0)
        for name in ("slope", "fall_exponent", "rise_exponent"):
            _number(f"cliff: {name}", getattr(self, name))


@dataclass(frozen=True)
class Noise:
    """How the noise between seeds differs from one normal deviate of `seed_sd` a run."""

    growth: float = 1.0
    """How often its `seed_sd` a cell has that loses half of the quality above chance: with f the share lost, the
    deviation is seed_sd · (1 + (growth − 1) · 4 · f · (1 − f))."""
    common: float = 0.0
    """Share of `seed_sd`² that is one effect of a seed on all its runs of an architecture."""
    common_lr: float = 0.0
    """Share of `seed_sd`² that is an effect of a seed on all its runs at one learning rate."""
    tails: float | None = None
    """Degrees of freedom of Student's t, above 2, from which the rest of the noise comes; none for a normal."""

    def __post_init__(self) -> None:
        _number("noise: growth", self.growth, least=1.0)
        for name in ("common", "common_lr"):
            _number(f"noise: {name}", getattr(self, name), least=0.0)
        if self.common + self.common_lr > 1:
            raise ValueError("simulate: noise: common and common_lr are shares, together at most 1")
        if self.tails is not None:
            _number("noise: tails", self.tails, above=2.0)


PARTS = {"bend": Bend, "cliff": Cliff, "noise": Noise}
"""The keys of a `simulate:` mapping that are mappings of fields themselves."""

PARABOLA = ("curvature", "tolerance", "no_decay")
"""The keys that shape the parabola, which a cliff takes the place of."""


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
    bend: Bend | None = None
    """Where the power law of λ* breaks, if it does."""
    cliff: Cliff | None = None
    """In place of the parabola, of `curvature`, `tolerance` and `no_decay`."""
    noise: Noise = field(default_factory=Noise)
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
        if settings.get("cliff") is not None and (both := [key for key in PARABOLA if key in settings]):
            raise ValueError(f"simulate: a cliff takes the place of {', '.join(both)}; leave one or the other out")
        return cls(**{key: _part(key, value) if key in PARTS else value for key, value in settings.items()})

    @property
    def slope(self) -> float:
        """The log–log slope b of λ* on η that the law has, below a bend where there is one."""
        return LAWS[self.law] if isinstance(self.law, str) else float(self.law)

    @property
    def straight(self) -> bool:
        """Whether λ* follows one power law at every η."""
        return self.bend is None and self.cliff is None

    def slope_over(self, lr: ArrayLike, wd: ArrayLike, arch: str | None = None) -> float:
        """The least-squares slope of ln λ* on ln η over the learning rates of a grid at which λ* is inside.

        This is what an estimate on that grid is judged against. NaN where λ* is inside at fewer than two.
        """
        if self.straight:
            return self.slope
        rates = np.unique(np.asarray(lr, float))
        rates = rates[self.inside(rates, wd, arch)]
        if len(rates) < 2:
            return math.nan
        return float(np.polyfit(np.log(rates), np.log(self.wd_optimal(rates, arch)), 1)[0])

    def inside(self, lr: ArrayLike, wd: ArrayLike, arch: str | None = None) -> NDArray[np.bool_]:
        """At which learning rates λ* lies between the smallest and the largest positive weight decay of `wd`."""
        positive, optima = np.asarray(wd, float), self.wd_optimal(lr, arch)
        positive = positive[positive > 0]
        found: NDArray[np.bool_] = (optima > positive.min(initial=np.inf)) & (optima < positive.max(initial=0.0))
        return found

    def wd_optimal(self, lr: ArrayLike, arch: str | None = None) -> Floats:
        """True λ* at each learning rate, for an architecture with its own offset where one is named."""
        lr_ = np.asarray(lr, float)
        optimum: Floats = self.wd_best * self._shift(arch) * (lr_ / self.lr_best) ** self.slope
        if self.bend is not None:
            change = self.bend.slope - self.slope
            optimum = optimum * (np.maximum(lr_, self.bend.lr) / max(self.lr_best, self.bend.lr)) ** change
        return optimum if self.cliff is None else np.minimum(optimum, self._edge(self.cliff, lr_, arch))

    def loss(self, lr: ArrayLike, wd: ArrayLike, arch: str | None = None) -> Floats:
        """Loss of quality in pp of λ against λ*(η), without the learning rate's own loss and before chance bounds it.

        `expected` has both.
        """
        lr_, wd_ = np.broadcast_arrays(np.asarray(lr, float), np.asarray(wd, float))
        with np.errstate(divide="ignore"):
            decades = np.log10(wd_) - np.log10(self.wd_optimal(lr_, arch))
        if self.cliff is not None:
            return self._cliff_loss(self.cliff, lr_, wd_, decades, arch)
        outside = np.maximum(np.abs(decades) - self.tolerance, 0.0)
        if isinstance(self.curvature, Mapping):
            below, above = self.curvature["below"], self.curvature["above"]
        else:
            below = above = self.curvature
        loss = np.where(decades < 0, below, above) * np.where(np.isinf(outside), 0.0, outside) ** 2
        loss = np.where(decades < 0, np.minimum(loss, self.no_decay), loss)
        return np.where(wd_ == 0, self.no_decay, loss)

    def expected(self, lr: ArrayLike, wd: ArrayLike, arch: str | None = None, direction: Direction = "max") -> Floats:
        """Expected value of the metric, in its unit, of a run that does not diverge."""
        sign = 1.0 if direction == "max" else -1.0
        offset = self.offsets.get(arch, {}) if arch else {}
        lr_decades = np.log10(np.asarray(lr, float) / self.lr_best) - offset.get("lr", 0.0)
        loss = self.loss(lr, wd, arch) + self.lr_curvature * lr_decades**2
        top, chance = sign * (self.best + offset.get("best", 0.0)), sign * self.chance
        if self.cliff is None or top <= chance:
            return sign * np.maximum(top - loss, chance)
        return sign * (chance + (top - chance) * np.exp(-loss / (top - chance)))

    def deviation(self, lr: ArrayLike, wd: ArrayLike, arch: str | None = None, direction: Direction = "max") -> Floats:
        """Standard deviation between seeds, in the metric's unit, of the runs of a cell."""
        expected = self.expected(lr, wd, arch, direction)
        span = self.best + (self.offsets.get(arch, {}).get("best", 0.0) if arch else 0.0) - self.chance
        left = (expected - self.chance) / span if span else np.zeros_like(expected)
        return self.seed_sd * (1.0 + (self.noise.growth - 1.0) * 4.0 * left * (1.0 - left))

    def _shift(self, arch: str | None) -> float:
        return float(10.0 ** (self.offsets.get(arch, {}).get("wd", 0.0) if arch else 0.0))

    def _edge(self, cliff: Cliff, lr: Floats, arch: str | None) -> Floats:
        edge: Floats = cliff.wd * self._shift(arch) * (lr / self.lr_best) ** cliff.slope
        return edge

    def _cliff_loss(self, cliff: Cliff, lr: Floats, wd: Floats, decades: Floats, arch: str | None) -> Floats:
        scale = lr / self.lr_best
        with np.errstate(divide="ignore"):
            beyond = np.maximum(np.log10(wd) - np.log10(self._edge(cliff, lr, arch)), 0.0)
        hill = cliff.rise * scale**cliff.rise_exponent * -np.expm1(-((decades / cliff.width) ** 2))
        loss: Floats = hill + cliff.fall * scale**cliff.fall_exponent * beyond**2
        return loss


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
    expected, sd = np.empty(len(lr)), np.empty(len(lr))
    archs = names[2]
    for arch in dict.fromkeys(archs.tolist()):
        rows = np.flatnonzero(archs == arch)
        expected[rows] = sign * truth.expected(lr[rows], wd[rows], str(arch), direction)
        sd[rows] = truth.deviation(lr[rows], wd[rows], str(arch), direction)

    seeds = np.asarray(axes["seed"], np.int64)
    noise = standard_normals([*names, lr, wd, seeds], truth.seed, streams=5)
    test = expected + _seed_noise(truth, names, lr, seeds, sd, noise[0])
    val = test + truth.validation_sd * noise[1]
    # The last epoch is never better than the best one; a third of the seed noise is about what is seen.
    quality = [
        test,
        test - sd / 3 * np.abs(noise[2]),
        val,
        val - sd / 3 * np.abs(noise[3]),
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


def _seed_noise(
    truth: Truth, names: list[NDArray[Any]], lr: Floats, seeds: NDArray[np.int64], sd: Floats, own: Floats
) -> Floats:
    """The noise of each run: what its seed has in common over cells, and the rest, to the deviation of its cell."""
    noise = truth.noise
    if noise.tails is not None:
        # Of the lower tail, which floating point resolves; scaled to unit variance.
        t = stdtrit(noise.tails, ndtr(-np.abs(own))) * math.sqrt((noise.tails - 2) / noise.tails)
        own = np.copysign(t, own)
    shared = truth.seed_sd**2 * (noise.common + noise.common_lr)
    if not shared:
        return sd * own
    everywhere = standard_normals([*names, seeds], truth.seed, streams=1)[0]
    at_lr = standard_normals([*names, lr, seeds], truth.seed, streams=1)[0]
    common = math.sqrt(noise.common) * everywhere + math.sqrt(noise.common_lr) * at_lr
    return truth.seed_sd * common + np.sqrt(np.maximum(sd**2 - shared, 0.0)) * own


def _part(key: str, value: Any) -> Any:
    """A nested part of a `simulate:` mapping as its own class."""
    made = PARTS[key]
    if value is None or isinstance(value, made):
        return value
    known = [f.name for f in fields(made)]
    needed = [f.name for f in fields(made) if f.default is MISSING]
    if not isinstance(value, Mapping) or not set(value) <= set(known) or not set(needed) <= set(value):
        need = f" ({', '.join(needed)} must be given)" if needed else ""
        raise ValueError(f"simulate: {key} is {value!r}; give a mapping with {', '.join(known)}{need}")
    return made(**value)


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
