"""Studies: merged as Snakemake merges, checked strictly, and every mistake answered with the line to write."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from snakemake.utils import update_config

from decay_atlas.config import SCHEMA, ConfigError, grid_of, load, merge, resolve, study_file

ROOT = Path(__file__).parents[1]
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
    assert study["statistics"].keys() == RULES["properties"]["statistics"]["properties"].keys()


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


# Mistakes. Each is a change to the published study: where, what, and what the message must say.

CIFAR = ("recipes", "published-cifar")
MISTAKES: list[tuple[tuple[str | int, ...], Any, list[str]]] = [
    (("grid", 0, "lr"), ["1e-4", 0.001], ["grid[0].lr[0]: '1e-4' is text", "    lr: [0.0001, 0.001]"]),
    (("grid", 0, "lr"), "3e-4", ["grid[0].lr: '3e-4' is text", "    lr: 0.0003"]),
    (("grid", 0, "wd"), {"times_lr": "1e-1"}, ["grid[0].wd.times_lr: '1e-1' is text", "    times_lr: 0.1"]),
    (("grid", 0, "seed"), ["0", "1"], ["grid[0].seed[0]: '0' is text", "    seed: [0, 1]"]),
    (("statistics", "resamples"), "1e4", ["statistics.resamples: '1e4' is text", "    resamples: 10000"]),
    (("grid", 0, "lr"), [0.1, 0.01, 0.1], ["grid[0].lr: a value stands twice", "    lr: [0.1, 0.01]"]),
    (("grid", 0, "seed"), [1, 1.0], ["grid[0].seed: a value stands twice", "    seed: [1]"]),
    (("grid", 0, "lr"), [0], ["grid[0].lr[0]: 0 must be greater than 0"]),
    (("grid", 0, "lr"), [float("inf")], ["grid[0].lr[0]: .inf is no finite number"]),
    (("grid", 0, "lr"), ["fast"], ["grid[0].lr[0]: fast does not fit here; it takes a number"]),
    (("grid", 0, "lr"), None, ["grid[0].lr: null does not fit here. Learning rates, greater than 0"]),
    (("grid", 0, "lr"), [], ["grid[0].lr: []"]),
    (("grid", 0, "wd"), [0, -1], ["grid[0].wd[1]: -1 must be at least 0"]),
    (("grid", 0, "wd"), {"time_lr": 1}, ["grid[0].wd: unknown key 'time_lr'", "Did you mean 'times_lr'?"]),
    (("grid", 0, "wd"), {"times_lr": 1, "over_lr": 1}, ["grid[0].wd", "one of `times_lr: c`"]),
    (("grid", 0, "wd"), {}, ["grid[0].wd", "one of `times_lr: c`"]),
    (("grid", 0, "seed"), [0.5], ["grid[0].seed[0]: 0.5 does not fit here; it takes a whole number"]),
    (("grid", 0, "seed"), True, ["grid[0].seed: true does not fit here. Whole numbers from 0"]),
    (("grid",), [], ["grid: []", "Blocks, each the product of its axes"]),
    (("grid",), {"lr": 0.1}, ["grid: {lr: 0.1} does not fit here; it takes a list"]),
    (("grid", 0, "arch"), ["resnet5"], ["grid[0].arch: no arch 'resnet5' in archs", "mean 'resnet50'?"]),
    (("grid", 0, "dataset"), "cifar100O", ["no dataset 'cifar100O' in datasets", "mean 'cifar100'?"]),
    (("grid", 0, "recipe"), "x", ["no recipe 'x' in recipes; there are: published-cifar, published-imagenet."]),
    (("metric", "score"), "test_bst", ["metric.score: no test_bst here", "Did you mean 'test_best'?"]),
    (("metric",), None, ["metric: null does not fit here; it takes keys with values"]),
    (("execution", "pack"), "seed", ["execution.pack: this is a list", "    pack: [seed]"]),
    (("execution", "pack"), ["seeds"], ["execution.pack[0]: no seeds here", "Did you mean 'seed'?"]),
    (("execution", "threads"), 0, ["execution.threads: 0 must be at least 1"]),
    (("statistic",), {}, ["top level: unknown key 'statistic'", "Did you mean 'statistics'?"]),
    (("statistics", "kappa"), [1], ["statistics: unknown key 'kappa'", "Did you mean 'kappas'?"]),
    ((*CIFAR, "epoch"), 3, ["recipes.published-cifar: unknown key 'epoch'", "Did you mean 'epochs'?"]),
    ((*CIFAR, "epochs"), 1.5, ["recipes.published-cifar.epochs: 1.5 does not fit here; it takes a whole number"]),
    ((*CIFAR, "val_fraction"), 1, ["recipes.published-cifar.val_fraction: 1 must be less than 1"]),
    ((*CIFAR, "optimizer", "lr"), 0.1, ["published-cifar.optimizer.lr: this comes from the grid", "remove it"]),
    ((*CIFAR, "optimizer"), {}, ["published-cifar.optimizer: something is missing", "    name: …"]),
    ((*CIFAR, "augment"), {"rnn": []}, ["published-cifar.augment: unknown key 'rnn'; there are: cnn, transformer"]),
    ((*CIFAR, "augment"), ["flipp"], ["published-cifar.augment[0]: no flipp here", "Did you mean 'flip'?"]),
    ((*CIFAR, "optimizer"), {"name": "adamm"}, ["published-cifar.optimizer.name: no adamm here", "mean 'adam'?"]),
    (
        (*CIFAR, "optimizer"),
        {"name": "jax.adam"},
        ["published-cifar.optimizer.name: no jax.adam here; there are: adamw"],
    ),
    ((*CIFAR, "optimizer"), {"name": "torch."}, ["optimizer.name: no torch. here; there are: adamw, "]),
    ((*CIFAR, "optimizer"), {"name": 3}, ["optimizer.name: 3 does not fit here. Its other keys are"]),
    ((*CIFAR, "schedule"), {"name": "step"}, ["cifar.schedule: schedule: step needs", "    milestones: [30, 60, 80]"]),
    ((*CIFAR, "schedule", "warmup_epochs"), 200, ["cifar.schedule: schedule: warmup_epochs must be less than", "200"]),
    ((*CIFAR, "schedule"), {"name": "sqr"}, ["cifar.schedule.name: no sqr here", "Did you mean 'sqrt'?"]),
    ((*CIFAR, "schedule"), {"name": "wsd", "decay_shape": "sqrt"}, ["decay_shape: no sqrt here", "mean '1-sqrt'?"]),
    ((*CIFAR, "schedule"), {"name": "wsd", "decay_fraction": 2}, ["schedule.decay_fraction: 2 must be at most 1"]),
    ((*CIFAR, "schedule"), {"name": "piecewise", "pieces": [[1]]}, ["schedule.pieces[0]: [1] is too short"]),
    ((*CIFAR, "keep_weights"), False, ["published-cifar.keep_weights: write true, or leave it out"]),
    ((*CIFAR, "extends"), "published-imagnet", ["published-cifar.extends: no recipe", "mean 'published-imagenet'?"]),
    (
        (*CIFAR, "extends"),
        "published-imagenet",
        ["extends: a circle, published-cifar → published-imagenet → published-cifar; break it"],
    ),
    (
        CIFAR,
        {"epochs": 1, "schedule": {"name": "cosine"}},
        ["recipes.published-cifar: a recipe that is trained needs batch_size, optimizer", "      batch_size: 128"],
    ),
    (("study",), "a/b", ["study: 'a/b' does not fit the pattern", "A name has letters"]),
    (("datasets", "my data"), {}, ["datasets: 'my data' does not fit the pattern", "A name has letters"]),
    (("imports",), ["runs.xls"], ["imports[0]: 'runs.xls' does not fit", "A .csv or a .parquet file"]),
    (("fill",), {"datset": "cifar10"}, ["fill: no datset here", "Did you mean 'dataset'?"]),
]
MISSING = [
    (("study",), ["top level: something is missing", "    study: …"]),
    (("metric",), ["top level: something is missing", "    metric: …"]),
    (("grid",), ["top level: something is missing", "    grid: …"]),
    (("grid", 1, "seed"), ["grid[1]: something is missing", "    seed: …"]),
    (("archs", "resnet50", "model"), ["archs.resnet50: something is missing", "    model: …"]),
]


def changed(place: tuple[str | int, ...], change: Callable[[Any, str | int], object]) -> dict[str, Any]:
    config = copy.deepcopy(PUBLISHED)
    part: Any = config
    for key in place[:-1]:
        part = part[key]
    change(part, place[-1])
    return config


def message(config: dict[str, Any], root: Path) -> str:
    """What a person reads whose config.yaml says this."""
    file = root / "config.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    with pytest.raises(ConfigError) as raised:
        grid_of(resolve(config, [file]))
    assert str(raised.value).startswith(f"{file}: "), "the message begins with the file"
    return str(raised.value)


def name(place: tuple[str | int, ...]) -> str:
    return ".".join(map(str, place))


@pytest.mark.parametrize(
    ("place", "value", "parts"), MISTAKES, ids=lambda part: name(part) if part and isinstance(part, tuple) else ""
)
def test_a_mistake_is_named_with_its_correction(
    tmp_path: Path, place: tuple[str | int, ...], value: Any, parts: list[str]
) -> None:
    said = message(changed(place, lambda part, key: part.__setitem__(key, value)), tmp_path)
    assert [part for part in parts if part not in said] == [], said


@pytest.mark.parametrize(("place", "parts"), MISSING, ids=lambda part: name(part) if isinstance(part, tuple) else "")
def test_what_is_missing_is_named(tmp_path: Path, place: tuple[str | int, ...], parts: list[str]) -> None:
    said = message(changed(place, lambda part, key: part.__delitem__(key)), tmp_path)
    assert [part for part in parts if part not in said] == [], said


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("grid", 0, "lr"), ["1e-4", 0.001]),
        (("grid", 0, "lr"), "3e-4"),
        (("grid", 0, "seed"), ["0", "1"]),
        (("statistics", "resamples"), "1e4"),
        (("grid", 0, "wd"), [0.1, 0.01, 0.1]),
        (("execution", "pack"), "seed"),
        (CIFAR, {"epochs": 1, "schedule": {"name": "cosine"}}),
    ],
    ids=lambda part: name(part) if isinstance(part, tuple) else "",
)
def test_the_printed_correction_can_be_pasted(tmp_path: Path, place: tuple[str | int, ...], value: Any) -> None:
    config = changed(place, lambda part, key: part.__setitem__(key, value))
    correction = yaml.safe_load(message(config, tmp_path).split("\n\n")[1])
    part: Any = config
    for key in place[:-1]:
        part = part[key]
    part.update(merge(part, correction))
    assert resolve(config)["study"] == "coupling"


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


def properties(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property that a study may hold, with its place in the schema."""
    if isinstance(schema, dict):
        for key, part in schema.get("properties", {}).items():
            yield f"{place}/{key}", part
        for key, part in schema.items():
            yield from properties(part, f"{place}/{key}")
    elif isinstance(schema, list):
        for number, part in enumerate(schema):
            yield from properties(part, f"{place}/{number}")


def test_every_property_is_described() -> None:
    described = list(properties(RULES))
    assert len(described) > 50
    assert [place for place, part in described if not part.get("description")] == []


def test_every_default_is_valid_under_its_own_rule() -> None:
    defaults = [(place, part) for place, part in properties(RULES) if "default" in part]
    assert len(defaults) > 10
    for place, part in defaults:
        rule = Draft202012Validator({**part, "$defs": RULES["$defs"]})
        assert rule.is_valid(part["default"]), place


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
