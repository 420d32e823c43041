"""Simulated studies: a grid and the truth on it, from the simple parabola to landscapes that look like real ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.simulation.simulator import simulate_runs
from decay_atlas.simulation.truth import Truth
from decay_atlas.statistics.methods.landscape import AXES
from decay_atlas.statistics.methods.rivals import LAWS

PUBLISHED_LR = [5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
PUBLISHED_WD = [0, 0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.3]

STANDARD, PUBLISHED = "standard", "published grid"
LIKE = "like "
"""Groups of designs; those of `network_designs` begin with `LIKE`, and the others are of `stress_designs`."""
REAL_LR, REAL_WD = np.geomspace(2e-3, 6.4e-2, 6), np.geomspace(0.03, 20, 8)
REAL = {"lr_best": 1.1e-2, "best": 90.0, "chance": 10.0, "lr_curvature": 1.0, "seed_sd": 1.0}
"""The axes of a usual study of small networks, and what its landscapes have in common."""

NETWORKS: dict[str, dict[str, Any]] = {
    "tiny_mixer": {
        **{"law": -0.7, "lr_best": 0.011, "wd_best": 0.9, "best": 90.5, "chance": 10.0, "lr_curvature": 0.3},
        "cliff": {"wd": 1.7, "slope": -0.2, "fall": 80.0, "rise": 2.5, "rise_exponent": 0.3, "width": 0.4},
        "noise": {"growth": 7.0, "common": 0.2, "common_lr": 0.35, "tails": 8.0},
        "seed_sd": 0.9,
    },
    "tiny_resnet": {
        **{"law": 0.3, "lr_best": 0.058, "wd_best": 0.6, "best": 92.5, "chance": 10.0, "lr_curvature": 5.5},
        "bend": {"lr": 0.008, "slope": -0.85},
        "cliff": {"wd": 1.1, "slope": -0.6, "fall": 170.0, "fall_exponent": -0.3, "rise": 5.0, "width": 0.85},
        "noise": {"growth": 6.0, "common": 0.15, "common_lr": 0.5, "tails": 8.0},
        "seed_sd": 0.9,
    },
    "tiny_swin": {
        **{"law": 0.5, "lr_best": 0.014, "wd_best": 0.27, "best": 85.5, "chance": 10.0, "lr_curvature": 6.0},
        "cliff": {
            **{"wd": 1.2, "fall": 150.0, "fall_exponent": 1.1, "rise": 2.2, "rise_exponent": 3.0, "width": 0.4},
        },
        "noise": {"growth": 8.0, "common_lr": 0.3, "tails": 8.0},
        "seed_sd": 1.0,
    },
    "tiny_convnext": {
        **{"law": -0.5, "lr_best": 0.011, "wd_best": 1.1, "best": 90.0, "chance": 10.0, "lr_curvature": 0.5},
        "cliff": {
            **{"wd": 3.4, "slope": -0.35, "fall": 250.0, "fall_exponent": 0.3},
            **{"rise": 1.5, "rise_exponent": 0.3, "width": 0.45},
        },
        "noise": {"growth": 12.0, "common": 0.25, "common_lr": 0.35, "tails": 8.0},
        "seed_sd": 0.9,
    },
    "tiny_vit": {
        **{"law": 0.8, "lr_best": 0.005, "wd_best": 0.15, "best": 89.0, "chance": 10.0, "lr_curvature": 10.0},
        "cliff": {
            **{"wd": 1.2, "slope": 0.1, "fall": 35.0, "fall_exponent": 0.3},
            **{"rise": 1.0, "rise_exponent": 1.3, "width": 0.9},
        },
        "noise": {"growth": 4.5, "common": 0.05, "common_lr": 0.35},
        "seed_sd": 1.1,
    },
}
"""Landscapes that look like those of the demo's networks (digits with label noise): fitted to the means of dense grids
of 10 seeds and to the deviations of their cells, and rounded."""


@dataclass(frozen=True)
class Design:
    """A grid and the truth on it, whose λ* every repeat moves within a span of `jitter` decades.

    `points` names every (lr, wd, seed) of a grid that is not the whole product of its axes. `group` is what
    tables put together.
    """

    name: str
    lr: Sequence[float]
    wd: Sequence[float]
    seeds: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    jitter: float = 1.0
    group: str = STANDARD
    points: Sequence[tuple[float, float, int]] = ()

    def truth(self, repeats: Iterable[int], seed: int = 0) -> Truth:
        """The truth of some repeats, each an arch of its own, the same whatever others are asked for."""
        # Where the optimum lies between two weight decays must not be the same in all repeats.
        offsets = {
            f"repeat{repeat}": {"wd": self.jitter * (np.random.default_rng([seed, repeat]).random() - 0.5)}
            for repeat in repeats
        }
        return Truth.parse({**self.settings, "offsets": offsets, "seed": seed})

    def runs(self, truth: Truth) -> pd.DataFrame:
        """The simulated runs of every repeat in a truth."""
        points = self.points or list(product(self.lr, self.wd, range(self.seeds)))
        axes = [(self.name, "simulated", arch, *point) for arch in truth.offsets for point in points]
        return simulate_runs(pd.DataFrame(axes, columns=AXES), truth)


def standard_designs(
    seeds: Sequence[int] = (3, 5, 10),
    noise: Sequence[float] = (0.2, 0.4, 0.6),
    curvature: Sequence[float] = (1.0, 2.0, 3.0),
) -> list[Design]:
    """Every law on 7 lr × 16 wd, by seeds, seed noise (pp) and curvature (pp per decade²)."""
    lr, wd = np.geomspace(1e-4, 1e-2, 7).tolist(), np.geomspace(1e-4, 10, 16).tolist()
    common = {"wd_best": 10**-1.5, "no_decay": 20.0}
    return [
        Design(
            f"{law}, {n} seeds, sd {sd:g}, curvature {bend:g}",
            lr,
            wd,
            n,
            {**common, "law": law, "seed_sd": sd, "curvature": bend},
        )
        for law, n, sd, bend in product(LAWS, seeds, noise, curvature)
    ]


def published_design() -> Design:
    """The published grid under the published law, ρ = 0.1."""
    ratio_law = {"law": "ratio", "wd_best": 1e-4, "seed_sd": 0.4, "curvature": 2.0}
    return Design("published grid, ratio 0.1", PUBLISHED_LR, PUBLISHED_WD, 5, ratio_law, 0.0, PUBLISHED)


STRESSED: tuple[str | float, ...] = (*LAWS, -0.5)


def stress_designs(seeds: int = 5) -> list[Design]:
    """Laws, and a slope of −0.5 that is none, on landscapes that have one trait of real ones each, or all of them.

    Where a bend or a cliff keeps λ* from following the law, the truth is the slope that the optima have.
    """
    lr, wd = REAL_LR.tolist(), REAL_WD.tolist()
    return [
        Design(f"{law if isinstance(law, str) else f'b = {law:g}'}, {name}", lr, wd, seeds, settings, group=name)
        for law in STRESSED
        for name, settings in _traits(law).items()
    ]


def _traits(law: str | float) -> dict[str, dict[str, Any]]:
    """The settings of each landscape of the stress designs, by what is special about it."""
    slope = LAWS[law] if isinstance(law, str) else law
    beside = {"wd": 1.6, "slope": slope, "fall": 120.0, "rise": 3.0, "width": 0.6}
    plain = {**REAL, "law": law, "wd_best": 0.8, "cliff": beside}
    growing, heavy = {"growth": 12.0}, {"tails": 3.0}
    shared = {"common": 0.3, "common_lr": 0.4}
    changing = {**beside, "slope": slope - 0.2, "rise_exponent": 0.6, "fall_exponent": 0.4}
    bend = {"lr": REAL["lr_best"], "slope": slope - 1.0}
    return {
        "a cliff beside λ*": plain,
        "a cliff at a critical λ": {**plain, "cliff": {**beside, "wd": 1.0, "slope": 0.0}},
        "a cliff at a critical ηλ": {**plain, "cliff": {**beside, "wd": 1.0, "slope": -1.0}},
        "curvature and skew that change with η": {**plain, "cliff": changing},
        "noise that grows at the cliff": {**plain, "noise": growing},
        "heavy tails": {**plain, "noise": heavy},
        "what a seed has in common": {**plain, "noise": shared},
        "a bent law": {**plain, "bend": bend},
        "optima at the edge of the grid": {**plain, "wd_best": 6.0, "cliff": {**beside, "wd": 12.0}},
        "all of these": {**plain, "cliff": changing, "bend": bend, "noise": {**growing, **heavy, **shared}},
    }


def network_designs(seeds: Sequence[int] = (1, 3, 5, 10)) -> list[Design]:
    """Landscapes that look like those of the demo's five networks, by seeds."""
    return [
        Design(f"{LIKE}{name}, {n} seeds", REAL_LR.tolist(), REAL_WD.tolist(), n, settings, 0.5, f"{LIKE}{name}")
        for name, settings in NETWORKS.items()
        for n in seeds
    ]
