"""What a run is: its axes, its settings and their digest, its path; and how a study's runs make packs.

The Snakefile imports this module in every cluster job, so it needs the standard library only.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Self

TRAINING_VERSION = 2
"""Raise it when a change alters the numbers a run produces; it is part of every run's digest."""
Point = tuple[str, ...]
Box = tuple[Point, ...]
"""A product set of points: the values of every axis."""
GROUP = ("dataset", "recipe", "arch", "digest")
NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?"
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
DIGEST = r"[0-9a-f]{8}"
RUN_FOLDER = "results/runs/{dataset}/{recipe}/{arch}/{digest}"
RUN_PATH = RUN_FOLDER + "/lr{lr}_wd{wd}_seed{seed}.json"
DOG_PATH = RUN_FOLDER + "/dog.json"
_RUN = re.compile(rf"(?:.*/)?({NAME})/({NAME})/({NAME})/({DIGEST})/lr({NUMBER})_wd({NUMBER})_seed([0-9]+)\.json")
LOCAL_KEYS = ("path",)
"""Keys of a data set's entry, and of pretrained weights, that say where it lies on this machine, not what it is."""


def number_text(value: float) -> str:
    """The one text of a number in paths and tables: the shortest that reads back (0, 1, 0.001, 1e-05).

    Raises:
        ValueError: the number is negative or not finite.
    """
    value = float(value)
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"a learning rate or weight decay must be finite and not negative, not {value}")
    return repr(abs(value)).removesuffix(".0")


@dataclass(frozen=True, slots=True)
class Run:
    """One training run: the four names of its place and its three axes."""

    dataset: str
    recipe: str
    arch: str
    digest: str
    lr: float
    wd: float
    seed: int

    @property
    def path(self) -> str:
        """Where the run's record lies, relative to the working directory."""
        return (
            f"results/runs/{self.dataset}/{self.recipe}/{self.arch}/{self.digest}"
            f"/lr{number_text(self.lr)}_wd{number_text(self.wd)}_seed{self.seed}.json"
        )

    def group(self) -> tuple[str, str, str, str]:
        """What the runs of one landscape share: the values of `GROUP`."""
        return self.dataset, self.recipe, self.arch, self.digest

    @classmethod
    def from_path(cls, path: str) -> Self:
        """The run a record's path names; the inverse of `path`.

        Raises:
            ValueError: the path does not end like a record's.
        """
        match = _RUN.fullmatch(str(path))
        if match is None:
            raise ValueError(f"{path}: not the path of a run record ({RUN_PATH})")
        dataset, recipe, arch, digest, lr, wd, seed = match.groups()
        run = cls(dataset, recipe, arch, digest, float(lr), float(wd), int(seed))
        if not run.path.endswith(f"/{str(path).rsplit('/', 1)[-1]}"):
            raise ValueError(f"{path}: write its numbers as in {run.path.rsplit('/', 1)[-1]}")
        return run


def digest_of(settings: dict[str, Any]) -> str:
    """The first 8 hex digits of the SHA-256 of the settings' sorted JSON."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def settings_of(dataset: dict[str, Any], recipe: dict[str, Any], arch: dict[str, Any]) -> dict[str, Any]:
    """Everything but lr, wd and seed that decides a run's result, fully spelled out.

    Takes resolved catalogue entries. The recipe's augmentation becomes the list for the architecture's
    family, an `image_size` placeholder among the architecture's kwargs becomes the data set's number, and
    the local keys of data set and pretrained weights are left out, so that a tree copied to another machine keeps its
    digests.

    Raises:
        ValueError: the recipe names no augmentation for the architecture's family.
    """
    recipe = dict(recipe)
    augment = recipe.get("augment")
    if isinstance(augment, dict):
        if arch["family"] not in augment:
            lists = {**augment, arch["family"]: ["crop", "flip"]}
            lines = "".join(f"\n      {family}: [{', '.join(names)}]" for family, names in lists.items())
            raise ValueError(f"augment has no list for family {arch['family']!r}; write\n\n    augment:{lines}")
        recipe["augment"] = augment[arch["family"]]
    if "pretrained" in recipe:
        recipe["pretrained"] = {key: value for key, value in recipe["pretrained"].items() if key not in LOCAL_KEYS}
    kwargs = {
        key: dataset["image_size"] if value == "image_size" else value for key, value in arch.get("kwargs", {}).items()
    }
    settings = {
        "dataset": {key: value for key, value in dataset.items() if key not in LOCAL_KEYS},
        "recipe": recipe,
        "arch": {**arch, "kwargs": kwargs},
        "training_version": TRAINING_VERSION,
    }
    return {key: _canonical(value) for key, value in settings.items()}


def simulated_settings(truth: dict[str, Any], metric: dict[str, Any]) -> dict[str, Any]:
    """Everything but the axes that decides a simulated run; its names need not be in the catalogue."""
    return {
        "dataset": {"source": "simulated"},
        "simulate": _canonical(truth),
        "direction": metric["direction"],
        "training_version": TRAINING_VERSION,
    }


def _canonical(value: Any) -> Any:
    """Whole numbers as integers throughout, so that 0 and 0.0 in a YAML file are one setting."""
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def dataset_folder(name: str, entry: dict[str, Any]) -> str:
    """Where a data set is prepared; entries that differ under one name lie apart.

    `entry` is the data set's part of a run's settings.
    """
    return f"resources/datasets/{name}-{digest_of(entry)}"


def wd_values(wd: Any, lr: float) -> list[float]:
    """The weight decays a grid block pairs with one learning rate.

    `wd` is a number, a list, `{times_lr: c}` (wd = c·lr) or `{over_lr: c}` (wd = c/lr). Tied values are
    rounded to 12 significant digits: 0.1 · 3e-4 is 3e-05, in every path and on every machine.
    """
    if isinstance(wd, dict):
        value = wd["times_lr"] * lr if "times_lr" in wd else wd["over_lr"] / lr
        return [float(f"{value:.12g}")]
    return [float(value) for value in as_list(wd)]


def as_list(value: Any) -> list[Any]:
    """A scalar of a grid block as a list of one."""
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class PackRule:
    """One training rule: packs that share the values of their packed axes.

    `records` are output patterns with Snakemake wildcards for what is not packed, `log` a pattern with the
    same wildcards, and `constraints` the wildcards' regular expressions, exact for the packs it covers.
    """

    name: str
    records: tuple[str, ...]
    log: str
    constraints: dict[str, str]


@dataclass(frozen=True)
class Pack:
    """One training job: the values of its rule's wildcards in their order, its log and its runs."""

    wildcards: Point
    log: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Fixed:
    """The runs of fixed weight decay that a recipe's DoG is estimated from; `lr` is the run's own where it is None."""

    recipe: str
    wd: float
    lr: float | None = None


class Grid:
    """The runs of a study and the packs they make.

    `blocks` are the study's grid blocks, `settings` maps each (dataset, recipe, arch) they use to its
    resolved settings, and `fixed` those recipes whose DoG is estimated to where from. A run listed by
    several blocks counts once.
    """

    def __init__(
        self,
        blocks: list[dict[str, Any]],
        settings: dict[tuple[str, str, str], dict[str, Any]],
        fixed: dict[str, Fixed] | None = None,
    ) -> None:
        self.blocks, self._fixed = blocks, fixed or {}
        self.settings = {digest_of(value): value for value in settings.values()}
        self._digests = {key: digest_of(value) for key, value in settings.items()}

    @cached_property
    def runs(self) -> list[Run]:
        """Every run once, in the order of the blocks."""
        return list(dict.fromkeys(self._expand()))

    @cached_property
    def _sources(self) -> dict[Point, list[Run]]:
        sources: dict[Point, dict[Run, None]] = {}
        for run in self.runs:
            if run.recipe in self._fixed:
                fixed = self._fixed[run.recipe]
                lr = run.lr if fixed.lr is None else fixed.lr
                digest = self._digests.get((run.dataset, fixed.recipe, run.arch), "")
                source = Run(run.dataset, fixed.recipe, run.arch, digest, lr, fixed.wd, run.seed)
                sources.setdefault((run.dataset, run.recipe, run.arch), {})[source] = None
        return {names: list(runs) for names, runs in sources.items()}

    def sources(self, dataset: str, recipe: str, arch: str) -> list[Run]:
        """The fixed runs that the DoG of a combination's runs is estimated from; none where its wd is what it says."""
        return self._sources.get((dataset, recipe, arch), []) if recipe in self._fixed else []

    def missing_sources(self) -> list[Run]:
        """Those of them that are no runs of this grid."""
        known = set(self.runs) if self._fixed else set()
        return [run for runs in self._sources.values() for run in runs if run not in known] if self._fixed else []

    @cached_property
    def datasets(self) -> dict[str, dict[str, Any]]:
        """The data sets of the runs by name, as the settings describe them."""
        return {name: self.settings[digest]["dataset"] for (name, _, _), digest in self._digests.items()}

    def dataset_entry(self, name: str, digest: str) -> dict[str, Any]:
        """The part of the settings that describes the data set prepared in `dataset_folder(name, …)`.

        Raises:
            KeyError: the study uses no such data set.
        """
        if name not in self.datasets or digest_of(self.datasets[name]) != digest:
            raise KeyError(f"{name}-{digest}")
        return dict(self.datasets[name])

    def _expand(self) -> Iterator[Run]:
        for block in self.blocks:
            for names in combinations(block):
                digest = self._digests[names]
                for lr in as_list(block["lr"]):
                    for wd, seed in product(wd_values(block["wd"], lr), as_list(block["seed"])):
                        yield Run(*names, digest, float(lr), wd, int(seed))

    def pack_rules(self, pack: Iterable[str]) -> list[PackRule]:
        """The training rules that cover the runs, with the axes `pack` (of lr, wd, seed) inside one job.

        Every run is the output of exactly one rule, and no rule's pattern matches another's run: cells whose
        packs have the same members form one rule for each product set of wildcard values.
        """
        free = _free(pack)
        rules = []
        for number, (members, names, values) in enumerate(_merged(self._packs(free))):
            constraints = {
                axis: "|".join(re.escape(value) for value in dict.fromkeys(axis_values))
                for axis, axis_values in zip([*GROUP, *free], [*names, *values], strict=True)
            }
            rules.append(
                PackRule(
                    name=f"train_{number}" if number else "train",
                    records=tuple(f"{RUN_FOLDER}/{member}.json" for member in members),
                    log=_log(free),
                    constraints=constraints,
                )
            )
        return rules

    def packs(self, pack: Iterable[str]) -> list[Pack]:
        """The jobs that the rules of `pack_rules` make of the runs, in their order."""
        free = _free(pack)
        log = _log(free)
        members: dict[Point, list[Run]] = {}
        for run in self.runs:
            cell = (str(run.seed) if axis == "seed" else number_text(getattr(run, axis)) for axis in free)
            members.setdefault((*run.group(), *cell), []).append(run)
        axes = [*GROUP, *free]
        return [
            Pack(values, log.format(**dict(zip(axes, values, strict=True))), tuple(runs))
            for values, runs in members.items()
        ]

    def _packs(self, free: list[str]) -> dict[Point, dict[Point, list[str]]]:
        """The names of every pack's members, by group and by the values of the axes that are not packed."""
        packs: dict[Point, dict[Point, list[str]]] = {}
        for run in self.runs:
            text = {"lr": number_text(run.lr), "wd": number_text(run.wd), "seed": str(run.seed)}
            cell = tuple(text[axis] for axis in free)
            member = "lr{lr}_wd{wd}_seed{seed}".format(**{**text, **{axis: f"{{{axis}}}" for axis in free}})
            packs.setdefault(run.group(), {}).setdefault(cell, []).append(member)
        return packs


def _free(pack: Iterable[str]) -> list[str]:
    """The axes that are not packed, in the order of their wildcards."""
    packed = set(pack)
    return [axis for axis in ("lr", "wd", "seed") if axis not in packed]


def _log(free: Sequence[str]) -> str:
    """The pattern of a pack's log."""
    cell = "_".join(f"{axis}{{{axis}}}" for axis in free) or "all"
    return RUN_FOLDER.replace("results/runs", "results/logs/train") + f"/{cell}.log"


def _merged(packs: dict[Point, dict[Point, list[str]]]) -> Iterator[tuple[Point, Box, Box]]:
    """Packs with the same members, merged: the members, the names of the groups, the values of the cells.

    No two of the boxes overlap. Names may be merged freely while each group has its own digest, which tells
    it from every other; groups that share one (aliases, simulated studies) are told apart by their names.
    """
    groups_of_digest = Counter(group[-1] for group in packs)
    alike: dict[tuple[Point, Box, str], list[Point]] = {}
    for group, cells in packs.items():
        by_members: dict[Point, list[Point]] = {}
        for cell, members in cells.items():
            by_members.setdefault(tuple(members), []).append(cell)
        shared = group[-1] if groups_of_digest[group[-1]] > 1 else ""
        for members_alike, points in by_members.items():
            for values in _products(points):
                alike.setdefault((members_alike, values, shared), []).append(group)
    for (members_alike, values, shared), groups in alike.items():
        for names in _products(groups) if shared else [tuple(zip(*groups, strict=True))]:
            yield members_alike, names, values


def combinations(block: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The (dataset, recipe, arch) names of a grid block."""
    yield from product(*(as_list(block[axis]) for axis in ("dataset", "recipe", "arch")))


def _products(points: list[Point]) -> list[Box]:
    """Split a set of points into product sets, each a tuple with the values of every axis."""
    if not points[0]:
        return [()]
    rests: dict[str, list[Point]] = {}
    for first, *rest in points:
        rests.setdefault(first, []).append(tuple(rest))
    firsts: dict[Box, list[str]] = {}
    for first, rest_points in rests.items():
        firsts.setdefault(tuple(sorted(rest_points)), []).append(first)
    return [
        (tuple(values), *others) for rest_points, values in firsts.items() for others in _products(list(rest_points))
    ]
