"""What to set: the true λ* is recommended, its interval holds it, and silence where nothing is known."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from decay_atlas.statistics.landscape import landscapes
from decay_atlas.statistics.recommendation import coupling_line, recommend, recommendation, recommendation_curve
from decay_atlas.statistics.simulator import simulate
from decay_atlas.statistics.smoothing import smooth_optima

LR = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
WD = [1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]


def cliff() -> pd.DataFrame:
    """The decoupled law with λ* = 0.1, but at η = 0.001 every λ from there on is much worse than those below."""
    runs = simulate(LR, WD, 5, law="decoupled")
    runs.loc[(runs["lr"] == 1e-3) & (runs["wd"] >= 0.1), "value"] -= 20
    return runs


def advise(lr: float, **truth: object) -> dict:
    landscape = landscapes(simulate(LR, WD, 5, **truth), "max")[0]
    smooth = smooth_optima(landscape)
    return recommend(landscape, smooth, coupling_line(landscape, smooth), lr)


@pytest.mark.parametrize(("law", "at_3e4"), [("product", 0.1 / 0.3), ("decoupled", 0.1), ("ratio", 0.03)])
def test_the_true_optimum_of_each_law_is_recommended(law: str, at_3e4: float) -> None:
    row = advise(3e-4, law=law, wd_best=0.1)
    assert row["law"] == law
    assert row["wd"] == pytest.approx(at_3e4, rel=0.35)
    assert row["wd_lo"] < at_3e4 < row["wd_hi"]
    assert row["loss"] == pytest.approx(0, abs=0.35)


def test_the_interval_holds_the_true_optimum_as_often_as_it_says() -> None:
    """100 studies of 3 seeds; 95 % intervals miss a dozen times with probability 0.4 %."""
    held = [
        row["wd_lo"] < 0.1 < row["wd_hi"]
        for seed in range(100)
        for row in [advise(1e-3, law="product", seed=seed, seed_sd=0.5)]
    ]
    assert np.sum(held) > 88


def test_a_slope_that_is_no_laws_is_followed_as_fitted() -> None:
    row = advise(3e-4, law=-0.5)
    assert row["law"] == "fitted"
    assert row["slope"] == pytest.approx(-0.5, abs=0.1)
    assert row["wd"] == pytest.approx(0.1 / 0.3**0.5, rel=0.3)


def test_beyond_the_measured_rates_a_law_reaches_one_decade_and_says_so() -> None:
    near, far = advise(3e-5, law="product"), advise(5e-6, law="product")
    assert near["extrapolated"]
    assert near["wd"] == pytest.approx(0.1 / 0.03, rel=0.4)
    assert "not trained" in near["note"]
    assert "wd" not in far
    assert "more than 10× beyond" in far["note"]


def test_optima_at_the_edge_give_no_advice() -> None:
    """The published grid under the published law: nothing inside it to go by."""
    lr = [5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
    wd = [0, 0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.3]
    table = recommendation(simulate(lr, wd, 5, law="ratio", wd_best=1e-4), "max")
    assert table["wd"].isna().all()
    assert table["note"].str.contains("no law is established|no valley").all()


def test_a_law_that_lost_on_the_grid_gives_way_to_the_grids_best() -> None:
    """At a cliff just below the law's λ; what was measured on its safe side is given."""
    table = recommendation(cliff(), "max", unit="%").set_index("lr")
    assert (table["loss"] < 1.0).all()
    assert table["law"].to_dict() == {lr: "grid" if lr == 1e-3 else "decoupled" for lr in LR}
    moved = table.loc[1e-3]
    assert moved["wd"] == 0.03
    assert moved["wd_lo"] in WD
    assert "the decoupled law" in moved["note"]
    assert re.search(r"lost 1\d pp", moved["note"])


def test_next_to_a_rate_at_which_the_law_lost_nothing_is_recommended() -> None:
    curve = recommendation_curve(cliff(), "max", unit="%")
    beside = (curve["lr"] > 3e-4) & (curve["lr"] < 3e-3)
    assert beside.sum() > 4
    assert (curve["wd"].isna() == beside).all()
    assert curve.loc[beside, "note"].str.contains(r"0\.001 the λ of the decoupled law lost 1\d pp").all()


@pytest.mark.parametrize(("seen", "silent"), [("last", (3e-3, np.inf)), ("middle", (3e-4, 3e-3))])
def test_where_every_run_diverged_and_up_to_its_neighbours_nothing_is_recommended(seen: str, silent: tuple) -> None:
    dead = {"last": 1e-2, "middle": 1e-3}[seen]
    runs = simulate(LR, WD, 5, law="product")
    runs.loc[runs["lr"] == dead, ["status", "value"]] = ["diverged", 1.0]
    table = recommendation(runs, "max").set_index("lr")
    assert table.index[table["wd"].isna()].tolist() == [dead]
    assert table.loc[dead, ["law", "loss"]].isna().all()
    assert table.loc[dead, "note"] == "every run diverged at this learning rate"
    curve = recommendation_curve(runs, "max")
    within = (curve["lr"] > silent[0]) & (curve["lr"] < silent[1])
    assert within.any()
    assert (curve["wd"].isna() == within).all()
    assert curve.loc[within, "note"].str.contains(f"every run diverged at .* {dead:g}").all()


def test_one_run_that_did_not_diverge_is_something_to_go_by() -> None:
    runs = simulate(LR, WD, 5, law="product")
    runs.loc[(runs["lr"] == 1e-2) & ~((runs["wd"] == 1e-3) & (runs["seed"] == 0)), "status"] = "diverged"
    assert recommendation(runs, "max")["wd"].notna().all()


def test_the_curve_has_a_point_between_any_two_rates() -> None:
    curve = recommendation_curve(simulate([*LR, 1.05e-2], WD, 3), "max")
    assert ((curve["lr"] > 1e-2) & (curve["lr"] < 1.05e-2)).any()


def test_one_learning_rate_gives_its_measured_optimum() -> None:
    table = recommendation(simulate([1e-3], WD, 5), "max")
    assert table["law"].tolist() == ["measured"]
    assert table["wd"][0] == pytest.approx(0.1, rel=0.4)


def test_one_seed_gives_a_number_without_an_interval() -> None:
    table = recommendation(simulate([1e-3], WD, 1, seed_sd=0.01), "max")
    assert table.loc[0, ["wd_lo", "wd_hi", "loss"]].isna().all()


def test_a_loss_that_one_seed_scores_has_no_interval_and_moves_nothing() -> None:
    """A second seed that got only to the small weight decays leaves the law's own λ to the first."""
    runs = simulate([1e-3, 3e-3, 1e-2], [1e-4, 1e-3, 1e-2, 0.1, 1, 10], 2, law="decoupled", wd_best=0.03, seed_sd=0.3)
    ragged = runs[(runs["seed"] == 0) | (runs["wd"] <= 0.01)]
    table = recommendation(ragged, "max")
    alone = table["loss"].notna() & table["loss_lo"].isna()
    assert alone.any()
    assert (table.loc[alone, "law"] != "grid").all()
    assert table["wd"].notna().all()


def test_every_combination_and_rate_has_a_row() -> None:
    runs = pd.concat([simulate(LR, WD, 3, archs=["a", "b"]), simulate(LR, WD, 3, dataset="other")])
    assert len(recommendation(runs, "max")) == 15


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        advise(0.0)
