"""Training loss against test score: lines are the learning curves of best cells, and words name their ends."""

from __future__ import annotations

import pandas as pd
import pytest

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.training_loss import training_loss
from decay_atlas.reporting.words import Metric

METRIC = Metric({"name": "accuracy", "unit": "%", "direction": "max"})
BEST = pd.DataFrame({"recipe": ["sgd", "adam"], "lr": [0.1, 0.001], "wd": [5e-4, 0.5]}).assign(
    dataset="digits", arch="net", baseline="sgd"
)


def curve(recipe, lr, wd, losses, scores):
    rows = {"lr": lr, "wd": wd, "epoch": range(1, len(losses) + 1), "train_loss": losses, "test_accuracy": scores}
    return pd.DataFrame(rows).assign(dataset="digits", arch="net", recipe=recipe, test_loss=0.5)


CURVES = pd.concat(
    [
        curve("sgd", 0.1, 5e-4, [2.0, 0.5, 0.1], [50.0, 80.0, 95.0]),
        curve("adam", 0.001, 0.5, [2.0, 0.2, 0.01], [50.0, 85.0, 93.0]),
        curve("adam", 0.1, 0.5, [9.0, 9.0, 9.0], [1.0, 1.0, 1.0]),
    ]
)


def draw(curves, score="test_final"):
    with style.styled():
        return training_loss(curves, BEST, METRIC, score)


def test_lines_are_those_of_the_best_cells():
    (panel,) = draw(CURVES)
    lines = {line.get_label(): line for line in panel.figure.axes[0].lines}
    assert lines["sgd"].get_xdata() == pytest.approx([2.0, 0.5, 0.1])
    assert lines["adam"].get_ydata() == pytest.approx([50.0, 85.0, 93.0])
    assert "adam has the least training loss and sgd the best test score" in panel.alt
    assert "sgd 0.10 and 95.0" in panel.alt


def test_a_score_that_is_a_loss_is_drawn_as_one():
    (panel,) = draw(CURVES, "test_loss_final")
    assert panel.figure.axes[0].get_ylabel() == "test loss"


@pytest.mark.parametrize("curves", [pd.DataFrame(), CURVES[CURVES["recipe"] == "sgd"]])
def test_without_two_learning_curves_it_says_so(curves):
    (panel,) = draw(curves)
    assert "No training losses to compare" in panel.alt
