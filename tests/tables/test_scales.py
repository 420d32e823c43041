from __future__ import annotations

import pandas as pd
import pytest

from decay_atlas.tables.scales import scaled

RUNS = pd.DataFrame({"value": [0.1, 10.0], "test_best": [0.1, 10.0]})


def test_a_loss_may_be_looked_at_by_its_logarithm() -> None:
    found = scaled(RUNS, "log10")
    assert found["value"].tolist() == pytest.approx([-1, 1])
    assert found["test_best"].tolist() == [0.1, 10]
    assert scaled(RUNS, "linear") is RUNS


def test_what_has_no_logarithm_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"1 value\(s\) have no logarithm, the first 0; set metric.scale: linear"):
        scaled(RUNS.assign(value=[0.0, 1.0]), "log10")
    with pytest.raises(ValueError, match="not 'ln'"):
        scaled(RUNS, "ln")
