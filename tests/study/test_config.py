"""Studies: merged as Snakemake merges, their defaults filled in, their recipes resolved, their files named."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from decay_atlas.study.config import SCHEMA, ConfigError, grid_of, load, merge, resolve, study_file

ROOT = Path(__file__).parents[2]
PUBLISHED = yaml.safe_load((ROOT / "config.yaml").read_bytes())
RULES = yaml.safe_load(SCHEMA.read_bytes())
STUDIES = sorted(file.stem for file in (ROOT / "studies").glob("*.yaml"))

# Merging

TREES = st.recursive(
    st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
CONFIGS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


@given(base=CONFIGS, over=CONFIGS)
def test_studies_merge_as_snakemake_merges_config_files(base: dict[str, Any], over: dict[str, Any]) -> None:
    before = copy.deepcopy((base, over))
    ours = merge(base, over)
    assert (base, over) == before
    update_config(base, over)
    assert ours == base


def test_a_study_is_merged_over_config_yaml(project: Path) -> None:
    write_study(project, metric={"score": "test_final"}, execution={"pack": ["lr", "seed"]})
    study = load("mine", project)
    assert study["metric"] == {
        "score": "test_final",
        "name": "accuracy",
        "unit": "%",
        "direction": "max",
        "scale": "linear",
    }
    assert study["grid"] == PUBLISHED["grid"]
    assert study["execution"]["gpus"] == PUBLISHED["execution"]["gpus"]


# Defaults and recipes

MINIMAL: dict[str, Any] = {
    "study": "mine",
    "metric": {},
    "grid": [{"dataset": "d", "recipe": "r", "arch": "a", "lr": 0.1, "wd": 0, "seed": 0}],
    "datasets": {
        "d": {"source": "digits", "image_size": 8, "classes": 10, "mean": [0.3], "std": [0.4], "test_fraction": 0.4}
    },
    "archs": {"a": {"model": "resnet18", "family": "cnn"}},
    "recipes": {
        "r": {"epochs": 1, "batch_size": 8, "optimizer": {"name": "sgd"}, "schedule": {"name": "constant"}},
        "longer": {"extends": "r", "epochs": 9, "val_fraction": 0.1},
        "longest": {"extends": "longer", "epochs": 99},
    },
}


def test_defaults_are_filled_in() -> None:
    study = resolve(MINIMAL)
    assert study["metric"] == {
        "score": "test_best",
        "name": "accuracy",
        "unit": "%",
        "direction": "max",
        "scale": "linear",
    }
    assert study["execution"] == {
        "pack": ["seed"],
        "engine": "auto",
        "device": "auto",
        "threads": 1,
        "checkpoint_minutes": 10,
        "gpus": {},
    }
    assert study["archs"]["a"]["kwargs"] == {}
    assert study["recipes"]["r"] == {
        **MINIMAL["recipes"]["r"],
        "precision": "fp32",
        "augment": [],
        "val_fraction": 0,
    }
    # The tolerance has no default: without one it is the seed noise.
    assert {*study["statistics"], "tolerance"} == RULES["properties"]["statistics"]["properties"].keys()


def test_resolving_leaves_its_input_alone_and_changes_nothing_the_second_time() -> None:
    before = copy.deepcopy(MINIMAL)
    study = resolve(MINIMAL)
    assert before == MINIMAL
    assert resolve(study) == study


def test_defaults_are_each_studys_own() -> None:
    resolve(MINIMAL)["statistics"]["kappas"].append(1_000)
    assert 1_000 not in resolve(MINIMAL)["statistics"]["kappas"]


def test_a_recipe_takes_from_what_it_extends_what_it_does_not_say() -> None:
    recipes = resolve(MINIMAL)["recipes"]
    assert recipes["longest"] == {**recipes["r"], "epochs": 99, "val_fraction": 0.1}
    assert recipes["longer"] == {**recipes["r"], "epochs": 9, "val_fraction": 0.1}


def test_names_are_free_where_nothing_is_trained() -> None:
    free = {key: MINIMAL[key] for key in ("study", "metric")}
    assert resolve({**free, "imports": ["runs.csv"]})["imports"] == ["runs.csv"]
    simulated = resolve({**free, "grid": MINIMAL["grid"], "simulate": {"law": "ratio"}})
    (run,) = grid_of(simulated).runs
    assert grid_of(simulated).settings[run.digest]["simulate"] == {"law": "ratio"}


@pytest.mark.parametrize("name", ["adams", "adamw-lh", "torch.NAdam", "timm.adan"])
def test_an_optimizer_is_one_of_ours_or_another_librarys(name: str) -> None:
    recipe = {**MINIMAL["recipes"]["r"], "optimizer": {"name": name}}
    assert resolve({**MINIMAL, "recipes": {"r": recipe}})["recipes"]["r"]["optimizer"] == {"name": name}


def test_a_date_is_a_name_like_any_other() -> None:
    assert resolve({**MINIMAL, "study": date(2024, 1, 31)})["study"] == "2024-01-31"


# Files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the published config.yaml and an empty studies/."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    return tmp_path


def write_study(project: Path, file: str = "mine", **keys: Any) -> None:
    (project / f"studies/{file}.yaml").write_text(yaml.safe_dump({"study": "mine", **keys}))


def refusal(study: str, project: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        load(study, project)
    return str(raised.value)


def test_the_message_names_the_file_that_holds_the_key(project: Path) -> None:
    write_study(project, statistics={"resamples": 1})
    assert refusal("mine", project) == f"{project}/studies/mine.yaml: key statistics.resamples: 1 must be at least 100"
    write_study(project)
    text = (project / "config.yaml").read_text().replace("resamples: 10000", "resamples: 1")
    (project / "config.yaml").write_text(text)
    assert refusal("mine", project).startswith(f"{project}/config.yaml: key statistics.resamples: ")


def test_a_study_is_named_after_its_file(project: Path) -> None:
    write_study(project, file="other")
    assert refusal("other", project) == (
        f"{project}/studies/other.yaml: key study: a study is named after its file, so that no two share a "
        "folder; write\n\n    study: other"
    )


def test_an_unknown_study_is_answered_with_the_known_ones(project: Path) -> None:
    write_study(project)
    assert refusal("min", project) == "no study 'min'; there are: coupling, mine. Did you mean 'mine'?"
    assert study_file("coupling", project) is None
    assert study_file("mine", project) == project / "studies/mine.yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no keys; a study file begins with\n\n    study: mine"),
        ("- 1", "holds no keys"),
        ("a: [1", "not YAML"),
        ("a: b: c", "not YAML"),
    ],
)
def test_a_file_that_is_no_study_is_named(project: Path, text: str, said: str) -> None:
    (project / "studies/mine.yaml").write_text(text)
    assert f"{project}/studies/mine.yaml: {said}" in refusal("mine", project)


def test_a_missing_config_yaml_is_named(tmp_path: Path) -> None:
    assert refusal("coupling", tmp_path).startswith(f"{tmp_path}/config.yaml: cannot be read (No such file")


def test_a_family_that_a_recipe_has_no_augmentation_for_is_refused_with_lines_that_help(project: Path) -> None:
    study = {
        "archs": {"line": {"model": "linear", "family": "linear"}},
        "recipes": {"short": {"extends": "published-cifar", "epochs": 20}},
        "grid": [{"dataset": "cifar10", "recipe": "short", "arch": ["resnet50", "line"], "lr": 1, "wd": 0, "seed": 0}],
    }
    write_study(project, **study)
    said = refusal("mine", project)
    assert said.startswith(f"{project}/studies/mine.yaml: key recipes.short.augment")
    study["recipes"]["short"] |= yaml.safe_load(said.split("\n\n")[1])
    write_study(project, **study)
    found = [settings["recipe"]["augment"] for settings in grid_of(load("mine", project)).settings.values()]
    assert found == [["crop", "flip", "jitter"], ["crop", "flip"]]


# What is shipped


@pytest.mark.parametrize("study", ["coupling", *STUDIES])
def test_every_study_of_the_project_resolves(study: str) -> None:
    config = load(study, ROOT)
    assert config["study"] == study
    if not {"imports", "lookahead"} & config.keys():
        assert grid_of(config).runs


def test_config_yaml_and_the_schemas_defaults_do_not_drift_apart() -> None:
    defaults = resolve(MINIMAL)
    assert PUBLISHED["statistics"] == defaults["statistics"]
    assert PUBLISHED["metric"] == defaults["metric"]
    assert {**PUBLISHED["execution"], "gpus": {}} == {key: defaults["execution"][key] for key in PUBLISHED["execution"]}


# DoG from fixed runs

DOG: dict[str, Any] = {
    "grid": [
        {"dataset": "digits", "recipe": "fixed", "arch": "net", "lr": [0.1, 1], "wd": 0.0005, "seed": [0, 1]},
        {"dataset": "digits", "recipe": "adaptive", "arch": "net", "lr": [0.1, 1], "wd": [1], "seed": [0, 1]},
    ],
    "archs": {"net": {"model": "resnet18", "family": "cnn"}},
    "recipes": {
        "fixed": {
            "epochs": 2,
            "batch_size": 8,
            "optimizer": {"name": "sgd"},
            "schedule": {"name": "cosine"},
            "augment": {"cnn": ["flip"]},
        },
        "adaptive": {"extends": "fixed", "optimizer": {"name": "awd"}, "dog": {"from": "fixed", "wd": 5e-4}},
    },
}


def test_a_recipe_whose_dog_is_estimated_spells_out_where_from(project: Path) -> None:
    write_study(project, **DOG)
    grid = grid_of(load("mine", project))
    fixed, adaptive = (next(run for run in grid.runs if run.recipe == name) for name in ("fixed", "adaptive"))
    settings = grid.settings[adaptive.digest]["recipe"]
    assert settings["dog"] == {"wd": 5e-4, "recipe": grid.settings[fixed.digest]["recipe"]}
    assert settings["dog"]["recipe"]["augment"] == ["flip"]
    assert grid.sources("digits", "adaptive", "net") == [run for run in grid.runs if run.recipe == "fixed"]
    assert grid.sources("digits", "fixed", "net") == []


def test_one_learning_rate_may_be_named_for_all(project: Path) -> None:
    study = copy.deepcopy(DOG)
    study["recipes"]["adaptive"]["dog"]["lr"] = 0.1
    write_study(project, **study)
    sources = grid_of(load("mine", project)).sources("digits", "adaptive", "net")
    assert [(run.lr, run.wd, run.seed) for run in sources] == [(0.1, 5e-4, 0), (0.1, 5e-4, 1)]


def test_fixed_runs_that_are_not_in_the_grid_are_printed_as_a_block(project: Path) -> None:
    study = copy.deepcopy(DOG)
    study["grid"][0]["lr"] = [0.1]
    write_study(project, **study)
    config = load("mine", project)
    with pytest.raises(ConfigError, match=r"2 run\(s\) of fixed weight decay") as caught:
        grid_of(config)
    block = yaml.safe_load(str(caught.value).split("add\n\n")[1])
    write_study(project, **{**study, "grid": [*study["grid"], *block]})
    grid_of(load("mine", project))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dog": {"from": "fixd", "wd": 5e-4}}, "Did you mean 'fixed'"),
        ({"dog": {"from": "adaptive", "wd": 5e-4}}, "adaptive has no fixed weight decay"),
        ({"optimizer": {"name": "sgd"}}, "dog is for the optimizer awd"),
        ({"grad_clip": 1}, "leave grad_clip out"),
        ({"optimizer": {"name": "asam", "base": {"name": "awd"}}, "grad_clip": 1}, "leave grad_clip out"),
        ({"dog": {"from": "fixed"}}, "wd: …"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(project: Path, change: dict[str, Any], message: str) -> None:
    study = copy.deepcopy(DOG)
    study["recipes"]["adaptive"] |= change
    write_study(project, **study)
    with pytest.raises(ConfigError, match=message):
        load("mine", project)


@pytest.mark.parametrize(
    ("score", "instead"),
    [("val_best", "test_best"), ("val_loss_final", "test_loss_final"), ("val_robust_best", "test_best")],
)
def test_a_score_that_a_recipe_does_not_record_is_refused_and_either_way_out_is_one(
    project: Path, score: str, instead: str
) -> None:
    study = copy.deepcopy(DOG) | {"metric": {"score": score}}
    study["recipes"]["fixed"] |= {"val_fraction": 0.1, "adversarial": {"steps": 7, "epsilon": 8, "step_size": 2}}
    write_study(project, **study)
    load("mine", project)
    study["recipes"]["fixed"] = dict(DOG["recipes"]["fixed"])
    write_study(project, **study)
    message = refusal("mine", project)
    assert f"{project}/studies/mine.yaml: key metric.score: the runs of recipe fixed record no {score}" in message
    recipe, metric = (yaml.safe_load(part) for part in message.split("write\n\n")[1].split("\n\nor\n\n"))
    assert metric == {"metric": {"score": instead}}
    write_study(project, **study | metric)
    load("mine", project)
    study["recipes"]["fixed"] |= recipe["recipes"]["fixed"]  # which the other recipe extends
    write_study(project, **study)
    load("mine", project)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"execution": {"gpus": {"fixd": 4}}}, "execution.gpus.fixd"),
        ({"statistics": {"valley": {"starts": {"fixd": [0.1, 0.1]}}}}, "statistics.valley.starts.fixd"),
    ],
)
def test_what_is_told_of_a_recipe_that_there_is_not_is_refused(project: Path, change: dict[str, Any], key: str) -> None:
    write_study(project, **DOG, **change)
    message = refusal("mine", project)
    assert f"{project}/studies/mine.yaml: key {key}: no recipe 'fixd'" in message
    assert "Did you mean 'fixed'" in message


RESIDUAL = {
    **DOG,
    "archs": {"net": {"model": "wide_resnet", "family": "cnn", "kwargs": {"depth": 28, "width": 10}}},
}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"kwargs": {"depth": 30, "width": 10}},
            "key archs.net: the depth of wide_resnet is 6n + 4, three stages of n blocks, and not 30; "
            "write\n\n    kwargs: {depth: 28, width: 10}",
        ),
        ({"kwargs": {"depth": 28}}, "key archs.net: wide_resnet takes depth and width"),
        ({"model": "resnet18", "kwargs": {}, "stem": "tiny"}, "key archs.net.stem: write small, or leave it out"),
    ],
)
def test_a_network_that_cannot_be_built_is_refused_before_anything_is_trained(
    project: Path, entry: dict[str, Any], message: str
) -> None:
    study = copy.deepcopy(RESIDUAL)
    write_study(project, **study)
    load("mine", project)
    study["archs"]["net"] |= entry
    write_study(project, **study)
    assert f"{project}/studies/mine.yaml: {message}" in refusal("mine", project)
