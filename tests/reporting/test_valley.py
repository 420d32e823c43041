"""Figure of the valley: its curves are the landscape's own cells, and its words the table's widths."""

from __future__ import annotations

import re

import numpy as np
import pytest

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.valley import valleys
from decay_atlas.reporting.words import Metric
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.methods.landscape import landscapes
from decay_atlas.statistics.valley import along, valley

METRIC = Metric({"name": "accuracy", "unit": "%", "direction": "max"})
GRID = np.geomspace(1e-3, 1, 7)


def test_a_panel_marks_both_sweeps_and_draws_what_they_find():
    runs = simulate(GRID, GRID, 3, law="product", wd_best=0.1, lr_best=0.1)
    table = valley(runs, "max", starts={"adamw": (GRID[4], GRID[4])})
    with style.styled():
        (panel,) = valleys(runs, table, METRIC)
    widths = table.set_index("sweep")["decades"]
    assert re.findall(r"\(S[12]\) (\d\.\d\d)", panel.alt) == [f"{widths[name]:.2f}" for name in ("wd", "product")]
    below = panel.figure.axes[1]
    assert below.get_ylabel() == METRIC.axis
    cells = runs.pivot_table(index="wd", columns="lr", values="value")
    fixed = next(line for line in below.lines if line.get_label() == "λ fixed (S1)")
    assert fixed.get_ydata() == pytest.approx(cells.iloc[4])


def test_a_sweep_at_fixed_product_runs_along_the_diagonal():
    runs = simulate(GRID, GRID, 1, law="product")
    wd, value = along(landscapes(runs, "max")[0], "product", (GRID[2], GRID[4]))
    assert wd == pytest.approx(GRID[6 - np.arange(7)])
    assert np.isfinite(value).all()
    off, nothing = along(landscapes(runs, "max")[0], "product", (GRID[0], GRID[0]))
    assert np.isnan(off[1:]).all()
    assert np.isnan(nothing[1:]).all()


def test_without_a_second_weight_decay_it_says_so():
    runs = simulate(GRID, [0.1], 2)
    with style.styled():
        (panel,) = valleys(runs, valley(runs, "max"), METRIC)
    assert "No valley to draw" in panel.alt
