"""Draws have the mean and covariance that the textbook and scikit-learn give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from decay_atlas.statistics.methods import gaussian_process as module
from decay_atlas.statistics.methods.gaussian_process import ROW_SD, Points, draws, matern

ASKED = np.linspace(-3, 3, 7)
N = 4000


@pytest.fixture
def one_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves one set of hyperparameters: lengths 1.2 and 0.6, amplitude 2."""
    monkeypatch.setattr(module, "LENGTHS_X", (1.2,))
    monkeypatch.setattr(module, "LENGTHS_Z", (0.6,))
    monkeypatch.setattr(module, "AMPLITUDES", (2.0,))


def points(rows: int) -> Points:
    """Nine observations a row; those of a row err together."""
    rng = np.random.default_rng(0)
    row, x = np.repeat(np.arange(rows), 9), np.tile(np.linspace(-2, 2, 9), rows)
    noise = np.diag(np.linspace(0.05, 0.4, len(x))) + 0.1 * (row[:, None] == row)
    return Points(row, x, np.sin(2 * x) + row + rng.normal(size=len(x)) / 3, noise, np.linspace(0, 2, rows))


def agree(found: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> None:
    """Whether draws have a mean and a standard deviation, as far as their number can tell."""
    assert (np.abs(found.mean(axis=0) - mean) < 5 * sd / np.sqrt(N)).all()
    assert found.std(axis=0) == pytest.approx(sd, rel=0.08)


def test_the_correlation_is_scikit_learns() -> None:
    x = np.array([[0.0], [0.3], [1.0], [4.0]])
    np.testing.assert_allclose(matern((x - x.T) / 1.2), Matern(1.2, nu=1.5)(x))


def test_one_row_is_the_regression_of_scikit_learn(one_kernel: None) -> None:
    data = points(1)
    independent = Points(data.row, data.x, data.y, np.diag(np.diag(data.noise)), data.z)
    kernel = ConstantKernel(4.0) * Matern(1.2, nu=1.5) + ConstantKernel(ROW_SD**2)
    known = GaussianProcessRegressor(kernel, alpha=np.diag(data.noise), optimizer=None).fit(data.x[:, None], data.y)
    agree(draws(independent, ASKED, N)[:, 0], *known.predict(ASKED[:, None], return_std=True))


def test_rows_inform_each_other_and_noise_is_correlated(one_kernel: None) -> None:
    """The posterior of the textbook, also of a row without any observation."""
    data = points(3).of_rows(np.array([0, 2]))

    def kernel(x: np.ndarray, row: np.ndarray, other_x: np.ndarray, other: np.ndarray) -> np.ndarray:
        near = matern((x[:, None] - other_x) / 1.2) * matern((data.z[row][:, None] - data.z[other]) / 0.6)
        return 4.0 * near + ROW_SD**2 * (row[:, None] == other)

    x, row = np.tile(ASKED, 3), np.repeat(np.arange(3), len(ASKED))
    cross = kernel(x, row, data.x, data.row)
    weight = cross @ np.linalg.inv(kernel(data.x, data.row, data.x, data.row) + data.noise)
    covariance = kernel(x, row, x, row) - weight @ cross.T
    found = draws(data, ASKED, N).reshape(N, -1)
    agree(found, weight @ data.y, np.sqrt(np.diag(covariance)))
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    np.testing.assert_allclose(np.corrcoef(found.T), correlation, atol=0.08)


def test_the_evidence_is_that_of_a_normal_distribution() -> None:
    data = points(2)
    grid = [module.Hyperparameters(0.6, 0.3, 1.0), module.Hyperparameters(2.4, 1.2, 2.0)]
    z = data.z[data.row]
    known = []
    for one in grid:
        near = matern((data.x[:, None] - data.x) / one.length_x) * matern((z[:, None] - z) / one.length_z)
        level = ROW_SD**2 * (data.row[:, None] == data.row)
        known.append(multivariate_normal(cov=one.amplitude**2 * near + level + data.noise).logpdf(data.y))
    found = module._evidence(data, grid)
    assert found[1] - found[0] == pytest.approx(known[1] - known[0], abs=1e-3)


def test_functions_are_as_rough_as_the_points_show() -> None:
    """Between points of a smooth function draws stray less than between those of a rough one."""
    x = np.linspace(-4, 4, 17)
    spread = []
    for wave in (0.5, 6.0):
        data = Points(np.zeros(17, int), x, 2 * np.sin(wave * x), 1e-4 * np.eye(17), np.zeros(1))
        spread.append(draws(data, x[:-1] + 0.25, 200)[:, 0].std(axis=0).mean())
    assert spread[0] < spread[1] / 3


def test_the_same_points_give_the_same_draws() -> None:
    first, second = (draws(points(2), ASKED, 50) for _ in range(2))
    assert first.shape == (50, 2, len(ASKED))
    np.testing.assert_array_equal(first, second)
