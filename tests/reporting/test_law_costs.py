"""The figure of what each law costs says which laws can be followed, and why it has nothing to show."""

from __future__ import annotations

import pandas as pd
import pytest

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.law_costs import law_costs as drawn
from decay_atlas.reporting.words import Metric
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.law_costs import law_costs
from tests.reporting.pages import ACCURACY, LR, WD


def alt_texts(table: pd.DataFrame) -> list[str]:
    with style.styled():
        return [panel.alt for panel in drawn(table, Metric(ACCURACY))]


def test_each_panel_says_which_laws_can_be_followed() -> None:
    runs = simulate(LR, WD, 5, archs=["vit", "mixer"], law="product", wd_best=0.1, lr_best=1e-3, seed_sd=0.01)
    vit, mixer = alt_texts(law_costs(runs, "max", tolerance=1.0))
    assert "vit: product can be followed; ratio and decoupled cannot be followed" in vit
    assert "mixer: product can be followed" in mixer
    assert "decoupled at η 0.01: 2.00" in vit


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        (simulate(LR, WD, 1), "one seed: none is left to choose the best λ by"),
        (simulate(LR, WD[:2], 3), "no learning rate has three weight decays"),
        (simulate(LR[:1], WD, 3), "for want of a second learning rate"),
    ],
)
def test_without_a_loss_it_says_why(runs: pd.DataFrame, why: str) -> None:
    (text,) = alt_texts(law_costs(runs, "max"))
    assert why in text
