"""The report says what an import changed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from decay_atlas.reporting.limits import limits
from decay_atlas.statistics.import_axes import numbered_seeds
from decay_atlas.statistics.simulator import simulate

STUDY = {
    "imports": ["sweep.csv"],
    "metric": {"score": "test_best", "name": "accuracy", "unit": "%", "direction": "max"},
}


def about_seeds(runs: pd.DataFrame) -> list[str]:
    return [limit.text for limit in limits(STUDY, runs, {}) if "on import" in limit.heading]


def test_seeds_that_were_numbered_are_stated_with_their_networks() -> None:
    shared = simulate([1e-3, 1e-2], [0.01, 0.1, 1], 3, archs=["a", "b"])
    ids = np.arange(len(shared)) + 1000
    runs = numbered_seeds(shared.assign(seed=np.where(shared["arch"] == "b", ids, shared["seed"])))
    (text,) = about_seeds(runs)
    assert "18 runs" in text
    assert "of b " in text
    assert about_seeds(numbered_seeds(shared)) == []
    assert about_seeds(shared) == []
