"""The report: one file, nothing fetched, every table and figure that the study has, and honest words."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

from decay_atlas.reporting.figures.registry import draw
from decay_atlas.reporting.page import beside_table_1, cost, render, simulated, summary
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.optima import optima
from decay_atlas.statistics.ratio import ratio
from decay_atlas.tables.files import read_table
from decay_atlas.tables.registry import figures as figure_names
from tests.reporting.pages import ACCURACY, LOSS, LR, WD, page_of, tables_of


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(simulate(LR, WD, 3, archs=["resnet50", "vit_small"], law="product"))


class Tags(HTMLParser):
    """Checks that tags close in order, and collects every address."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for key, value in attrs if key in ("href", "src", "xlink:href") and value]
        if tag not in {"meta", "link", "br", "img", "hr", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for key, value in attrs if key in ("href", "src", "xlink:href") and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert all(address.startswith(("#", "data:")) for address in tags.addresses)
    assert "url(http" not in page
    assert not re.search(r"\bnan\b|\bNone\b|\bnull\b", read(page))


def read(page: str) -> str:
    """What a reader may see: the page without programs, data and styles."""
    return re.sub(r"<script.*?</script>|<style>.*?</style>|data:[^\"]*|style=\"[^\"]*\"", "", page, flags=re.DOTALL)


def test_every_section_of_the_navigation_is_there(page: str) -> None:
    targets = re.findall(r'<li><a href="#([a-z]+)"', page)
    assert len(targets) > 5
    for target in targets:
        assert f'id="{target}"' in page or target == "claims", "claims are there only when there are any"


def test_the_verdict_is_in_words(page: str) -> None:
    assert "The best weight decay falls as the learning rate grows: their product stays constant" in page
    assert "The published law, λ* = 0.10·η, is excluded" in page


def test_profiles_compare_strategies_of_about_one_budget(page: str) -> None:
    assert "How often each comes close" in page
    assert "One weight decay for each η" in page
    assert "One axis after the other" in page
    assert "random, 3 cells" in page, "as many as there are learning rates"


def test_a_table_downloads_as_the_whole_table(page: str) -> None:
    address = re.search(r'download="test-laws.csv" href="data:text/csv[^,]*,([^"]+)"', page)
    assert address is not None
    table = pd.read_csv(io.BytesIO(base64.b64decode(address.group(1))))
    assert len(table) == 11, "four methods for two architectures, and three for both together"
    assert {"slope", "slope_lo", "verdict", "p_heterogeneity"} <= set(table.columns)


def test_equal_input_gives_equal_bytes(page: str) -> None:
    assert page_of(simulate(LR, WD, 3, archs=["resnet50", "vit_small"], law="product")) == page


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param(simulate(LR, WD, 1), id="one seed"),
        pytest.param(simulate([1e-3], WD, 3), id="one learning rate"),
        pytest.param(simulate(LR, [0.01], 3), id="one weight decay"),
        pytest.param(simulate(LR, [0.0], 3), id="no weight decay at all"),
        pytest.param(simulate([1e-3], [0.1], 1), id="one run"),
        pytest.param(simulate(LR, WD, 3).assign(value=70.0), id="all equal"),
        pytest.param(simulate(LR, WD, 2, diverge={"lr": 1e-5}), id="all diverged"),
        pytest.param(
            simulate(LR, WD, 2).assign(seconds=np.nan, device=None, val_best=np.nan, val_final=np.nan), id="imported"
        ),
        pytest.param(simulate(LR, WD, 2).sample(frac=0.6, random_state=0), id="ragged"),
    ],
)
def test_poor_studies_still_have_a_page(runs: pd.DataFrame) -> None:
    page = page_of(runs)
    assert "<h2>Verdict</h2>" in page
    assert "What this grid cannot show" in page


def test_names_that_look_like_numbers_or_nothing_stay_names(tmp_path: Path) -> None:
    runs = simulate(LR, WD, 3, archs=["18"], law="product").assign(dataset="10", recipe="None")
    tables = {}
    for name, table in tables_of(runs, "max").items():
        table.to_csv(tmp_path / name, index=False)
        tables[name] = read_table(tmp_path / name)
    study = {"study": "test", "metric": ACCURACY, "recipes": {}, "statistics": {}}
    figures = {name: draw(name, study, runs, tables) for name in figure_names()}
    assert figures == {name: draw(name, study, runs, tables_of(runs, "max")) for name in figure_names()}
    page = render(study, runs, tables, figures)
    shown = re.search(r'id="atlas-data">(.*?)</script>', page, re.DOTALL)
    assert shown is not None
    (recommendation,) = json.loads(shown.group(1))["recommendation"]
    assert len(recommendation) > 0
    assert "is what 18 shows" in page


def test_a_flat_landscape_has_no_optima_inside_the_grid() -> None:
    flat = {"curvature": 0.0, "lr_curvature": 0.0, "no_decay": 0.0}
    page = page_of(simulate(LR, WD, 3, **flat))
    assert "None of the 3 optima can be told from any other weight decay." in page


def test_a_loss_is_shown_as_a_loss() -> None:
    page = page_of(simulate(LR, WD, 2, direction="min", best=0.3, chance=2.3, curvature=0.1, seed_sd=0.01), LOSS)
    assert "lower being better" in page
    assert not re.search(r"\bpp\b", read(page))
    assert "argmin" in page
    assert "argmax" not in page
    assert "a(η, κλ) − a(η, λ*)" in page


def test_claims_are_counted_and_badged() -> None:
    runs = simulate(LR, WD, 2)
    claims = pd.DataFrame(
        {
            "id": ["a", "b"],
            "statement": ["x < y", "z"],
            "reported": ["1", "2"],
            "measured": [np.nan, "3"],
            "verdict": ["not-testable", "contradicted"],
            "why": ["no runs", "far off"],
        }
    )
    page = render({"study": "test", "metric": ACCURACY}, runs, {"claims": claims}, {})
    assert "1 contradicted" in page
    assert "x &lt; y" in page


@pytest.mark.parametrize(("law", "words"), [("ratio", "the ratio law"), (-0.5, "η^−0.50")])
def test_a_simulated_study_says_before_all_else_that_nothing_was_trained(law: str | float, words: str) -> None:
    study = {"study": "test", "metric": ACCURACY}
    claims = pd.DataFrame({"id": ["a"], "verdict": ["contradicted"]})
    page = render({**study, "simulate": {"law": law}}, simulate(LR, WD, 2, law=law), {"claims": claims}, {})
    header = page[page.index("<header>") : page.index("</header>")]
    assert "nothing was trained" in header
    assert words in header
    assert "not the publication" in page[page.index('<section id="claims">') :]
    real = render(study, simulate(LR, WD, 2), {"claims": claims}, {})
    assert "othing was trained" not in real
    assert "not the publication" not in real


def test_a_simulated_study_names_what_keeps_its_law_from_being_straight() -> None:
    bent = {"law": "ratio", "bend": {"lr": 1e-3, "slope": -1}, "cliff": {"wd": 2.0, "slope": -0.5}}
    words = simulated({"simulate": bent})
    assert "(λ* ∝ η), and λ* ∝ η^−1.0 above η = 0.001, up to a cliff at λ = 2·(η/0.001)^−0.50" in words


def test_what_a_column_means_and_why_a_figure_is_missing_can_be_read_without_pointing() -> None:
    runs = simulate(LR, WD[:2], 2)
    table = optima(runs, "max")
    page = read(render({"study": "test", "metric": ACCURACY}, runs, {"optima": table}, {}))
    shown, folded, _ = re.split("<details|</details>", page[page.index('aria-label="Optima"') :], maxsplit=2)
    meanings = re.findall(r'<th scope="col" title="([^"]+)"', shown)
    assert len(meanings) > 5
    assert re.findall(r"<dd>(.+)</dd>", folded) == meanings
    assert escape(table["note"][0]) in folded


def test_the_summary_counts_what_was_run() -> None:
    runs = simulate(LR, WD, 3, archs=["a", "b"])
    assert summary(runs) == [
        ("108", "runs"),
        ("2", "architectures"),
        ("1", "data set"),
        ("3", "learning rates"),
        ("6", "weight decays"),
        ("3", "seeds a cell"),
    ]


def test_cost_is_the_sum_of_recorded_times() -> None:
    runs = simulate(LR, WD, 2).assign(seconds=1800.0)
    row = cost(runs).iloc[0]
    assert row["device_hours"] == pytest.approx(len(runs) / 2)
    assert row["minutes"] == 30


def test_a_run_that_devices_share_takes_the_hours_of_all_of_them() -> None:
    runs = simulate(LR, WD, 2).assign(seconds=1800.0, n_devices=4)
    runs.loc[runs["seed"] == 1, "n_devices"] = np.nan  # imported, say: one device
    row = cost(runs).iloc[0]
    assert row["device_hours"] == pytest.approx(len(runs) / 2 * (4 + 1) / 2)
    assert row["minutes"] == 30


def test_beside_the_published_ratio_stands_the_estimate_of_the_interval_and_a_slope_beside_a_slope() -> None:
    """Under the product law the published estimator is far from the optima's mean ratio."""
    lr, wd = [5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2], np.geomspace(1e-4, 30, 23)
    runs = simulate(lr, wd, 5, law="product", wd_best=0.03, archs=["resnet50"], dataset="cifar100")
    ratios, slopes = ratio(runs, "max"), laws(runs, "max")
    assert (np.abs(np.log(ratios["rho"] / ratios["rho_smooth"])) > 0.2).all(), "else this test is of nothing"
    row = beside_table_1(ratios, slopes).iloc[0]
    assert row["rho_lo_cal"] < row["rho_smooth"] < row["rho_hi_cal"]
    assert row["slope_here"] == slopes[slopes["method"] == "censored"]["slope"].iloc[0]
    tables = {"ratio": ratios, "laws": slopes}
    page = render({"study": "test", "metric": ACCURACY}, runs, tables, {})
    headings = re.findall(r"<th[^>]*>([^<]*)</th>", page)
    assert {"ρ here", "ρ published", "slope here", "slope published"} <= set(headings)


def test_of_imported_runs_the_page_says_which_are_still_to_be_run() -> None:
    runs = simulate(LR, [0.1, 1, 10], 3, law="decoupled", wd_best=0.01)
    tables = {"optima": optima(runs, "max")}
    study = {"study": "test", "metric": ACCURACY}
    own, imported = (render({**study, **more}, runs, tables, {}) for more in ({}, {"imports": ["a.csv"]}))
    assert 'data-what="the wider grid"' in own
    assert 'data-what="the runs to add"' in imported
    assert "grid:" not in read(imported)


def test_the_page_says_what_the_claims_take_recipes_of_unknown_settings_for() -> None:
    runs = simulate(LR, WD, 2, recipe="theirs")
    claims = pd.DataFrame([dict.fromkeys(["id", "statement", "reported", "measured", "verdict", "why"], "supported")])
    study = {"study": "test", "metric": ACCURACY, "claims": ["coupling", "stable-weight-decay"]}
    page = render(study, runs, {"claims": claims}, {})
    assert re.findall(r"does not say how theirs trained, so the claims of ([\w-]+)", page) == ["coupling"]
    assert "adamw" in page
    named = {**study, "recipes": {"theirs": {"optimizer": {"name": "sgd"}}}}
    assert "does not say how" not in render(named, runs, {"claims": claims}, {})
