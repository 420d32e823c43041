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


def test_sides_with_a_fit_each_have_a_zone_each() -> None:
    table = pd.DataFrame({"kappa": [0.1, 1.0, 10.0], "drop": [3.0, 0.0, 5.0], "lo": 0.0, "hi": 6.0, "blank": np.nan})
    fits = pd.DataFrame({"side": ["both", "below", "above"], "delta": [np.nan, np.log(5), np.log(2)], "gamma": 1.0})
    fits["r2"] = [np.nan, 0.9, 0.8]
    with style.styled():
        (panel,) = deviation(
            table.assign(centre="optimum", **KEY), fits.assign(centre="optimum", **KEY), Metric(ACCURACY)
        )
    labels = [text.get_text() for text in panel.figure.axes[0].get_legend().get_texts()]
    assert [label for label in labels if "zone" in label] == [
        "tolerance zone, κ 0.20 to 1.0",
        "tolerance zone, κ 1.0 to 2.0",
    ]


@pytest.mark.parametrize(("r2", "shown"), [(0.3, True), (-45.5, False), (np.nan, False)])
def test_a_law_is_drawn_only_where_it_explains_something(r2: float, shown: bool) -> None:
    legend = drawn("ratio", r2).figure.axes[0].get_legend()
    assert any("tolerance" in text.get_text() for text in legend.get_texts()) == shown
