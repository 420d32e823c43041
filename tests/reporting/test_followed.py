"""Which laws can be followed, in words, from a table whose content is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from decay_atlas.reporting.followed import followed
from decay_atlas.reporting.words import Metric
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.law_costs import law_costs
from tests.reporting.pages import ACCURACY, LR, WD

METRIC = Metric(ACCURACY)


def costs(*laws: tuple[str, str, str], lo: float = 0.5, hi: float = 2.0, loss: float = 0.4) -> pd.DataFrame:
    """The table for (arch, law, follow), each with two other η about 0.01."""
    return pd.DataFrame(
        {"dataset": "cifar", "recipe": "adamw", "arch": arch, "law": law, "follow": follow, "eta_from": 0.01}
        | {"eta_to": 0.01 * factor, "factor": factor, "factor_lo": lo, "factor_hi": hi, "tolerance": 1.0}
        | {"loss": loss, "loss_lo": loss - 0.2, "loss_hi": loss + 2.5, "blank": "" if loss == loss else "one seed"}
        for arch, law, follow in laws
        for factor in (0.5, 2.0)
    )


def test_what_can_be_followed_and_what_cannot() -> None:
    table = costs(("vit", "ratio", "cannot"), ("vit", "decoupled", "can"), ("vit", "product", "open"))
    assert followed(table, METRIC) == (
        "Within the seed noise of the best cells (1.0 pp), "
        "the ratio law can be followed for η from 0.005 to 0.02 and cannot be followed beyond; "
        "the decoupled law can be followed for η from 0.005 to 0.02; "
        "the product law can be followed for η from 0.005 to 0.02 and is open beyond."
    )


def test_a_law_that_cannot_be_followed_anywhere() -> None:
    table = costs(("vit", "ratio", "cannot"), ("vit", "product", "open"), lo=1.0, hi=1.0)
    assert followed(table, METRIC).endswith(
        "the ratio law cannot be followed; the product law is open (2.9 pp is not ruled out)."
    )


def test_on_a_plateau_several_laws_will_do() -> None:
    table = costs(*(("vit", law, "can") for law in ("ratio", "decoupled", "product")))
    assert followed(table, METRIC, given=True).startswith(
        "Within the tolerance of 1.0 pp, the ratio law can be followed"
    )
    assert followed(table, METRIC).endswith("quality is level about its best and any of them will do.")


def test_combinations_are_named_where_they_are_few_and_counted_where_many() -> None:
    table = costs(*((arch, "decoupled", "can" if arch < "c" else "open") for arch in "abcdefgh"), loss=0.1)
    assert "the decoupled law can be followed in a and b, is open in 6 of 8" in followed(table, METRIC)
    assert "can be followed in all 2" in followed(table[table["arch"] < "c"], METRIC)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (costs(("vit", "ratio", "open"), loss=np.nan), "What following a law would lose is not known: one seed."),
        (pd.DataFrame(), ""),
    ],
)
def test_without_losses_it_says_why(table: pd.DataFrame, said: str) -> None:
    assert followed(table, METRIC) == said


def test_it_reads_the_table_that_the_statistics_make() -> None:
    runs = simulate(LR, WD, 5, law="product", wd_best=0.1, lr_best=1e-3, seed_sd=0.01)
    said = followed(law_costs(runs, "max", tolerance=1.0), METRIC, given=True)
    assert said == (
        "Within the tolerance of 1.0 pp, the ratio law cannot be followed; the decoupled law cannot be followed; "
        "the product law can be followed for η from 1e−4 to 0.01."
    )
