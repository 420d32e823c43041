"""What to set, in the words that command line and page share."""

from __future__ import annotations

import numpy as np
import pytest

from decay_atlas.reporting.setting import BASES, SIDES, setting
from decay_atlas.reporting.words import Metric
from decay_atlas.statistics.methods.rivals import LAWS
from tests.reporting.pages import ACCURACY, LOSS

ROW = {"arch": "net", "dataset": "digits", "lr": 1e-3, "extrapolated": False, "note": ""}
KNOWN = {
    **ROW,
    **{"wd": 0.1, "wd_lo": 0.05, "wd_hi": 0.2, "law": "measured", "loss": 0.04, "loss_lo": -0.1, "loss_hi": 0.18},
    **{"band_lo": 0.03, "band_hi": 0.25, "band_lo_loss": 0.2, "band_hi_loss": 0.3, "err": "low", "tolerance": 0.35},
}


def test_all_that_is_known_is_told() -> None:
    assert setting(KNOWN, Metric(ACCURACY)).splitlines() == [
        "net on digits, lr 0.001: weight decay 0.1 (95 % interval 0.05 to 0.2), by least expected loss over the curves "
        "the data allow.",
        "Between 0.03 and 0.25 the expected loss stays within 0.35 pp (measured at the ends: 0.20 and 0.30 pp).",
        "Err low: too large a λ costs more than too small a one.",
        "On the grid it lost 0.04 pp (−0.10 to 0.18) against the best weight decay there.",
    ]


def test_what_is_not_known_is_left_out() -> None:
    row = {**ROW, "wd": 0.1, "wd_lo": np.nan, "wd_hi": np.nan, "law": "grid", "err": "", "note": "one seed"}
    assert setting(row, Metric(ACCURACY)).splitlines() == [
        "net on digits, lr 0.001: weight decay 0.1, by the best cell of the grid.",
        "Note: one seed.",
    ]


def test_a_band_whose_end_the_grid_does_not_reach_has_no_measured_losses() -> None:
    text = setting({**KNOWN, "band_hi_loss": np.nan}, Metric(LOSS))
    assert "stays within 0.35.\n" in text
    assert "pp" not in text


def test_no_recommendation_says_why() -> None:
    row = {**ROW, "note": "every run diverged at this learning rate"}
    assert setting(row, Metric(ACCURACY)).endswith("no recommendation, as every run diverged at this learning rate.")


def test_a_rate_beyond_is_told() -> None:
    row = {**ROW, "wd": 0.1, "wd_lo": 0.05, "wd_hi": 0.2, "law": "product", "extrapolated": True}
    assert "by the product law.\nThis learning rate lies outside" in setting(row, Metric(ACCURACY))


@pytest.mark.parametrize("basis", [*LAWS, "fitted", "measured", "grid"])
def test_every_basis_of_the_table_has_words(basis: str) -> None:
    assert BASES[basis]
    assert set(SIDES) == {"low", "high"}
