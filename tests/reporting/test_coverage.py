"""The page on how far verdicts can be trusted, from outcomes counted by hand and from a tiny simulation."""

from __future__ import annotations

import pandas as pd
import pytest

from decay_atlas.reporting.coverage import (
    interval_findings,
    published_finding,
    reference_findings,
    regret_findings,
    render,
    rights,
    verdict_findings,
)
from decay_atlas.simulation.coverage import coverage, interval_coverage
from decay_atlas.simulation.designs import network_designs, published_design, standard_designs, stress_designs
from decay_atlas.simulation.judging import judged
from decay_atlas.simulation.references import Part, judge, reference
from tests.reporting.test_page import Tags
from tests.simulation.test_references import dense


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
            "judged": [judged(verdict, -1.0) for verdict in verdicts],
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


@pytest.mark.parametrize(("silent", "met"), [(2, True), (3, False)])
def test_the_densest_studies_are_to_decide_in_80_percent(silent: int, met: bool) -> None:
    """Ten of most seeds count; the ten of three seeds do not, and those with an optimum at the edge are told apart."""
    whole = reference("a", dense(), resamples=2)
    (study,) = judge([whole], [Part(4)], repeats=1).to_dict("records")
    verdicts = ["undetermined"] * silent + ["product"] * (10 - silent)
    rows = [study | {"verdict": verdict} for verdict in verdicts] + [
        study | {"seeds": 3, "verdict": "undetermined"}
    ] * 10
    rows += [study | {"inside": False, "verdict": "undetermined"}] * 10
    found, sentence = next(one for one in reference_findings(pd.DataFrame(rows)) if "every λ, every η" in one[1])
    assert found == met
    assert f"{100 - 10 * silent:.1f} %" in sentence
    assert "0.0 % where one lies at its edge" in sentence


def test_the_page_is_whole() -> None:
    some = [design for design in stress_designs() if design.name in {"product, heavy tails", "ratio, a bent law"}]
    designs = [*standard_designs((3,), (0.4,), (2.0, 3.0)), published_design(), *some, *network_designs((3,))[:1]]
    found = coverage(designs, 2, processes=1)
    assert "not-identifiable in 2 of 2 simulated studies" in published_finding(found)
    page = render(found, judge([reference("a grid", dense(5), resamples=3)], [Part(3)], 2))
    assert "A law that the whole landscape excludes" in page
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert all(address.startswith(("#", "data:")) for address in tags.addresses)
    assert "<script" not in page
    assert "20</b>simulated studies" in page
    assert "Heavy tails: " in page
    assert "Like tiny_mixer, 3 seeds: " in page
    assert "the recommended λ truly loses" in page


@pytest.mark.parametrize(("recommended", "met"), [(0.31, True), (0.33, False)])
def test_advice_is_held_to_the_best_cell_of_the_same_runs(recommended: float, met: bool) -> None:
    table = pd.DataFrame(
        {
            "group": "heavy tails",
            "seeds": 3,
            "quantity": "regret",
            "method": ["recommendation", "best cell"],
            "estimate": [recommended, 0.3],
        }
    )
    ((found, sentence),) = regret_findings(table)
    assert found is met
    assert sentence.startswith(
        f"Heavy tails, 3 seeds: the recommended λ truly loses {recommended:.2f} pp, the best cell"
    )
