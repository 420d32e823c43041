"""Figures of ratios: one estimate in words, the one whose intervals are counted."""

from __future__ import annotations

import pytest

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.forests import ratios
from decay_atlas.reporting.words import number
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.ratio import ratio
from tests.reporting.pages import LR, WD


@pytest.mark.parametrize(
    ("wd", "estimate"), [(WD, "rho_smooth"), ([10, 20, 50], "rho")], ids=["inside the grid", "at its edge"]
)
def test_the_heading_and_the_words_quote_the_estimate_of_the_intervals(wd: list[float], estimate: str) -> None:
    table = ratio(simulate(LR, wd, 3, archs=["resnet50", "vit_small"], law="product"), "max")
    assert table["rho_smooth"].notna().all() == (estimate == "rho_smooth")
    with style.styled():
        (panel,) = ratios(table, 0.1)
    low, high = number(table[estimate].min()), number(table[estimate].max())
    assert f"ρ from {low} to {high}" in panel.alt
    for arch, value in zip(table["arch"], table[estimate], strict=True):
        assert f"{arch} {number(value)}" in panel.alt
