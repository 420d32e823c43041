"""On how many combinations each way of tuning comes how close to the full search.

Source: C, One-dimensional protocol (over all combinations at once).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from decay_atlas.statistics.methods.landscape import tabulate

COLUMNS = ["strategy", "budget", "constant", "gap", "share", "n_combinations", "blank"]
BUDGETED = ("random", "quasi-random")
"""Searches that exist at several budgets: each of these is a strategy of its own here."""

REFERENCE = "full-2d"


def performance_profile(tuning: pd.DataFrame) -> pd.DataFrame:
    """The performance profile of every strategy of a table that `tuning` returns, the full search left out.

    Returns a row for each step of each profile: strategy, budget (of random and quasi-random search; of the
    others its mean), constant (of protocols that were really trained), gap, share of the combinations on which
    the loss against the full search is at most gap, and their number n_combinations. A combination that a
    strategy is blank on counts as not reached; a strategy that is blank on all has one row, with a share of 0,
    and why in blank.
    """
    table = tuning[tuning["strategy"] != REFERENCE]
    kinds = pd.DataFrame(
        {
            "strategy": table["strategy"],
            "at": table["budget"].where(table["strategy"].isin(BUDGETED)),
            "constant": table["constant"].where(table["strategy"].str.endswith("-tied")),
        }
    )
    groups = table.groupby([kinds[name] for name in kinds], sort=False, dropna=False)
    rows = []
    for (strategy, _, constant), part in groups:
        gaps = np.sort(part["gap"].dropna().to_numpy(float))
        steps = np.unique(gaps)
        row = {
            "strategy": strategy,
            "budget": part["budget"].mean(),
            "constant": constant,
            "n_combinations": len(part),
        }
        reached = np.searchsorted(gaps, steps, side="right") / len(part)
        for step, share in zip(steps, reached, strict=True):
            rows.append(row | {"gap": step, "share": share, "blank": ""})
        if not len(steps):
            rows.append(row | {"share": 0.0, "blank": "; ".join(dict.fromkeys(part["blank"].dropna().astype(str)))})
    return tabulate(rows, COLUMNS)
