"""What a study could not show, and what of that is no matter where nothing was trained."""

from __future__ import annotations

from decay_atlas.reporting.limits import limits
from decay_atlas.statistics.simulator import simulate
from tests.reporting.pages import ACCURACY, LR, WD


def test_a_simulated_study_has_no_limits_of_training() -> None:
    runs = simulate(LR, WD, 5)
    trained = {one.heading for one in limits({"metric": ACCURACY}, runs, {})}
    simulated = {one.heading for one in limits({"metric": ACCURACY, "simulate": {}}, runs, {})}
    assert trained - simulated == {"Selected on test data", "One recipe", "One data set"}
    assert simulated <= trained
