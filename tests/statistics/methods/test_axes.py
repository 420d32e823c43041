"""Axes as people write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decay_atlas.statistics.methods.axes import MANTISSAS, decades, rounded


@given(st.floats(1e-12, 1e12))
def test_the_nearest_of_the_mantissas_in_ratio(value: float) -> None:
    candidates = [m * 10.0**k for k in range(-14, 15) for m in MANTISSAS]
    nearest = min(candidates, key=lambda candidate: abs(np.log(candidate / value)))
    assert abs(np.log(rounded(value) / value)) == pytest.approx(abs(np.log(nearest / value)), abs=1e-9)


def test_two_values_a_decade_that_reach_both_ends() -> None:
    assert decades(0.001, 0.1) == [0.001, 0.003, 0.01, 0.03, 0.1]
    assert decades(0.002, 0.08) == [0.001, 0.003, 0.01, 0.03, 0.1]
    assert decades(0.01, 0.01) == [0.01]
