"""The decomposition is held to statsmodels' ANOVA of type II and to variances put in by hand."""

import time

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.importance import importance

LR = np.geomspace(1e-4, 1e-2, 3)
WD = np.geomspace(1e-3, 1e-1, 4)


def everything(runs, direction="max"):
    table = importance(runs, direction)
    return table[table["region"] == "all"].set_index("source")


@pytest.mark.parametrize("kept", [1.0, 0.8])
def test_it_agrees_with_statsmodels_type_ii(kept):
    runs = simulate(LR, WD, 6, seed_sd=1.0).sample(frac=kept, random_state=3)
    model = smf.ols("value ~ C(lr) * C(wd) + C(seed)", data=runs).fit()
    theirs = anova_lm(model, typ=2).rename(
        index={
            "C(lr)": "lr",
            "C(wd)": "wd",
            "C(seed)": "seed",
            "C(lr):C(wd)": "lr×wd",
            "Residual": "residual",
        }
    )
    ours = everything(runs)
    assert ours["df"].astype(float).to_dict() == pytest.approx(theirs["df"].to_dict())
    effects = ["lr", "wd", "seed", "lr×wd"]
    assert ours.loc[effects, "statistic"].to_dict() == pytest.approx(theirs.loc[effects, "F"].to_dict())
    assert ours.loc[effects, "p"].to_dict() == pytest.approx(theirs.loc[effects, "PR(>F)"].to_dict())


def test_missing_cells_cost_their_degrees_of_freedom():
    runs = simulate(LR, WD, 4)
    ragged = runs[~((runs["lr"] == LR[0]) & (runs["wd"] > WD[1]))]
    df = everything(ragged)["df"]
    assert df[["lr", "wd", "lr×wd", "seed"]].tolist() == [2, 3, 10 - 1 - 2 - 3, 3]
    assert df["residual"] == 40 - 10 - 3


def test_on_a_balanced_grid_shares_are_the_variances_put_in():
    # Without an interaction: losses of a decoupled law add up. The seeds' own effect is put in by hand.
    runs = simulate(LR, WD, 200, law="decoupled", wd_best=1e-2, seed_sd=0.5, no_decay=100.0)
    runs["value"] += 0.3 * np.random.default_rng(0).normal(size=200)[runs["seed"]]
    ours = everything(runs)
    put_in = {
        "lr": np.var(4 * np.log10(LR / 1e-3) ** 2),
        "wd": np.var(2 * np.log10(WD / 1e-2) ** 2),
        "lr×wd": 0.0,
        "seed": 0.09,
        "residual": 0.25,
    }
    assert ours["variance"].to_dict() == pytest.approx(put_in, abs=0.03)
    assert ours["share"].sum() == pytest.approx(1.0, abs=0.01)
    assert ours.loc["lr×wd", "p"] > 0.001


def test_the_product_law_is_an_interaction():
    ours = everything(simulate(np.geomspace(1e-4, 1e-2, 5), np.geomspace(1e-3, 10, 9), 3, law="product"))
    assert ours.loc["lr×wd", "share"] > 0.3
    assert ours.loc["lr×wd", "p"] < 1e-6


def test_the_best_half_leaves_out_the_poor_learning_rates():
    runs = simulate(np.geomspace(1e-5, 1e-1, 5), WD, 3, lr_curvature=4.0)
    table = importance(runs, "max").set_index(["region", "source"])
    assert table.loc[("all", "lr"), "share"] > 0.9
    assert table.loc[("best half", "lr"), "df"] == 2
    assert table.loc[("best half", "lr"), "share"] < table.loc[("all", "lr"), "share"]


def test_what_cannot_be_decomposed_is_blank_with_the_reason():
    assert "second seed" in everything(simulate(LR, WD, 1))["blank"].iloc[0]
    assert "same value" in everything(simulate(LR, WD, 2).assign(value=1.0))["blank"].iloc[0]


def test_the_direction_does_not_matter_and_combinations_are_apart():
    runs = simulate(LR, WD, 3, archs=["a", "b"])
    alone = everything(runs[runs["arch"] == "b"])
    table = importance(runs.assign(value=-runs["value"]), "min")
    both = table[(table["arch"] == "b") & (table["region"] == "all")].set_index("source")
    pd.testing.assert_frame_equal(both, alone)


def test_a_large_design_is_quick():
    runs = simulate(np.geomspace(1e-5, 1e-1, 40), np.geomspace(1e-4, 10, 60), 10)
    start = time.perf_counter()
    importance(runs, "max")
    assert time.perf_counter() - start < 4.0
