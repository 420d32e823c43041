"""Labels that keep apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decay_atlas.reporting.figures.style import spread

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_values_that_are_apart_stay_and_a_pair_that_is_not_moves_evenly() -> None:
    assert spread([0.9, 0.1, 0.5], 0.2) == pytest.approx([0.9, 0.1, 0.5])
    assert spread([0.5, 0.5, 0.0], 0.2) == pytest.approx([0.4, 0.6, 0.0])


@given(VALUES)
def test_labels_are_apart_in_order_and_about_where_they_belong(values: list[float]) -> None:
    places = np.array(spread(values, 0.1))
    order = np.argsort(values, kind="stable")
    assert (np.diff(places[order]) >= 0.1 - 1e-9).all()
    assert places.mean() == pytest.approx(np.mean(values))
