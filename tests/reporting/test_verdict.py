"""The verdict in words, from tables whose content is known."""

from __future__ import annotations

import pandas as pd
import pytest

from decay_atlas.reporting.verdict import pooled, verdict

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


@pytest.mark.parametrize("recipes", [["adamw"], ["adamw", "sgd"]])
def test_pooled_slopes_name_their_recipe_where_there_is_more_than_one(recipes: list[str]) -> None:
    rows = [
        {"dataset": "cifar", "recipe": recipe, "arch": "(all)", "method": "censored", "verdict": "product"}
        | {"slope": -1.0, "slope_lo": -1.1, "slope_hi": -0.9, "p_heterogeneity": 0.5}
        for recipe in recipes
    ]
    said = pooled(pd.DataFrame(rows))
    assert all("cifar" in sentence for sentence in said)
    named = [[recipe for recipe in ("adamw", "sgd") if recipe in sentence] for sentence in said]
    assert named == ([[]] if len(recipes) == 1 else [["adamw"], ["sgd"]])


def test_architectures_that_differ_are_not_pooled() -> None:
    row = {"dataset": "cifar", "recipe": "adamw", "arch": "(all)", "method": "censored", "verdict": "undetermined"}
    slopes = {"slope": -1.0, "slope_lo": -1.1, "slope_hi": -0.9, "p_heterogeneity": 0.002}
    assert pooled(pd.DataFrame([row | slopes])) == [
        "Not pooled over architectures on cifar: their slopes differ (p = 0.002)."
    ]


@pytest.mark.parametrize(
    ("slope_lo", "rho_lo", "said"),
    [
        (-1.1, 0.01, "is excluded: its slope, 1, lies outside the interval (largest p = 0.010)."),
        (0.8, 0.2, "is excluded by its factor, which lies outside the interval of ρ; its slope, 1, is not excluded."),
        (0.8, 0.01, "is not excluded: the interval of the slope holds 1, and that of ρ its factor."),
    ],
)
def test_what_excludes_the_published_law_is_said(slope_lo: float, rho_lo: float, said: str) -> None:
    key = {"dataset": "cifar", "recipe": "adamw", "arch": "net"}
    slope = {"slope": slope_lo + 0.2, "slope_lo": slope_lo, "slope_hi": slope_lo + 0.4, "p_ratio": 0.01}
    laws = pd.DataFrame([{**key, "method": "censored", "verdict": "other", "nearest": "ratio", **slope}])
    ratio = pd.DataFrame([{**key, "rho_lo_cal": rho_lo, "rho_hi_cal": rho_lo + 0.2}])
    _, second = verdict(laws, NOTHING, ratio).sentences
    assert f"The published law, λ* = 0.10·η, {said}" in second


def test_that_too_few_optima_are_located_does_not_deny_that_they_lie_inside() -> None:
    unknown = dict.fromkeys(["slope", "slope_lo", "slope_hi"], float("nan"))
    laws = {"dataset": "cifar", "recipe": "adamw", "arch": "net", "method": "censored", "verdict": "not-identifiable"}
    first, second = verdict(pd.DataFrame([laws | unknown]), optima_of(4, 0, 0), NOTHING).sentences
    assert "inside" not in first
    assert "All 4 optima lie inside the grid" in second
