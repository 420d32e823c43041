"""Pages that people read say what is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from decay_atlas.claims.claims import claims
from decay_atlas.schedules.lookahead_tables import lookahead, lookahead_fits
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.adaptive import adaptive
from decay_atlas.statistics.best import best
from decay_atlas.statistics.deviation import deviation
from decay_atlas.statistics.epochs_law import epochs_law
from decay_atlas.statistics.evaluations import evaluations
from decay_atlas.statistics.importance import importance
from decay_atlas.statistics.label_noise import label_noise
from decay_atlas.statistics.law_costs import law_costs
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.optima import optima
from decay_atlas.statistics.performance_profile import performance_profile
from decay_atlas.statistics.ratio import ratio
from decay_atlas.statistics.recommendation import recommendation, recommendation_curve
from decay_atlas.statistics.robustness import robustness
from decay_atlas.statistics.rules import rules
from decay_atlas.statistics.trap import trap
from decay_atlas.statistics.tuning import tuning
from decay_atlas.statistics.universality import universality
from decay_atlas.statistics.valley import valley
from decay_atlas.tables import collect
from decay_atlas.tables.registry import BOUND_ITEMS, tables

ROOT = Path(__file__).parents[1]
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
TABLES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "optima": lambda runs: optima(runs, "max"),
    "ratio": lambda runs: ratio(runs, "max"),
    "laws": lambda runs: laws(runs, "max"),
    "law_costs": lambda runs: law_costs(runs, "max"),
    "universality": lambda runs: universality(runs, "max"),
    "deviation": lambda runs: deviation(runs, "max")[0],
    "deviation_fit": lambda runs: deviation(runs, "max")[1],
    "tuning": lambda runs: tuning(runs, "max"),
    "performance_profile": lambda runs: performance_profile(tuning(runs, "max")),
    "importance": lambda runs: importance(runs, "max"),
    "valley": lambda runs: valley(runs, "max"),
    "recommendation": lambda runs: recommendation(runs, "max"),
    "recommendation_curve": lambda runs: recommendation_curve(runs, "max"),
    "best": lambda runs: best(runs, "max"),
    "epochs_law": lambda runs: epochs_law(runs, "max", recipes={}),
    "rules": lambda runs: rules(runs, "max", recipes={}),
    "robustness": lambda runs: robustness(ratio(runs, "max"), laws(runs, "max"), recipes={}),
    "evaluations": evaluations,
    "adaptive": lambda runs: adaptive(runs, "max", {}),
    "label_noise": lambda runs: label_noise(runs, {}),
    "trap": lambda runs: trap(runs, "max"),
    "claims": lambda _: claims({}),
    "lookahead": lambda _: lookahead([20], 100),
    "lookahead_fits": lambda _: lookahead_fits(lookahead([20], 100)),
}


def documented() -> dict[str, list[str]]:
    """The columns that results/README.md explains, by the file they are in."""
    columns = {}
    for section in re.split(r"^##+ ", (ROOT / "results/README.md").read_text(), flags=re.M)[1:]:
        title, *lines = section.splitlines()
        cells = [line.split("|")[1] for line in lines if line.startswith("| `")]
        columns[title.removesuffix(".csv")] = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    return columns


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return simulate(lr=[1e-3, 3e-3, 1e-2], wd=[0.01, 0.1, 1.0, 10.0], seeds=2, archs=["a", "b"], law="product")


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_a_table_is_explained(table: str, runs: pd.DataFrame) -> None:
    assert documented()[table] == list(TABLES[table](runs).columns)


def test_every_column_of_the_table_of_runs_is_explained() -> None:
    assert documented()["runs.parquet"] == list(collect.COLUMNS)


def test_every_table_of_the_workflow_is_explained() -> None:
    assert sorted({*tables(), *tables(BOUND_ITEMS)}) == sorted(TABLES)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/.]+/[\w.]+)`", ARCHITECTURE))))
def test_the_page_on_the_architecture_names_what_is_there(name: str) -> None:
    assert any((ROOT / folder / name).exists() for folder in (".", "workflow/decay_atlas"))


def test_links_within_the_project_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "results/README.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", ["README.md", "docs/slurm.md", "docs/training.md", "CONTRIBUTING.md"])
def test_commands_say_how_many_cores(page: str) -> None:
    """Snakemake asks for them, but where a profile does or nothing is run."""
    for command in re.findall(r"(?:^|`)(snakemake [^`\n]+)", (ROOT / page).read_text(), re.M):
        assert re.search(r"--cores|--profile|-n\b|--unlock|--report|--lint", command), command


def test_one_version_everywhere() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version is not None
    citation: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == version.group(1)
    assert version.group(1) in (ROOT / "CHANGELOG.md").read_text()


def test_papers_are_named_alike_in_readme_citation_and_report() -> None:
    """By first author, year and identifier; an identifier of a form that there is."""
    citation: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    templates = ROOT / "workflow/decay_atlas/reporting/templates"
    report = "".join((templates / name).read_text() for name in ("report.html", "lookahead.html"))
    readme = (ROOT / "README.md").read_text()
    assert len(citation["references"]) >= 6
    for paper in citation["references"]:
        first = paper["authors"][0]
        author = first.get("family-names", first.get("name"))
        identifier = (
            paper["identifiers"][0]["value"] if "identifiers" in paper else paper["url"].removeprefix("https://")
        )
        assert re.fullmatch(r"(arXiv|clawRxiv):\d{4}\.\d{4,5}|[a-z-]+(\.[a-z]+)+(/[\w-]+)*/?", identifier)
        assert paper["title"] in readme
        for text in (readme, report):
            assert identifier in text, identifier
            assert re.search(rf"{author}[^|;:]* {paper['year']}", text), author
