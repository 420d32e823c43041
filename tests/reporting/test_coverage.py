"""The page on how far verdicts can be trusted, from outcomes counted by hand and from a tiny simulation."""

from __future__ import annotations

import pandas as pd
import pytest

from decay_atlas.reporting.coverage import interval_findings, published_finding, render, rights, verdict_findings
from decay_atlas.statistics.coverage import (
    coverage,
    interval_coverage,
    published_design,
    standard_designs,
    stress_designs,
)
from tests.reporting.test_page import Tags


def outcomes(verdicts: list[str], lo: list[float]) -> pd.DataFrame:
    """Studies of the product law with slopes of −1 whose intervals end at 0."""
    return pd.DataFrame(
        {
            "group": "standard",
            "design": "d",
            "law": "product",
            "seeds": 5,
            "quantity": "slope",
            "method": "censored",
            "verdict": verdicts,
            "truth": -1.0,
            "lo": lo,
            "hi": 0.0,
        }
    )


def test_right_and_wrong_are_counted_apart() -> None:
    table = outcomes(["product"] * 7 + ["ratio", "other", "undetermined"], [-2.0] * 10)
    (row,) = rights(table, ["law", "seeds"]).to_dict("records")
    assert (row["share"], row["wrong"], row["n"]) == (0.7, 0.1, 10)
    ((met, sentence),) = verdict_findings(table)
    assert not met
    assert "70.0 %" in sentence
    assert "10.0 %" in sentence


@pytest.mark.parametrize(("missed", "met"), [(0, False), (5, True), (8, False)])
def test_intervals_are_held_to_93_to_97_percent(missed: int, met: bool) -> None:
    """Of a hundred, that all hold the truth is as wrong as that eight do not."""
    table = outcomes(["product"] * 100, [-0.5] * missed + [-2.0] * (100 - missed))
    assert [found for found, _ in interval_findings(interval_coverage(table, ["seeds"]))] == [met]


def test_the_page_is_whole() -> None:
    designs = [*standard_designs((3,), (0.4,), (2.0, 3.0)), published_design(), *stress_designs()[:2]]
    found = coverage(designs, 2, processes=1)
    assert "not-identifiable in 2 of 2 simulated studies" in published_finding(found)
    page = render(found)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert all(address.startswith(("#", "data:")) for address in tags.addresses)
    assert "<script" not in page
    assert "18</b>simulated studies" in page
    assert "Asymmetric, above 3 times below" in page
