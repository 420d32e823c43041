"""Figures of deviations: the heading and the curve say what the table says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.curves import deviation
from decay_atlas.reporting.svg import Panel
from decay_atlas.reporting.words import Metric
from tests.reporting.pages import ACCURACY

KEY = {"dataset": "digits", "recipe": "adamw"}


def drawn(centre: str, r2: float) -> Panel:
    """A panel whose largest drop is at κ = 1."""
    table = pd.DataFrame({"kappa": [0.5, 1.0, 2.0], "drop": [3.0, 4.5, 3.25], "lo": 2.0, "hi": 5.0, "blank": np.nan})
    fit = pd.DataFrame({"side": ["both"], "delta": [0.1], "gamma": [0.7], "r2": [r2]})
    with style.styled():
        (panel,) = deviation(table.assign(centre=centre, **KEY), fit.assign(centre=centre, **KEY), Metric(ACCURACY))
    return panel


@pytest.mark.parametrize(("centre", "worst"), [("ratio", "4.5 pp"), ("product", "4.5 pp"), ("optimum", "3.2 pp")])
def test_the_heading_names_the_largest_drop_of_the_table(centre: str, worst: str) -> None:
    assert f"up to {worst} lost" in drawn(centre, 0.9).alt


@pytest.mark.parametrize(("r2", "shown"), [(0.3, True), (-45.5, False), (np.nan, False)])
def test_a_law_is_drawn_only_where_it_explains_something(r2: float, shown: bool) -> None:
    legend = drawn("ratio", r2).figure.axes[0].get_legend()
    assert any("tolerance" in text.get_text() for text in legend.get_texts()) == shown
