"""The verdict in words, from tables whose content is known."""

from __future__ import annotations

import pandas as pd
import pytest

from decay_atlas.reporting.verdict import verdict

NOTHING = pd.DataFrame()


def optima_of(inside: int, at_edge: int, untold: int) -> pd.DataFrame:
    """A table of optima that can be told from their rivals, inside the grid and at its edge, and that cannot."""
    rows = [("none", True)] * inside + [("upper", True)] * at_edge + [("none", False)] * untold
    return pd.DataFrame({"wd_opt": 0.1, "edge": edge, "n_seeds": 3, "distinguished": told} for edge, told in rows)


@pytest.mark.parametrize(
    ("inside", "at_edge", "untold", "said"),
    [
        (0, 0, 0, "No optimum could be located."),
        (1, 0, 0, "The only optimum lies inside the grid."),
        (0, 1, 0, "The only optimum lies at the edge of the grid."),
        (6, 0, 0, "All 6 optima lie inside the grid."),
        (0, 6, 0, "All 6 optima lie at the edge of the grid."),
        (4, 2, 0, "4 of 6 optima lie inside the grid, the rest at its edge."),
        (1, 5, 0, "1 of 6 optima lies inside the grid, the rest at its edge."),
        (0, 0, 1, "The only optimum cannot be told from any other weight decay."),
        (0, 0, 6, "None of the 6 optima can be told from any other weight decay."),
        (1, 0, 5, "5 of 6 optima cannot be told from any other weight decay; the other one lies inside the grid."),
        (27, 0, 1, "1 of 28 optima cannot be told from any other weight decay; the other 27 all lie inside the grid."),
        (0, 2, 4, "4 of 6 optima cannot be told from any other weight decay; "
         "the other 2 all lie at the edge of the grid."),
        (3, 1, 2, "2 of 6 optima cannot be told from any other weight decay; "
         "3 of the other 4 lie inside the grid, the rest at its edge."),
    ],
)  # fmt: skip
def test_where_the_optima_lie_is_said_for_all_none_and_some(inside: int, at_edge: int, untold: int, said: str) -> None:
    _, second = verdict(NOTHING, optima_of(inside, at_edge, untold), NOTHING).sentences
    assert second == said
