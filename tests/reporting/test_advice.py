"""Sentences an engineer takes home."""

from __future__ import annotations

import pandas as pd

from decay_atlas.reporting.advice import advice
from decay_atlas.reporting.words import Metric
from tests.reporting.pages import ACCURACY

METRIC = Metric(ACCURACY)
WHERE = {"dataset": "cifar", "recipe": "adamw"}


def law(arch: str, verdict: str, slope: float) -> dict:
    return {**WHERE, "arch": arch, "method": "censored", "slope": slope, "verdict": verdict}


def test_a_law_is_a_rule_for_what_to_do_with_the_weight_decay() -> None:
    laws = pd.DataFrame([law("a", "product", -1.0), law("b", "product", -0.9), law("c", "other", -0.5)])
    assert advice({"laws": laws}, METRIC) == [
        "a and b: divide λ by what η was multiplied by.",
        "c: when η doubles, multiply λ by 0.71 (slope −0.50).",
    ]


def test_no_law_is_no_rule() -> None:
    laws = pd.DataFrame([law("a", "undetermined", -0.5)])
    assert advice({"laws": laws}, METRIC) == [
        "a: no law is established, so beyond the measured η λ is to be tuned anew."
    ]


def test_without_a_law_one_that_costs_nothing_may_be_followed() -> None:
    laws = pd.DataFrame([law("a", "undetermined", -0.5), law("b", "not-identifiable", 0.0)])
    costs = pd.DataFrame({**WHERE, "arch": "a", "law": ["ratio", "decoupled"], "follow": ["cannot", "can"]})
    assert advice({"laws": laws, "law_costs": costs}, METRIC) == [
        "a: no law is established, but within the tolerance you may leave λ as it is when η changes.",
        "b: no law is established, so beyond the measured η λ is to be tuned anew.",
    ]


def test_the_safe_zone_is_a_factor() -> None:
    fits = pd.DataFrame([{**WHERE, "centre": "optimum", "side": "both", "delta": 0.6931, "gamma": 1.0, "r2": 1.0}])
    assert advice({"deviation_fit": fits}, METRIC) == ["Safe zone on cifar: λ may be 2.0 times too large or too small."]


def fit(side: str, delta: float) -> dict:
    return {**WHERE, "centre": "optimum", "side": side, "delta": delta, "gamma": 1.0, "r2": 1.0}


def test_sides_that_differ_have_a_zone_each() -> None:
    fits = pd.DataFrame([fit("both", float("nan")), fit("below", 1.6094), fit("above", 0.6931)])
    assert advice({"deviation_fit": fits}, METRIC) == [
        "Safe zone on cifar: λ may be 5.0 times too small and 2.0 times too large."
    ]


def test_no_zone_is_denied_where_nothing_can_be_told() -> None:
    """A flat landscape has drops about 0 and a fit with a narrow zone; neither says that a step away costs anything."""
    fits = pd.DataFrame([fit("both", 0.0)])
    drops = pd.DataFrame({**WHERE, "centre": "optimum", "kappa": [0.5, 1, 2], "lo": [-0.1, -0.2, -0.1]})
    assert advice({"deviation_fit": fits, "deviation": drops}, METRIC) == []
    told = drops.assign(lo=[0.1, -0.2, -0.1])
    assert advice({"deviation_fit": fits, "deviation": told}, METRIC) == [
        "Safe zone on cifar: none to speak of; every step away from λ* costs a little."
    ]


def test_many_safe_zones_are_a_range() -> None:
    deltas = [0.0, 0.2, 0.3, 0.5, 0.6931]
    fits = pd.DataFrame(
        [
            {**WHERE, "recipe": f"r{n}", "centre": "optimum", "side": "both", "delta": delta, "gamma": 1.0, "r2": 1.0}
            for n, delta in enumerate(deltas)
        ]
    )
    assert advice({"deviation_fit": fits}, METRIC) == [
        "Safe zone: λ may be 1.0 to 2.0 times too large or too small, depending on recipe and data set."
    ]


def search(strategy: str, arch: str, budget: float, gap: float) -> dict:
    return {**WHERE, "arch": arch, "strategy": strategy, "budget": budget, "gap": gap}


def test_the_best_sweep_of_half_the_cells_that_every_network_allows() -> None:
    tuning = pd.DataFrame(
        [
            *(search("full-2d", arch, 48, 0.0) for arch in "ab"),
            *(search("random", arch, 16, 0.5) for arch in "ab"),
            *(search("product-1d", arch, 6, gap) for arch, gap in (("a", 0.1), ("b", 0.3))),
            search("ratio-1d", "a", 6, 0.0),
            *(search("alternating-start", arch, 30, 0.0) for arch in "ab"),
        ]
    )
    assert advice({"tuning": tuning}, METRIC) == [
        "A cheaper sweep: product-1d with 6 cells in place of 48 would have lost 0.20 pp on average, "
        "and 0.30 pp at worst."
    ]


def test_the_average_and_worst_of_one_network_are_one_number() -> None:
    tuning = pd.DataFrame([search("full-2d", "a", 48, 0.0), search("product-1d", "a", 6, 1.4)])
    (sentence,) = advice({"tuning": tuning}, METRIC)
    assert sentence.count("1.4 pp") == 1
    assert not {"average", "worst"} & set(sentence.replace(",", "").split())


def test_nothing_is_said_of_nothing() -> None:
    assert advice({}, METRIC) == []
