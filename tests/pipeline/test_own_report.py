"""Snakemake's own report: everything a study makes is in it, in order, and says what there is to see."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import ROOT, Project

SIMULATED = {
    "dataset": "valley",
    "recipe": "adamw",
    "arch": ["a", "b"],
    "lr": [1.0e-4, 1.0e-3, 1.0e-2],
    "wd": [0.01, 0.1, 1, 10],
    "seed": [0, 1],
}
LOOKAHEAD = {"last": 401, "strides": [100]}


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


@pytest.mark.parametrize(
    ("changes", "first", "last"),
    [
        ({"simulate": {"law": "product"}, "grid": [SIMULATED]}, "report.html", "claims.csv"),
        ({"lookahead": LOOKAHEAD}, "report.html", "lookahead_fits.csv"),
    ],
    ids=["runs", "bounds"],
)
def test_every_figure_and_table_has_a_caption_and_its_place(
    project: Project, changes: dict[str, Any], first: str, last: str
) -> None:
    project.write_study(**changes)
    assert project.snakemake().status == 0
    call = project.snakemake("--report", "report.zip")
    assert call.status == 0, call.output
    found = results(project.root / "report.zip")
    made = {file.name for kind in ("figures", "tables") for file in (project.root / "results/tiny" / kind).iterdir()}
    assert set(found) == made | {"report.html"}
    for name, result in found.items():
        words = re.sub("<[^>]+>", " ", result["caption"]).split()
        assert len(words) > 8, f"{name}: {result['caption']}"
        assert re.match(r"\d\. \w", result["category"])
    places = [(result["category"], result["labels"]["result"]) for result in found.values()]
    assert len(set(places)) == len(places)
    order = sorted(found, key=lambda name: (found[name]["category"], found[name]["labels"]["result"]))
    assert (order[0], order[-1]) == (first, last)


def test_every_caption_is_one_sentence_and_belongs_to_something() -> None:
    rules = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    listed = re.findall(r'"(\w+) (figure|table)"', rules)
    files = {file.stem: file.read_text() for file in (ROOT / "workflow/report").glob("*.rst")}
    assert set(files) == {f"{kind}_{name}" for name, kind in listed} | {"page", "page_lookahead", "workflow"}
    del files["workflow"]
    for name, text in files.items():
        assert text.endswith(".\n"), name
        assert text.count("\n") == 1, name
