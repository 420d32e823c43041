"""What a run is: numbers and paths that read back, digests that stay, packs that give every run one job."""

from __future__ import annotations

import copy
import re
from itertools import combinations as subsets
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.io import regex_from_filepattern

from decay_atlas.runs.grid import (
    NUMBER,
    RUN_PATH,
    Grid,
    PackRule,
    Run,
    dataset_folder,
    digest_of,
    number_text,
    settings_of,
    wd_values,
)
from decay_atlas.study.config import grid_of, load

ROOT = Path(__file__).parents[2]
AXES = ("lr", "wd", "seed")
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True)
NUMBERS = st.floats(min_value=0, allow_nan=False, allow_infinity=False)

DATASET = {
    "source": "cifar10",
    "path": "somewhere",
    "image_size": 32,
    "classes": 10,
    "mean": [0.5],
    "std": [0.25],
}
RECIPE = {"epochs": 3, "optimizer": {"name": "adamw"}, "augment": {"cnn": ["crop"], "transformer": []}}
ARCH = {
    "model": "vit_small_patch16_224",
    "family": "transformer",
    "kwargs": {"img_size": "image_size", "depth": 2},
}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (0.001, "0.001"),
        (1e-5, "1e-05"),
        (3e-4, "0.0003"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e22, "1e+22"),
    ],
)
def test_a_number_has_one_text(value: float, text: str) -> None:
    assert number_text(value) == text


@given(NUMBERS)
def test_number_text_reads_back_and_matches_the_wildcard(value: float) -> None:
    text = number_text(value)
    assert float(text) == value
    assert re.fullmatch(NUMBER, text)


@given(NUMBERS.filter(lambda value: value > 0))
def test_no_text_with_fewer_digits_reads_back(value: float) -> None:
    digits = len(re.sub(r"e.*|\D", "", number_text(value)).strip("0"))
    assert digits == 1 or float(f"{value:.{digits - 2}e}") != value


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_no_text_for_what_is_no_learning_rate(value: float) -> None:
    with pytest.raises(ValueError, match=f"finite and not negative, not {value}"):
        number_text(value)


@given(
    st.builds(
        Run,
        dataset=NAMES,
        recipe=NAMES,
        arch=NAMES,
        digest=st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
        lr=NUMBERS,
        wd=NUMBERS,
        seed=st.integers(min_value=0),
    )
)
def test_a_run_is_read_back_from_its_path(run: Run) -> None:
    assert Run.from_path(run.path) == run
    assert Run.from_path(f"/another/machine/{run.path}") == run
    assert re.fullmatch(regex_from_filepattern(RUN_PATH), run.path)


FOLDER = "results/runs/digits/short/tiny/0123abcd"


@pytest.mark.parametrize(
    "path",
    [
        f"{FOLDER}/settings.json",
        f"{FOLDER}/.staged/lr0.1_wd0_seed0.json",
        f"{FOLDER}/lr0.1_wd0_seed0.json.part",
        f"{FOLDER}/lr-0.1_wd0_seed0.json",
        "results/runs/digits/short/tiny/no-digest/lr0.1_wd0_seed0.json",
    ],
)
def test_other_paths_are_no_runs(path: str) -> None:
    with pytest.raises(ValueError, match="not the path of a run record"):
        Run.from_path(path)


@pytest.mark.parametrize("name", ["lr0.10_wd0_seed0", "lr0.1_wd0.0_seed0", "lr1e-1_wd0_seed0", "lr0.1_wd0_seed00"])
def test_a_run_has_one_path_only(name: str) -> None:
    with pytest.raises(ValueError, match=r"write its numbers as in lr0\.1_wd0_seed0\.json"):
        Run.from_path(f"{FOLDER}/{name}.json")


def test_the_digest_of_settings_never_changes() -> None:
    """Everything that was ever trained lies under such digests: a failure here would orphan it."""
    assert digest_of({"recipe": {"epochs": 90, "eps": 1e-08}, "arch": "résnet"}) == "65bd9d69"


def test_settings_spell_everything_out() -> None:
    made = settings_of(DATASET, RECIPE, ARCH)
    assert made == {
        "dataset": {"source": "cifar10", "image_size": 32, "classes": 10, "mean": [0.5], "std": [0.25]},
        "recipe": {"epochs": 3, "optimizer": {"name": "adamw"}, "augment": []},
        "arch": {
            "model": "vit_small_patch16_224",
            "family": "transformer",
            "kwargs": {"img_size": 32, "depth": 2},
        },
        "training_version": made["training_version"],
    }


def test_settings_leave_the_catalogue_alone() -> None:
    entries = copy.deepcopy((DATASET, RECIPE, ARCH))
    settings_of(*entries)
    assert entries == (DATASET, RECIPE, ARCH)


def test_where_the_images_lie_is_no_part_of_a_run() -> None:
    here = settings_of(DATASET, RECIPE, ARCH)
    assert here == settings_of({**DATASET, "path": "elsewhere"}, RECIPE, ARCH)


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        (0, {**DATASET, "classes": 11}),
        (1, {**RECIPE, "epochs": 4}),
        (2, {**ARCH, "kwargs": {"img_size": "image_size", "depth": 3}}),
    ],
)
def test_whatever_else_changes_is_another_place(part: int, changed: dict[str, Any]) -> None:
    entries = [DATASET, RECIPE, ARCH]
    entries[part] = changed
    assert digest_of(settings_of(*entries)) != digest_of(settings_of(DATASET, RECIPE, ARCH))


def test_training_version_is_part_of_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest_of(settings_of(DATASET, RECIPE, ARCH))
    monkeypatch.setattr("decay_atlas.runs.grid.TRAINING_VERSION", 10_000)
    assert digest_of(settings_of(DATASET, RECIPE, ARCH)) != before


def test_0_and_0_0_are_one_setting() -> None:
    whole = settings_of(DATASET, {**RECIPE, "val_fraction": 0, "steps": [1, 2]}, ARCH)
    dotted = settings_of(DATASET, {**RECIPE, "val_fraction": 0.0, "steps": [1.0, 2.0]}, ARCH)
    assert digest_of(whole) == digest_of(dotted)


def test_augmentation_must_name_the_family() -> None:
    with pytest.raises(ValueError, match="augment has no list for family 'transformer'"):
        settings_of(DATASET, {**RECIPE, "augment": {"cnn": []}}, ARCH)


def test_data_sets_that_differ_under_one_name_lie_apart() -> None:
    folder = dataset_folder("digits", {"classes": 10})
    assert re.fullmatch("resources/datasets/digits-[0-9a-f]{8}", folder)
    assert folder != dataset_folder("digits", {"classes": 11})


@pytest.mark.parametrize(
    ("wd", "lr", "values"),
    [
        (0, 0.1, [0.0]),
        ([0, 0.1], 0.1, [0.0, 0.1]),
        ({"times_lr": 0.1}, 3e-4, [3e-05]),  # 0.1 * 3e-4 is 2.9999999999999997e-05
        ({"times_lr": 3}, 0.1, [0.3]),
        ({"over_lr": 1e-6}, 3e-3, [0.000333333333333]),
    ],
)
def test_weight_decays_of_a_block(wd: Any, lr: float, values: list[float]) -> None:
    assert wd_values(wd, lr) == values


# Packs. The groups of the drawn grids share some digests: entries may be alike under two names.

VALUES = {"lr": [0.001, 0.01, 1.0], "wd": [0.0, 0.1, 0.3], "seed": [0, 1, 10]}


def some(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True)


BLOCKS = st.fixed_dictionaries(
    {
        "dataset": some(["d1", "d2"]),
        "recipe": some(["r1", "r2"]),
        "arch": some(["a", "a.b", "a-b"]),
        "lr": some(VALUES["lr"]),
        "wd": some(VALUES["wd"]) | st.sampled_from([{"times_lr": 0.1}, {"over_lr": 0.1}]),
        "seed": some(VALUES["seed"]),
    }
)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Up to four overlapping blocks over names whose settings are often the same."""
    entries = {
        (dataset, recipe, arch): {"dataset": {}, "kind": draw(st.integers(0, 4))}
        for dataset in ("d1", "d2")
        for recipe in ("r1", "r2")
        for arch in ("a", "a.b", "a-b")
    }
    return Grid(draw(st.lists(BLOCKS, min_size=1, max_size=4)), entries)


def matchers(rule: PackRule) -> list[re.Pattern[str]]:
    """The rule's outputs as Snakemake matches them, its constraints written into the patterns."""
    patterns = []
    for record in rule.records:
        for axis, constraint in rule.constraints.items():
            record = record.replace(f"{{{axis}}}", f"{{{axis},{constraint}}}", 1)
        patterns.append(re.compile(regex_from_filepattern(record)))
    return patterns


@pytest.mark.parametrize("packed", [axes for size in range(4) for axes in subsets(AXES, size)])
@settings(max_examples=40, deadline=None)
@given(grid=grids())
def test_every_run_is_the_output_of_just_one_rule(packed: tuple[str, ...], grid: Grid) -> None:
    rules = grid.pack_rules(packed)
    outputs = [pattern for rule in rules for pattern in matchers(rule)]
    for run in grid.runs:
        assert sum(pattern.match(run.path) is not None for pattern in outputs) == 1, run.path
    assert len({rule.name for rule in rules}) == len(rules)


@pytest.mark.parametrize("packed", [axes for size in range(4) for axes in subsets(AXES, size)])
@settings(max_examples=20, deadline=None)
@given(grid=grids())
def test_a_job_makes_a_packs_runs_and_no_other(packed: tuple[str, ...], grid: Grid) -> None:
    """Ask Snakemake's way for each run: the whole output of its job is the runs that share its free axes."""
    free = [axis for axis in AXES if axis not in packed]
    place = ("dataset", "recipe", "arch", "digest", *free)
    rules = [(rule, matchers(rule)) for rule in grid.pack_rules(packed)]
    logs = {}
    packs = {run.path: pack for pack in grid.packs(packed) for run in pack.runs}
    for run in grid.runs:
        pack = {other.path for other in grid.runs if all(getattr(other, k) == getattr(run, k) for k in place)}
        rule, match = next((rule, found) for rule, all_ in rules for p in all_ if (found := p.match(run.path)))
        made = {record.format(**match.groupdict()) for record in rule.records}
        assert made == pack
        logs.setdefault(rule.log.format(**match.groupdict()), pack)
        assert logs[rule.log.format(**match.groupdict())] == pack, "two packs share a log"
        known = packs[run.path]
        assert {member.path for member in known.runs} == pack
        assert known.log == rule.log.format(**match.groupdict())
        assert known.wildcards == tuple(match.groupdict().values())


@given(grid=grids())
@settings(deadline=None)
def test_a_run_listed_twice_counts_once(grid: Grid) -> None:
    paths = [run.path for run in grid.runs]
    assert len(set(paths)) == len(paths)
    twice = Grid(grid.blocks * 2, {key: grid.settings[digest] for key, digest in grid._digests.items()})
    assert twice.runs == grid.runs


def test_alike_cells_share_a_rule() -> None:
    """Few rules keep Snakemake fast: a full grid is one, a second block that grows it adds one."""
    grid = load_published()
    assert [rule.name for rule in grid.pack_rules(["seed"])] == ["train"]
    grid.blocks.append({**grid.blocks[0], "arch": "resnet50", "lr": 0.1, "seed": [0, 1]})
    assert [rule.name for rule in Grid(grid.blocks, _settings(grid)).pack_rules(["seed"])] == [
        "train",
        "train_1",
    ]


def test_the_published_study_has_2400_runs_in_480_packs() -> None:
    grid = load_published()
    assert len(grid.runs) == 2_400
    (rule,) = grid.pack_rules(["seed"])
    assert len(rule.records) == 5
    assert len(grid.runs) // len(rule.records) == 480
    assert len({run.digest for run in grid.runs}) == 10


def test_the_prepared_data_set_of_a_folder_is_found() -> None:
    grid = load_published()
    entry = grid.settings[grid.runs[0].digest]["dataset"]
    assert grid.dataset_entry("cifar100", digest_of(entry)) == entry
    with pytest.raises(KeyError, match="cifar100-00000000"):
        grid.dataset_entry("cifar100", "00000000")


def load_published() -> Grid:
    return grid_of(load("coupling", ROOT))


def _settings(grid: Grid) -> dict[tuple[str, str, str], dict[str, Any]]:
    return {(run.dataset, run.recipe, run.arch): grid.settings[run.digest] for run in grid.runs}
