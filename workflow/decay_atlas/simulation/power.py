"""Which laws a grid could tell apart, by simulation before anything is trained, and the axes that would.

Source: C, What a grid can express.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from decay_atlas.simulation.assumed import USUAL, Assumed
from decay_atlas.simulation.coverage import coverage, verdict_matrix
from decay_atlas.simulation.designs import Design
from decay_atlas.statistics.methods.axes import decades
from decay_atlas.statistics.methods.landscape import MIN_WEIGHT_DECAYS
from decay_atlas.statistics.methods.rivals import LAWS

LOCATIONS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Where λ* may lie at the middle learning rate, beside the middle of the grid; nobody knows before the study."""

REPEATS = 20

JITTER = 0.5
"""Decades within which λ* of a simulated study lies, about the place asked for; the published law stays in place."""

POWER = 0.8
"""A law is called tellable where at least this share of simulated studies finds it."""

USUAL_WD = 0.01
"""PyTorch's default of AdamW, the middle of an axis that has no positive weight decay."""

ADVISED_LR_DECADES = 2.0
ADVISED_SEEDS = 5
FINER = 4
"""Weight decays to a decade, where two do not place the optima well enough."""


class Place(NamedTuple):
    """A law and where it puts λ* at the middle learning rate; `kind` says why one asks."""

    law: str
    wd_middle: float
    kind: str
    """published: the ratio law at its published ρ; middle: through the middle of the grid; span: elsewhere."""


@dataclass(frozen=True)
class Shape:
    """The runs (lr, wd, seed) that a combination is trained on."""

    points: tuple[tuple[float, float, int], ...]

    @classmethod
    def rectangle(cls, lr: Sequence[float], wd: Sequence[float], seeds: int) -> Shape:
        """Every learning rate with every weight decay and seed."""
        return cls(tuple(sorted(product(map(float, lr), map(float, wd), range(seeds)))))

    @cached_property
    def lr(self) -> list[float]:
        """The learning rates, ascending."""
        return sorted({lr for lr, _, _ in self.points})

    @cached_property
    def wd(self) -> list[float]:
        """The weight decays of any learning rate, ascending."""
        return sorted({wd for _, wd, _ in self.points})

    @cached_property
    def seeds(self) -> int:
        """The number of seeds of the cell that has most."""
        counts: dict[tuple[float, float], int] = {}
        for lr, wd, _ in self.points:
            counts[lr, wd] = counts.get((lr, wd), 0) + 1
        return max(counts.values())

    @property
    def is_rectangle(self) -> bool:
        """Whether every learning rate has every weight decay and seed."""
        return len(self.points) == len(self.lr) * len(self.wd) * self.seeds

    @property
    def lr_middle(self) -> float:
        """The geometric mean of the ends of the learning rates."""
        return math.sqrt(self.lr[0] * self.lr[-1])

    @cached_property
    def wd_ends(self) -> tuple[float, float] | None:
        """The ends of the positive weight decays that at least half of the learning rates have, or of all."""
        shared = [wd for wd in self.wd if wd > 0 and 2 * sum(wd in self.wd_at(lr) for lr in self.lr) >= len(self.lr)]
        positive = shared or [wd for wd in self.wd if wd > 0]
        return (positive[0], positive[-1]) if positive else None

    @property
    def wd_middle(self) -> float:
        """The geometric mean of these ends."""
        return math.sqrt(self.wd_ends[0] * self.wd_ends[1]) if self.wd_ends else USUAL_WD

    def wd_at(self, lr: float) -> list[float]:
        """The weight decays of one learning rate, ascending."""
        return sorted({wd for at, wd, _ in self.points if at == lr})

    def inside(self, place: Place) -> NDArray[np.bool_]:
        """At which learning rates a law's optimum would be found inside the grid, not at an edge of it."""
        return np.array([self._is_inside(lr, self.optimum(place, lr)) for lr in self.lr])

    def optimum(self, place: Place, lr: float) -> float:
        """λ* that a law puts at a learning rate."""
        return place.wd_middle * (lr / self.lr_middle) ** LAWS[place.law]

    def _is_inside(self, lr: float, optimum: float) -> bool:
        """Whether the trained λ next to an optimum has neighbours on both sides; 0 is no neighbour below."""
        positive = [wd for wd in self.wd_at(lr) if wd > 0]
        if len(positive) < MIN_WEIGHT_DECAYS:
            return False
        return math.sqrt(positive[0] * positive[1]) < optimum < math.sqrt(positive[-2] * positive[-1])


@dataclass(frozen=True)
class Advice:
    """A grid that would do, or does best of those tried: its shape, and what `power` returns for it."""

    shape: Shape
    shares: pd.DataFrame


def places(shape: Shape, rho_reference: float) -> list[Place]:
    """What a study is most likely to ask: the published law, and each law through the middle of its grid."""
    return [
        Place("ratio", rho_reference * shape.lr_middle, "published"),
        *(Place(law, shape.wd_middle, "middle") for law in LAWS),
    ]


def power(
    shape: Shape,
    asked: Iterable[Place],
    *,
    assumed: Assumed = USUAL,
    repeats: int = REPEATS,
    processes: int | None = 1,
) -> pd.DataFrame:
    """How often a grid would find the law of each place, by simulated studies of the landscape that is assumed.

    Returns a row a place: kind, law, wd_middle, inside
    (learning rates with an optimum inside), right, wrong (another law) and silent (no law named) shares, told
    (whether right is large enough), and n.
    """
    asked = list(asked)
    designs = [
        Design(
            f"{place.kind} {place.law} {place.wd_middle:g}",
            shape.lr,
            shape.wd,
            shape.seeds,
            assumed.settings(place.law, shape.lr_middle, place.wd_middle),
            jitter=0.0 if place.kind == "published" else JITTER,
            points=shape.points,
        )
        for place in asked
    ]
    matrix = verdict_matrix(coverage(designs, repeats, processes=processes, advice=False), by=["design"])
    rows = []
    for place, design in zip(asked, designs, strict=True):
        found = matrix[matrix["design"] == design.name].set_index("verdict")["share"]
        right = float(found.get(place.law, 0.0))
        wrong = float(sum(found.get(other, 0.0) for other in LAWS if other != place.law))
        rows.append(
            {
                "kind": place.kind,
                "law": place.law,
                "wd_middle": place.wd_middle,
                "inside": int(shape.inside(place).sum()),
                "right": right,
                "wrong": wrong,
                "silent": max(0.0, 1 - right - wrong),
                "told": right >= POWER,
                "n": repeats,
            }
        )
    return pd.DataFrame(rows)


def advised_wd(lr: Sequence[float], asked: Iterable[Place], per_decade: int = 2) -> list[float]:
    """Weight decays, some to a decade, that reach a decade beyond λ*(η) of every place at every learning rate."""
    middle = math.sqrt(min(lr) * max(lr))
    optima = [place.wd_middle * (end / middle) ** LAWS[place.law] for place in asked for end in (min(lr), max(lr))]
    return decades(min(optima) / 10, max(optima) * 10, per_decade)


def advised_lr(lr: Sequence[float]) -> list[float]:
    """Learning rates, two a decade, over two decades about the middle of those given; wider ones stay."""
    if math.log10(max(lr) / min(lr)) >= ADVISED_LR_DECADES - 1e-9 and len(set(lr)) > 2 * ADVISED_LR_DECADES:
        return sorted(lr)
    middle, half = math.sqrt(min(lr) * max(lr)), 10 ** (ADVISED_LR_DECADES / 2)
    return decades(min(min(lr), middle / half), max(max(lr), middle * half))


def spans() -> list[Place]:
    """Every law at every location."""
    return [Place(law, location, "span") for law in LAWS for location in LOCATIONS]


def advice(
    shape: Shape,
    asked: Sequence[Place],
    *,
    assumed: Assumed = USUAL,
    repeats: int = REPEATS,
    processes: int | None = 1,
) -> Advice:
    """The least change of the axes that would tell the law of every place: λ alone, then finer, then η, then seeds.

    Where nothing tried would do, it is the last.
    """
    wider, seeds = advised_lr(shape.lr), max(shape.seeds, ADVISED_SEEDS)
    tried: dict[Shape, pd.DataFrame] = {}
    for lr, per_decade, n in (
        (shape.lr, 2, shape.seeds),
        (shape.lr, FINER, shape.seeds),
        (wider, FINER, shape.seeds),
        (wider, FINER, seeds),
    ):
        candidate = Shape.rectangle(lr, advised_wd(lr, asked, per_decade), n)
        if candidate not in tried:
            tried[candidate] = power(candidate, asked, assumed=assumed, repeats=repeats, processes=processes)
        if tried[candidate]["told"].all():
            break
    elsewhere = power(candidate, spans(), assumed=assumed, repeats=repeats, processes=processes)
    return Advice(candidate, pd.concat([tried[candidate], elsewhere], ignore_index=True))
