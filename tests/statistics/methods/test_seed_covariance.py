"""Simulated noise that differs from cell to cell, and that the cells of a seed share, is found back."""

from __future__ import annotations

import numpy as np
import pytest

from decay_atlas.statistics.methods.landscape import Landscape
from decay_atlas.statistics.methods.seed_covariance import seed_covariance

LR, WD = np.geomspace(1e-4, 1e-2, 5), np.geomspace(1e-3, 10, 13)
X = np.log(WD)
DEPTH = np.tile(0.3 * (X - X[4]) ** 2, (5, 1))
SD = 0.2 + 0.15 * DEPTH


def landscape(seeds: int, share: float = 0.0, length: float = 2.5, rng_seed: int = 0) -> Landscape:
    """A valley whose noise grows with the depth; of it the cells of a seed share a part, the nearer the more."""
    rng = np.random.default_rng(rng_seed)
    correlation = share * np.exp(-np.abs(X[:, None] - X) / length) + (1 - share) * np.eye(len(X))
    noise = np.einsum("jk,iks->ijs", np.linalg.cholesky(correlation), rng.normal(size=(5, len(X), seeds)))
    quality = 90 - DEPTH[..., None] + SD[..., None] * noise
    return made(quality)


def made(quality: np.ndarray) -> Landscape:
    failed = np.zeros(quality.shape, bool)
    return Landscape("d", "r", "a", LR, WD, np.arange(quality.shape[2]), quality, failed, "max")


@pytest.mark.parametrize(("seeds", "largest"), [(3, 0.45), (10, 0.25)])
def test_every_cells_noise_is_found_better_than_by_its_seeds_alone(seeds: int, largest: float) -> None:
    one = landscape(seeds)
    found = seed_covariance(one, DEPTH)
    assert found.df == (seeds - 1) * SD.size
    error, alone = (np.sqrt(np.mean(np.log(sd / SD) ** 2)) for sd in (found.sd, one.sd()))
    assert error < alone
    assert error < largest
    assert found.sd[:, -1].mean() / found.sd[:, 4].mean() == pytest.approx(SD[0, -1] / SD[0, 4], rel=0.4)


def test_the_correlation_between_cells_of_a_seed_is_found() -> None:
    found = seed_covariance(landscape(10, share=0.93), DEPTH).correlation
    for apart in (1, 4, 8):
        true = 0.93 * np.exp(-apart * (X[1] - X[0]) / 2.5)
        assert found[:, 4, 4 + apart].mean() == pytest.approx(true, abs=0.15)


def test_independent_runs_are_found_independent() -> None:
    found = seed_covariance(landscape(10), DEPTH).correlation
    assert np.abs(found[:, 4, 5]).mean() < 0.2


def test_averages_over_shared_seeds_err_together_and_those_of_others_apart() -> None:
    one = landscape(4, share=0.93)
    one.quality[0, 0, 2:] = np.nan
    one.quality[0, 1, :2] = np.nan
    found = seed_covariance(one, DEPTH)
    known = found.of_means(one, 0, np.array([0, 1, 2]))
    sd, correlation = found.sd[0], found.correlation[0]
    few = 9 / 7  # variance of a t distribution: three seeds more than one, each worth three degrees of freedom
    np.testing.assert_allclose(np.diag(known), few * sd[:3] ** 2 / [2, 2, 4])
    assert known[0, 1] == 0
    assert known[0, 2] == pytest.approx(few * correlation[0, 2] * sd[0] * sd[2] * 2 / (2 * 4))


@pytest.mark.parametrize("same", [False, True])
def test_noise_that_nothing_measured_is_unknown(same: bool) -> None:
    """One seed, or seeds that do not differ."""
    one = landscape(1)
    found = seed_covariance(made(np.repeat(one.quality, 3, axis=2)) if same else one, DEPTH)
    assert found.df == 0
    assert np.isnan(found.sd).all()
