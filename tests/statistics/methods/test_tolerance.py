import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decay_atlas.statistics.methods.tolerance import fit_tolerance

KAPPA = np.array([0.1, 0.2, 0.5, 1, 2, 5, 10])


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1.4), st.floats(0.1, 5))
def test_a_tolerance_law_is_found_again(delta, gamma):
    drop = gamma * np.maximum(0, np.abs(np.log(KAPPA)) - delta) ** 2
    law = fit_tolerance(KAPPA, drop)
    assert law.delta == pytest.approx(delta, abs=2e-3)
    assert law.gamma == pytest.approx(gamma, rel=1e-2)
    assert law.r2 == pytest.approx(1, abs=1e-5)


def test_no_zone_of_a_fine_search_fits_the_published_drops_better():
    drop = np.array([3.4, 2.1, 0.6, 0.0, 0.7, 2.3, 3.1])
    law, distance = fit_tolerance(KAPPA, drop), np.abs(np.log(KAPPA))
    shape = np.maximum(0, distance - law.delta) ** 2
    best = ((drop - law.gamma * shape) ** 2).sum()
    for delta in np.linspace(0, 2.2, 500):
        shape = np.maximum(0, distance - delta) ** 2
        assert best <= ((drop - shape * max(0, shape @ drop / (shape @ shape))) ** 2).sum() + 1e-9


def test_too_few_drops_are_refused():
    with pytest.raises(ValueError, match="3 drops or more"):
        fit_tolerance(KAPPA[:2], np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="not all at κ = 1"):
        fit_tolerance(np.ones(3), np.zeros(3))
