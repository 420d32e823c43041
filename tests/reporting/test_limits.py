"""What a study could not show, from runs and tables whose content is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from decay_atlas.reporting.limits import limits
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.optima import optima
from decay_atlas.tables.import_axes import numbered_seeds
from tests.reporting.pages import ACCURACY, LR

WD = [0, 1e-3, 1e-2, 0.1, 1, 10]


def limits_of(runs: pd.DataFrame) -> dict[str, str]:
    return {limit.heading: limit.text for limit in limits({"metric": ACCURACY}, runs, {"optima": optima(runs, "max")})}


def test_a_rate_at_which_every_run_diverged_is_named_and_its_optima_are_not_counted() -> None:
    runs = simulate([1e-4, 1e-3, 1e-2, 3e-2], WD, 3, archs=["a", "b"], law="product", diverge={"lr": 0.02})
    runs.loc[(runs["lr"] == 1e-2) & (runs["wd"] == 10), "status"] = "diverged"
    said = limits_of(runs)
    assert said["Diverged runs"].startswith("42 of 144 runs diverged, at η = 0.01 and 0.03.")
    assert "t η = 0.03 every run diverged (2 networks)" in said["Diverged learning rates"]
    assert "0.01" not in said["Diverged learning rates"]
    assert not {"Flat or unknown", "Ties", "Optima at the lower edge"} & set(said)


def test_nothing_is_said_of_rates_where_some_runs_trained() -> None:
    runs = simulate([1e-3, 1e-2], WD, 3, diverge={"product": 5e-2})
    assert "Diverged learning rates" not in limits_of(runs)


def test_flat_optima_are_counted_among_optima() -> None:
    runs = simulate([1e-4, 1e-3, 1e-2], WD, 3, archs=["a", "b"])
    runs.loc[runs["arch"] == "a", "value"] = 70.0 + runs["seed"]
    assert limits_of(runs)["Flat or unknown"].startswith("3 of 6 optima")


def test_what_one_seed_cannot_tell_is_not_called_flat() -> None:
    said = limits_of(simulate([1e-4, 1e-3, 1e-2], WD, 1))
    assert "One seed" in said
    assert "Flat or unknown" not in said


def about_seeds(runs: pd.DataFrame) -> list[str]:
    return [
        limit.text
        for limit in limits({"imports": ["sweep.csv"], "metric": ACCURACY}, runs, {})
        if "on import" in limit.heading
    ]


def test_seeds_that_were_numbered_are_stated_with_their_networks() -> None:
    shared = simulate([1e-3, 1e-2], [0.01, 0.1, 1], 3, archs=["a", "b"])
    ids = np.arange(len(shared)) + 1000
    runs = numbered_seeds(shared.assign(seed=np.where(shared["arch"] == "b", ids, shared["seed"])))
    (text,) = about_seeds(runs)
    assert "18 runs" in text
    assert "of b " in text
    assert about_seeds(numbered_seeds(shared)) == []
    assert about_seeds(shared) == []


def test_a_simulated_study_has_no_limits_of_training() -> None:
    runs = simulate(LR, WD, 5)
    trained = {one.heading for one in limits({"metric": ACCURACY}, runs, {})}
    simulated = {one.heading for one in limits({"metric": ACCURACY, "simulate": {}}, runs, {})}
    assert trained - simulated == {"Selected on test data", "One recipe", "One data set"}
    assert simulated <= trained
