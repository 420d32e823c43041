"""A study's configuration: merged, checked against the schema, its recipes resolved. Errors print the fix."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from decay_atlas.runs.grid import Fixed, Grid, as_list, combinations, number_text, settings_of, simulated_settings
from decay_atlas.study import limits, messages
from decay_atlas.study.files import LOADER, Config, ConfigError, plain, read
from decay_atlas.training.settings import archs, recipes, schedules

ROOT = Path()
"""A study's files lie in the working directory, as for Snakemake."""
SCHEMA = Path(__file__).parents[3] / "workflow/schemas/config.schema.yaml"
NEEDED = {
    "epochs": "200",
    "batch_size": "128",
    "optimizer": "{name: adamw}",
    "schedule": "{name: cosine, warmup_epochs: 10}",
}
"""What a recipe that is trained must say, its own or through `extends`, with an example of each."""
CHANNELS = {
    1: {"mean": "[0.449]", "std": "[0.226]"},
    3: {"mean": "[0.485, 0.456, 0.406]", "std": "[0.229, 0.224, 0.225]"},
}
"""How many an image may have, with an example of each."""
HORIZONS = 4
"""The growth laws of a look-ahead study have three numbers, so they need four figures."""


def load(study: str, root: Path = ROOT) -> Config:
    """The resolved configuration of a study by name: config.yaml with studies/<name>.yaml merged over it.

    Raises:
        ConfigError: there is no such study, or it is not valid.
    """
    files = [root / "config.yaml"]
    path = study_file(study, root)
    if path is not None:
        files.append(path)
    config: Config = {}
    for file in files:
        config = merge(config, read(file))
    return resolve(config, files)


def study_file(study: str, root: Path = ROOT) -> Path | None:
    """The file that is merged over config.yaml for a study; None for the study of config.yaml itself.

    Raises:
        ConfigError: there is no such study.
    """
    base = read(root / "config.yaml").get("study", "")
    if study == base:
        return None
    path = root / "studies" / f"{study}.yaml"
    if not path.exists():
        known = sorted(file.stem for file in (root / "studies").glob("*.yaml"))
        raise ConfigError(f"no study {study!r}{messages.choices(study, [base, *known])}")
    return path


def merge(base: Config, over: Config) -> Config:
    """`over` laid on `base` the way Snakemake does it: dictionaries merge key by key, all else replaces.

    So an empty dictionary takes nothing away, whatever stands below it.
    """
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and key in result:
            below = result[key]
            result[key] = merge(below, value) if isinstance(below, dict) else value or below
        else:
            result[key] = value
    return result


def resolve(config: Config, files: Sequence[str | Path] = ()) -> Config:
    """Check a merged configuration and return it with defaults filled in and recipes resolved.

    `files` are the YAML files it was merged from, in that order; messages name the one that holds the key.

    Raises:
        ConfigError: a file is not as `config_files.read` has it; a key is unknown, missing, of the wrong type, or
            names nothing in the catalogue; a number is beyond `config_limits`; or a schedule does not fit its recipe,
            or a recipe an architecture.
    """
    schema = yaml.load(SCHEMA.read_bytes(), LOADER)
    for file in files:
        read(file)
    config = json.loads(json.dumps(plain(config)))
    problem = messages.first_problem(config, schema, files)
    if problem is not None:
        raise ConfigError(problem)
    _fill_defaults(config, schema, schema)
    config["recipes"] = {name: _extended(name, config["recipes"], files) for name in config["recipes"]}
    for recipe in config["recipes"].values():
        _fill_defaults(recipe, schema["$defs"]["recipe"], schema)
    _check_study_name(config, files)
    _check_lookahead(config, files)
    if not {"imports", "lookahead"} & config.keys():
        limits.check(config, files)
    if not {"imports", "simulate", "lookahead"} & config.keys():
        _check_names(config, files)
        _check_recipes_named(config, files)
        _check_score(config, files)
        limits.check_parts(config, files)
    return config


def grid_of(config: Config) -> Grid:
    """The grid of a resolved configuration.

    Raises:
        ConfigError: the study has no runs, or lacks those that a DoG is estimated from.
    """
    if "lookahead" in config:
        raise ConfigError(f"study {config['study']}: bounds are computed and nothing is trained, so there are no runs")
    settings, fixed = {}, {}
    for block in config["grid"]:
        for dataset, recipe, arch in combinations(block):
            if "simulate" in config:
                settings[dataset, recipe, arch] = simulated_settings(config["simulate"], config["metric"])
                continue
            settings[dataset, recipe, arch] = _settings(config, dataset, recipe, arch)
            if "dog" in config["recipes"][recipe]:
                entry = config["recipes"][recipe]["dog"]
                fixed[recipe] = Fixed(entry["from"], float(entry["wd"]), float(entry["lr"]) if "lr" in entry else None)
    grid = Grid(config["grid"], settings, fixed)
    _check_sources(config, grid)
    return grid


def _settings(config: Config, dataset: str, recipe: str, arch: str) -> Config:
    """A combination's settings; a fixed recipe that its DoG is estimated from is spelled out in them."""
    entry = config["recipes"][recipe]
    if "dog" in entry:
        fixed = settings_of(
            config["datasets"][dataset], config["recipes"][entry["dog"]["from"]], config["archs"][arch]
        )["recipe"]
        dog = {key: value for key, value in entry["dog"].items() if key != "from"}
        entry = {**entry, "dog": {**dog, "recipe": fixed}}
    return settings_of(config["datasets"][dataset], entry, config["archs"][arch])


def _check_sources(config: Config, grid: Grid) -> None:
    missing = grid.missing_sources()
    if missing:
        first = missing[0]
        alike = [
            run for run in missing if (run.dataset, run.recipe, run.arch) == (first.dataset, first.recipe, first.arch)
        ]
        rates, seeds = sorted({run.lr for run in alike}), sorted({run.seed for run in alike})
        raise ConfigError(
            f"study {config['study']}: DoG is estimated from {len(missing)} run(s) of fixed weight decay that are not "
            f"in its grid; add\n\n  - dataset: [{first.dataset}]\n    recipe: [{first.recipe}]\n"
            f"    arch: [{first.arch}]\n    lr: [{', '.join(map(number_text, rates))}]\n"
            f"    wd: [{number_text(first.wd)}]\n    seed: {seeds}"
        )


def _fill_defaults(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    """Set every default of `schema` that `value` lacks, but not in recipes: theirs come after `extends`."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    if not isinstance(value, dict):
        return
    for key, part in schema.get("properties", {}).items():
        if isinstance(part, dict):
            if key not in value and "default" in part:
                value[key] = copy.deepcopy(part["default"])
            if key in value and key != "recipes":
                _fill_defaults(value[key], part, root)
    entries = schema.get("additionalProperties")
    if isinstance(entries, dict):
        for key in value.keys() - schema.get("properties", {}).keys():
            _fill_defaults(value[key], entries, root)


def _extended(name: str, recipes: dict[str, Config], files: Sequence[str | Path]) -> Config:
    chain: list[str] = []
    resolved: Config = {}
    parent: str | None = name
    while parent is not None:
        key = f"recipes.{chain[-1]}.extends" if chain else f"recipes.{name}"
        if parent in chain:
            raise ConfigError(f"{messages.where(key, files)}: a circle, {' → '.join([*chain, parent])}; break it")
        if parent not in recipes:
            raise ConfigError(f"{messages.where(key, files)}: no recipe {parent!r}{messages.choices(parent, recipes)}")
        chain.append(parent)
        resolved = {**recipes[parent], **resolved}
        parent = recipes[parent].get("extends")
    resolved.pop("extends", None)
    return resolved


def _check_study_name(config: Config, files: Sequence[str | Path]) -> None:
    last = Path(files[-1]) if files else Path("config.yaml")
    if last.name != "config.yaml" and config["study"] != last.stem:
        raise ConfigError(
            f"{last}: key study: a study is named after its file, so that no two share a folder; "
            f"write\n\n    study: {last.stem}"
        )


def _check_lookahead(config: Config, files: Sequence[str | Path]) -> None:
    strides = config.get("lookahead", {}).get("strides", [])
    if strides and 1 + HORIZONS * max(strides) > config["lookahead"]["last"]:
        raise ConfigError(
            f"{messages.where('lookahead.last', files)}: a stride of {max(strides)} needs {HORIZONS} horizons; "
            f"write\n\n    last: {1 + HORIZONS * max(strides)}"
        )


def _check_names(config: Config, files: Sequence[str | Path]) -> None:
    catalogues = {"dataset": "datasets", "recipe": "recipes", "arch": "archs"}
    for number, block in enumerate(config["grid"]):
        for axis, catalogue in catalogues.items():
            for name in as_list(block[axis]):
                if name not in config[catalogue]:
                    raise ConfigError(
                        f"{messages.where(f'grid.{number}.{axis}', files)}: no {axis} {name!r} in {catalogue}"
                        f"{messages.choices(name, config[catalogue])}"
                    )
        for name in as_list(block["dataset"]):
            _check_channels(name, config["datasets"][name], files)
        for name in as_list(block["arch"]):
            try:
                archs.check(config["archs"][name])
            except ValueError as error:
                raise ConfigError(f"{messages.where(f'archs.{name}', files)}: {error}") from None
        for name in as_list(block["recipe"]):
            missing = [key for key in NEEDED if key not in config["recipes"][name]]
            if missing:
                lines = "".join(f"\n      {key}: {NEEDED[key]}" for key in missing)
                raise ConfigError(
                    f"{messages.where(f'recipes.{name}', files)}: a recipe that is trained needs "
                    f"{', '.join(missing)}, its own or through `extends`; add, for example,"
                    f"\n\n    {name}:{lines}"
                )
            try:
                schedules.check(config["recipes"][name]["schedule"], config["recipes"][name]["epochs"])
            except ValueError as error:
                raise ConfigError(f"{messages.where(f'recipes.{name}.schedule', files)}: {error}") from None
            try:
                recipes.check(config["recipes"][name])
            except ValueError as error:
                raise ConfigError(f"{messages.where(f'recipes.{name}', files)}: {error}") from None
            _check_dog(name, config["recipes"], files)
        for dataset, recipe, arch in combinations(block):
            try:
                _settings(config, dataset, recipe, arch)
            except ValueError as error:
                key = messages.where(f"recipes.{recipe}.augment", files)
                raise ConfigError(f"{key}, used with arch {arch}: {error}") from None


def _check_channels(name: str, entry: Config, files: Sequence[str | Path]) -> None:
    if "mean" not in entry:
        return  # rows of numbers
    channels = len(entry["mean"])
    for key, fitting in (("mean", CHANNELS), ("std", [channels])):
        found = len(entry.get(key, []))
        if found not in fitting:
            example = CHANNELS[channels if key == "std" else 3][key]
            raise ConfigError(
                f"{messages.where(f'datasets.{name}.{key}', files)}: {found} numbers; mean and std take one for each "
                f"channel, three for colour or one for grey; write, for example,\n\n    {key}: {example}"
            )


def _check_recipes_named(config: Config, files: Sequence[str | Path]) -> None:
    """What is told by recipe is told of recipes that there are."""
    told = {
        "execution.gpus": config["execution"]["gpus"],
        "statistics.valley.starts": config["statistics"]["valley"]["starts"],
    }
    for key, names in told.items():
        for name in names:
            if name not in config["recipes"]:
                raise ConfigError(
                    f"{messages.where(f'{key}.{name}', files)}: no recipe {name!r}"
                    f"{messages.choices(name, config['recipes'])}"
                )


def _check_score(config: Config, files: Sequence[str | Path]) -> None:
    """The score is one that every recipe of the grid records."""
    score = config["metric"]["score"]
    needed = {"val_fraction": "0.1"} if score.startswith("val") else {}
    if score == "val_robust_best":
        needed["adversarial"] = "{steps: 7, epsilon: 8, step_size: 2}"
    for name in dict.fromkeys(name for block in config["grid"] for name in as_list(block["recipe"])):
        lines = "".join(f"\n        {key}: {needed[key]}" for key in needed if not config["recipes"][name].get(key))
        if lines:
            instead = "test_best" if score == "val_robust_best" else score.replace("val", "test", 1)
            raise ConfigError(
                f"{messages.where('metric.score', files)}: the runs of recipe {name} record no {score}; "
                f"write\n\n    recipes:\n      {name}:{lines}\n\nor\n\n    metric: {{score: {instead}}}"
            )


def _check_dog(name: str, known: dict[str, Config], files: Sequence[str | Path]) -> None:
    fixed = known[name].get("dog", {}).get("from")
    if fixed is None:
        return
    if fixed not in known:
        problem = f"no recipe {fixed!r}{messages.choices(fixed, known)}"
    elif "optimizer" not in known[fixed] or recipes.is_adaptive(known[fixed]):
        problem = f"{fixed} has no fixed weight decay; name a recipe with an optimizer such as sgd"
    else:
        return
    raise ConfigError(f"{messages.where(f'recipes.{name}.dog.from', files)}: {problem}")
