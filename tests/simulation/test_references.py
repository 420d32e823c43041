"""Studies drawn from a dense landscape are judged against the whole of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from decay_atlas.simulation.references import COLUMNS, Part, dense_optima, judge, reference, summary
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.methods.landscape import Landscape, landscapes

LR, WD = np.geomspace(1e-4, 1e-2, 4), np.geomspace(1e-4, 10, 16)
TRUE = np.log(1e-4 / LR)


def dense(seeds: int = 8, **settings) -> Landscape:
    (one,) = landscapes(simulate(LR, WD, seeds, **{"law": "product", "seed_sd": 0.3, **settings}), "max")
    return one


def test_the_optima_of_a_dense_landscape_are_those_of_its_parabolas() -> None:
    one = dense(seeds=20)
    step = np.log(WD[1] / WD[0])
    assert dense_optima(one, np.arange(20)) == pytest.approx(TRUE, abs=0.4 * step)
    exact = dense(seed_sd=1e-3)
    assert dense_optima(exact, np.arange(8)) == pytest.approx(TRUE, abs=0.2 * step)


def test_a_references_own_uncertainty_is_that_of_its_seeds() -> None:
    few, many = (reference("a", dense(seeds, seed_sd=1.0), resamples=12) for seeds in (4, 30))
    assert few.drawn.shape == (12, 4)
    assert few.drawn.std(axis=0).mean() > many.drawn.std(axis=0).mean() > 0


def test_a_reference_says_whether_all_its_optima_lie_inside() -> None:
    assert reference("a", dense(), resamples=1).inside
    (steep,) = landscapes(simulate(LR, WD, 4, law="product", wd_best=20.0), "max")
    assert not reference("b", steep, resamples=1).inside


@pytest.mark.parametrize("fault", ["seeds", "wd", "hole"])
def test_what_is_no_whole_grid_is_no_reference(fault: str) -> None:
    one = dense(2 if fault == "seeds" else 4)
    if fault == "wd":
        (one,) = landscapes(simulate(LR, [0.0, *WD[:5]], 4), "max")
    if fault == "hole":
        one.quality[1, 1, 1] = np.nan
    with pytest.raises(ValueError, match="narrow: a reference is a whole grid"):
        reference("narrow", one)


@pytest.fixture(scope="module")
def outcomes() -> pd.DataFrame:
    whole = reference("parabola", dense(), resamples=10)
    return judge([whole], [Part(4), Part(4, 2, missing=0.1), Part(8), Part(3, rates="middle")], repeats=2)


def test_every_part_that_the_reference_can_give_is_judged(outcomes: pd.DataFrame) -> None:
    """Of eight seeds none is left to score a study of eight, and four learning rates have no middle."""
    assert outcomes.columns.tolist() == COLUMNS
    assert outcomes[["seeds", "every", "missing", "repeat"]].to_numpy().tolist() == [
        [4, 1, 0.0, 0], [4, 1, 0.0, 1], [4, 2, 0.1, 0], [4, 2, 0.1, 1],
    ]  # fmt: skip


def test_the_judge_knows_the_truth_and_scores_on_other_seeds(outcomes: pd.DataFrame) -> None:
    assert outcomes["slope_true"].dropna().to_numpy() == pytest.approx(-1, abs=0.2)
    assert outcomes["slope"].to_numpy() == pytest.approx(-1, abs=0.4)
    assert not outcomes["excluded"].any()
    assert set(outcomes["verdict"]) <= {"product", "undetermined"}
    assert (outcomes["optima"] >= 3).all()
    assert (outcomes["optima_held"] <= outcomes["optima"]).all()
    assert (outcomes["bands"] == 4).all()
    assert outcomes["regret"].between(0, 1).all()
    assert (outcomes["worst"] >= outcomes["regret"]).all()


def test_the_same_seed_draws_the_same_studies(outcomes: pd.DataFrame) -> None:
    again = judge([reference("parabola", dense(), resamples=10)], [Part(4)], repeats=1)
    pd.testing.assert_frame_equal(again, outcomes.iloc[:1], check_dtype=False)


def test_nothing_to_judge_is_said() -> None:
    with pytest.raises(ValueError, match="no reference with more seeds"):
        judge([reference("small", dense(3), resamples=2)], [Part(3)])


def test_shares_are_counted_over_the_studies_of_a_group() -> None:
    """Five studies: two products, one ratio, one without a law, one that no slope is known of."""
    table = pd.DataFrame(
        {
            "landscape": "a",
            "seeds": 3,
            "slope_true": [-1.0, -1.0, -1.0, -1.0, np.nan],
            "slope_lo": [-1.2, -0.9, 0.8, -1.5, np.nan],
            "slope_hi": [-0.8, -0.7, 1.2, 0.5, np.nan],
            "verdict": ["product", "product", "ratio", "undetermined", "not-identifiable"],
            "excluded": [False, False, True, False, False],
            "optima": [4, 4, 4, 3, 0],
            "optima_held": [4, 3, 2, 3, 0],
            "width": [1.0, 2.0, 3.0, 4.0, np.nan],
            "bands": [4, 4, 4, 4, 0],
            "bands_held": [4, 4, 3, 4, 0],
            **{name: [0.1, 0.2, 0.3, 0.4, np.nan] for name in ("regret", "regret_naive", "worst", "worst_naive")},
        }
    )
    (row,) = summary(table).to_dict("records")
    low, high = proportion_confint(2, 4, method="wilson")
    assert (row["landscape"], row["seeds"], row["n"], row["slopes"]) == ("a", 3, 5, 4)
    assert [row[f"slope_held{end}"] for end in ("", "_lo", "_hi")] == pytest.approx([0.5, low, high])
    assert row["slope_width"] == pytest.approx(0.4)
    assert row["optima_held"] == pytest.approx(12 / 15)
    assert row["optimum_width"] == pytest.approx(2.5)
    assert row["decided"] == pytest.approx(3 / 5)
    assert row["wrong"] == pytest.approx(1 / 5)
    assert row["contradictory"] == pytest.approx(2 / 10)  # each product with the ratio, of ten pairs
    assert row["bands_held"] == pytest.approx(15 / 16)
    assert row["regret"] == pytest.approx(0.25)
