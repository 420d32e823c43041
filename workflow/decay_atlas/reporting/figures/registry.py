"""The study's figures by name: one SVG file each, whatever there is to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from decay_atlas.reporting.figures import curves, forests, profiles, recipes, style
from decay_atlas.reporting.figures.adaptive import adaptive_plot
from decay_atlas.reporting.figures.landscapes import landscapes
from decay_atlas.reporting.figures.law_costs import law_costs
from decay_atlas.reporting.figures.optima import optima_plot
from decay_atlas.reporting.figures.robustness import variants
from decay_atlas.reporting.figures.training_loss import training_loss
from decay_atlas.reporting.figures.valley import valleys
from decay_atlas.reporting.svg import Panel, plate
from decay_atlas.reporting.words import Metric

Study = Mapping[str, Any]
Tables = Mapping[str, pd.DataFrame]


def draw(name: str, study: Study, runs: pd.DataFrame, tables: Tables) -> str:
    """One figure as SVG. `study` is the resolved configuration, `tables` the tables by name, and `curves`; any may be
    absent.

    Raises:
        ValueError: there is no figure of this name.
    """
    metric = Metric(study["metric"])
    statistics = study.get("statistics", {})
    reference = statistics.get("rho_reference", 0.1)
    panels: dict[str, Callable[[], list[Panel]]] = {
        "landscapes": lambda: landscapes(
            runs, table(tables, "optima"), table(tables, "laws"), metric, statistics.get("average", "mean")
        ),
        "optima": lambda: optima_plot(table(tables, "optima"), table(tables, "laws")),
        "slopes": lambda: forests.slopes(table(tables, "laws")),
        "ratio": lambda: forests.ratios(table(tables, "ratio"), reference),
        "law_costs": lambda: law_costs(table(tables, "law_costs"), metric),
        "deviation": lambda: curves.deviation(table(tables, "deviation"), table(tables, "deviation_fit"), metric),
        "tuning": lambda: curves.tuning(table(tables, "tuning"), metric),
        "performance_profile": lambda: profiles.performance(table(tables, "performance_profile"), metric),
        "importance": lambda: curves.importance(table(tables, "importance")),
        "valley": lambda: valleys(runs, table(tables, "valley"), metric, statistics.get("average", "mean")),
        "best": lambda: recipes.gains(table(tables, "best"), metric),
        "training_loss": lambda: training_loss(
            table(tables, "curves"), table(tables, "best"), metric, study["metric"].get("score", "")
        ),
        "epochs_law": lambda: recipes.epochs(table(tables, "epochs_law"), table(tables, "optima"), study["recipes"]),
        "rules": lambda: recipes.rules(table(tables, "rules"), metric),
        "robustness": lambda: variants(table(tables, "robustness")),
        "adaptive": lambda: adaptive_plot(tables, metric),
    }
    if name not in panels:
        raise ValueError(f"no figure {name!r}; there are: {', '.join(panels)}")
    with style.styled():
        return plate(panels[name](), name)


def table(tables: Tables, name: str) -> pd.DataFrame:
    """A table by name, empty where the study has none."""
    return tables.get(name, pd.DataFrame())
