"""Snakemake's own report: everything a study makes is in it, in order, and says what there is to see."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Template

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.optima import optima
from decay_atlas.tables.registry import BOUND_ITEMS, ITEMS
from tests.pipeline.conftest import ROOT, Project


def results(archive: Path) -> dict[str, Any]:
    """The results of a report by file name, as its page lists them, each with the name of its category."""
    with zipfile.ZipFile(archive) as content:
        page = content.read("report/report.html").decode()
        inside = {Path(name).name for name in content.namelist()}
    found = json.JSONDecoder().raw_decode(page, re.search(r"\bresults = (?=\{)", page).end())[0]
    categories = json.JSONDecoder().raw_decode(page, re.search(r"\bcategories = (?=\{)", page).end())[0]
    for category, parts in categories.items():
        for path in (path for paths in parts.values() for path in paths):
            found[path]["category"] = category
    assert {Path(path).name for path in found} <= inside
    return {Path(path).name: result for path, result in found.items()}


def check(project: Project, last: str) -> None:
    """Make the report of a study that is done; its first result is the page, its last one is given."""
    call = project.snakemake("--report", "report.zip")
    assert call.status == 0, call.output
    found = results(project.root / "report.zip")
    made = {file.name for kind in ("figures", "tables") for file in (project.root / "results/tiny" / kind).iterdir()}
    assert set(found) == made | {"report.html"}
    for name, result in found.items():
        words = re.sub("<[^>]+>", " ", result["caption"]).split()
        assert len(words) > 8, f"{name}: {result['caption']}"
    places = {name: (result["category"], result["labels"]["result"]) for name, result in found.items()}
    assert len(set(places.values())) == len(places)
    order = sorted(places, key=places.__getitem__)
    assert (order[0], order[-1]) == ("report.html", last)


def test_every_figure_and_table_of_runs_has_its_place_and_caption(reported: Project) -> None:
    check(reported, "claims.csv")


def test_and_so_have_those_of_bounds(project: Project) -> None:
    project.write_study(lookahead={"last": 401, "strides": [100]})
    assert project.snakemake().status == 0
    check(project, "lookahead_fits.csv")


def test_every_caption_is_one_sentence_and_belongs_to_something() -> None:
    listed = [(item.name, type(item).__name__.lower()) for item in (*ITEMS, *BOUND_ITEMS)]
    files = {file.stem: file.read_text() for file in (ROOT / "workflow/report").glob("*.rst")}
    assert set(files) == {f"{kind}_{name}" for name, kind in listed} | {"page", "page_lookahead", "workflow"}
    del files["workflow"]
    for name, text in files.items():
        assert text.endswith(".\n"), name
        assert text.count("\n") == 1, name


@pytest.mark.parametrize(
    ("key", "trained_here"), [(None, True), ("simulate", False), ("imports", False), ("lookahead", False)]
)
def test_the_front_page_says_whether_networks_were_trained(key: str | None, trained_here: bool) -> None:
    study = {"study": "tiny"} | ({key: {}} if key else {})
    template = Template((ROOT / "workflow/report/workflow.rst").read_text())
    text = template.render(snakemake=SimpleNamespace(config=study))
    assert ("Networks were trained" in text) == trained_here
    assert ("nothing was trained" in text) == (key in ("simulate", "lookahead"))


def test_captions_count_by_numbers_and_give_the_unit_of_their_table() -> None:
    runs = simulate([1e-3, 1e-2], [0.01, 0.1, 1.0], 2)
    caption = (ROOT / "workflow/report/table_optima.rst").read_text()
    for column in re.findall(r"`(\w+)` how many", caption):
        assert optima(runs, "max")[column].dtype.kind == "i", column
    assert "ln κ" in (ROOT / "workflow/report/table_deviation_fit.rst").read_text()
