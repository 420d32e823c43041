"""Whole pages of simulated studies, for the tests of pages and for the tests in a browser."""

from __future__ import annotations

import numpy as np
import pandas as pd

from decay_atlas.reporting.figures.registry import draw
from decay_atlas.reporting.page import render
from decay_atlas.statistics.deviation import deviation
from decay_atlas.statistics.importance import importance
from decay_atlas.statistics.law_costs import law_costs
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.optima import optima
from decay_atlas.statistics.performance_profile import performance_profile
from decay_atlas.statistics.ratio import ratio
from decay_atlas.statistics.recommendation import recommendation, recommendation_curve
from decay_atlas.statistics.tuning import tuning
from decay_atlas.statistics.universality import universality
from decay_atlas.statistics.valley import valley
from decay_atlas.tables.registry import figures as figure_names

ACCURACY = {"score": "test_best", "name": "accuracy", "unit": "%", "direction": "max"}
LOSS = {"score": "test_loss_best", "name": "loss", "unit": "", "direction": "min"}
LR, WD = [1e-4, 1e-3, 1e-2], [0, 1e-3, 1e-2, 0.1, 1, 10]


def tables_of(runs: pd.DataFrame, direction: str, unit: str = "%") -> dict[str, pd.DataFrame]:
    drops, fit = deviation(runs, direction)
    return {
        "optima": optima(runs, direction),
        "ratio": ratio(runs, direction),
        "laws": laws(runs, direction),
        "law_costs": law_costs(runs, direction),
        "universality": universality(runs, direction),
        "deviation": drops,
        "deviation_fit": fit,
        "tuning": tuning(runs, direction),
        "performance_profile": performance_profile(tuning(runs, direction)),
        "importance": importance(runs, direction),
        "valley": valley(runs, direction, unit=unit),
        "recommendation": recommendation(runs, direction),
        "recommendation_curve": recommendation_curve(runs, direction),
    }


def curves_of(runs: pd.DataFrame, epochs: int = 5) -> pd.DataFrame:
    """Learning curves that end where the cell's mean lies and begin at half of it."""
    ends = runs.groupby(["dataset", "recipe", "arch", "lr", "wd"], sort=False)["value"].mean().reset_index()
    parts = [
        ends.drop(columns="value").assign(
            epoch=epoch,
            test_accuracy=ends["value"] * (0.5 + epoch / epochs / 2),
            train_loss=3.0 / epoch,
            weight_norm=np.nan,
        )
        for epoch in range(1, epochs + 1)
    ]
    return pd.concat(parts, ignore_index=True)


def page_of(runs: pd.DataFrame, metric: dict = ACCURACY, curves: pd.DataFrame | None = None) -> str:
    study = {"study": "test", "metric": metric, "recipes": {}, "statistics": {}}
    tables = tables_of(runs, metric["direction"], metric["unit"])
    figures = {name: draw(name, study, runs, tables) for name in figure_names()}
    return render(study, runs, tables, figures, {"Digest": "abc"}, curves)
