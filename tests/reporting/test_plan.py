"""The plan as a page and as text: the same facts, and YAML that can be pasted."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from decay_atlas.reporting.plan import advice_yaml, headline, landscape_words, render, text
from decay_atlas.simulation.assumed import USUAL
from decay_atlas.simulation.planning import Plan, plan
from decay_atlas.simulation.power import JITTER
from decay_atlas.study.config import load, resolve
from tests.reporting.test_page import Tags

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("published plan")  # which takes a minute to simulate


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan(load("coupling", ROOT), root=tmp_path_factory.mktemp("empty"), repeats=5)


@pytest.fixture(scope="module")
def page(published: Plan) -> str:
    return render(published)


def test_the_page_is_whole_and_fetches_nothing(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert all(address.startswith(("#", "data:")) for address in tags.addresses)
    assert "<script" not in page
    assert not re.search(r"\bnan\b|\bNone\b", re.sub(r"data:[^\"]*", "", page))


def test_page_and_text_say_the_same_of_the_published_grid(page: str, published: Plan) -> None:
    for words in (page, text(published)):
        assert f"moved by up to {JITTER / 2:g} decades" in words
        assert "no like runs with several seeds a cell were recorded" in words
        assert headline(published.grids[0]) in words
        assert "The published law, λ* = 0.10·η: found in 0 of 5 simulated studies; 0 of 6 optima" in words
        assert "snakemake --cores 1 -- " in words
        assert "480" in words
        assert advice_yaml(published.grids[0]) in words


def test_a_plan_says_which_recorded_runs_its_noise_is_of(published: Plan) -> None:
    recorded = replace(USUAL, seed_sd=0.25, runs=1200, basis="the same settings", shaped=True)
    grids = [replace(published.grids[0], assumed=recorded)]
    for words in (render(replace(published, grids=grids)), text(replace(published, grids=grids))):
        assert "Assumed: 0.25 pp of noise between seeds at λ*" in words
        assert "(noise and shape of 1,200 recorded runs of the same settings)" in words
    bare = landscape_words(replace(grids[0], assumed=replace(recorded, shaped=False)), {"unit": "nats"})
    assert "0.25 nats of noise" in bare
    assert "the shape is that of small networks" in bare


def test_the_advised_grid_is_a_study_when_pasted(published: Plan) -> None:
    grid = yaml.safe_load(advice_yaml(published.grids[0]))["grid"]
    config = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"grid": grid}
    advised = published.grids[0].advice
    assert advised is not None
    for block in resolve(config)["grid"]:
        assert block["wd"] == advised.shape.wd
        assert block["lr"] == advised.shape.lr
        assert len(block["arch"]) == 5


def test_a_grid_that_can_tell_is_left_as_it_is(published: Plan, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config |= {"grid": yaml.safe_load(advice_yaml(published.grids[0]))["grid"]}
    found = plan(resolve(config), root=tmp_path, repeats=5)
    (one,) = found.grids
    assert one.advice is None
    assert headline(one) == "This grid can tell the three laws apart."
    assert "A grid that would do" not in render(found)


def test_one_cell_has_a_page_too(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    cell = {"dataset": "digits", "recipe": "published-cifar", "arch": "resnet50", "lr": 0.001, "wd": 0, "seed": 0}
    page = render(plan(resolve(config | {"grid": [cell]}), root=tmp_path, repeats=2))
    assert "This grid cannot tell the three laws apart" in page
    assert "With one seed nothing will say how much of a difference is chance" in page
