"""The figures that the sources report, judged one by one by a study's own tables.

`published/` has a file a source, which holds its claims and names for each the rule that judges it. A claim
that the source's own figures or grid contradict is inconsistent before any data. Source: C, Reported figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from importlib.resources import files
from math import prod
from typing import Any

import numpy as np
import pandas as pd
import yaml

from decay_atlas.claims.rules import RULES, Claim, Judgement, better, largest, span, with_seeds
from decay_atlas.statistics.methods.families import Recipes, differences, families
from decay_atlas.statistics.methods.landscape import Direction, tabulate

COLUMNS = ["id", "statement", "reported", "measured", "verdict", "why"]


@cache
def published(source: str = "coupling") -> tuple[list[Claim], dict[str, Any]]:
    """A source's claims, one a row of every family, and what is known of it (its grid and protocol).

    Raises:
        ValueError: there is no such source, an entry has an unknown field or rule, or two have one id.
    """
    folder = files("decay_atlas.claims.published")
    known = sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))
    if source not in known:
        raise ValueError(f"claims: no source {source!r}; there are {', '.join(known)}")
    return parse(yaml.safe_load(folder.joinpath(f"{source}.yaml").read_text(encoding="utf-8")))


def parse(document: Mapping[str, Any]) -> tuple[list[Claim], dict[str, Any]]:
    """Expand the families of a claims file; see `published`."""
    known = {f.name for f in fields(Claim)} | {"each"}
    found = []
    for entry in document["claims"]:
        unknown = sorted(set(entry) - known)
        if unknown or entry.get("rule") not in {*RULES, "better", "untestable"}:
            raise ValueError(f"claim {entry.get('id')!r}: unknown field(s) {unknown} or rule {entry.get('rule')!r}")
        body = {key: value for key, value in entry.items() if key != "each"}
        found += [Claim(**_fill(body, row)) for each in entry.get("each", [{}]) for row in _rows(each)]
    twice = pd.Series([claim.id for claim in found]).loc[lambda ids: ids.duplicated()].tolist()
    if twice:
        raise ValueError(f"claims share the id(s) {', '.join(twice)}")
    return found, dict(document["source"])


def claims(
    tables: Mapping[str, pd.DataFrame],
    recipes: Recipes | None = None,
    unit: str = "%",
    sources: Sequence[str] = ("coupling",),
    direction: Direction = "max",
) -> pd.DataFrame:
    """Judge every claim of the sources by a study's tables.

    `tables` maps names (optima, ratio, laws, universality, deviation, tuning, valley, best, epochs_law, rules,
    adaptive, evaluations, trap; lookahead, lookahead_fits) to what those stages return, and cells to what `best.cells`
    does; one that is missing makes its claims not testable.
    `recipes` maps the study's recipes to their resolved settings, so that claims about an optimizer or a batch size
    find their runs; recipes that are not in it (imported runs) are taken to follow the published protocol.
    `unit` and `direction` are the metric's: claims in percentage points need "%", those about an accuracy "max" too.

    A claim is supported when the study's 95 % interval lies inside what it allows, contradicted when it lies
    outside, else inconclusive. Of several rows, every one must be inside, or any one outside after its
    interval is widened for their number (Bonferroni).

    Returns id, statement, reported, measured, verdict (supported | contradicted | inconclusive |
    not-testable | inconsistent), why.

    Raises:
        ValueError: there is no such source, or a table lacks a column that a claim needs.
    """
    rows = []
    for name in sources:
        everything, source = published(name)
        for claim in everything:
            measured, verdict, why = _judge(claim, tables, recipes or {}, (unit, direction), source)
            conflict = _conflict(claim, everything, source["grid"]) if claim.before else ""
            if conflict:
                verdict, why = "inconsistent", conflict
            cells = (claim.id, claim.statement, claim.reported, measured, verdict, why)
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return tabulate(rows, COLUMNS)


def _judge(
    claim: Claim,
    tables: Mapping[str, pd.DataFrame],
    recipes: Recipes,
    metric: tuple[str, Direction],
    source: Mapping[str, Any],
) -> Judgement:
    if claim.rule == "untestable":
        return "", "not-testable", claim.why
    unit, direction = metric
    if (claim.percent or claim.accuracy) and unit != "%":
        return "", "not-testable", f"It is in percentage points and this study's metric is in {unit!r}."
    if claim.accuracy and direction != "max":
        return "", "not-testable", "It is about accuracies and this study's metric is better when smaller."
    table = tables.get(claim.table)
    if table is None or table.empty:
        return "", "not-testable", f"This study has no table {claim.table}."
    spread = claim.spread if claim.rule == "better" else []
    needed = [claim.column, *claim.interval, *spread, claim.partial, *claim.where]
    lacking = [name for name in needed if name and name not in table]
    if lacking:
        raise ValueError(f"the table {claim.table} lacks the column(s) {', '.join(lacking)}")
    if claim.rule == "better":
        pairs = _pairs(table, claim, recipes)
        if not pairs and _select(table, claim.where, recipes, {}).empty:
            return "", "not-testable", f"This study has no {_describe(claim.where)}."
        if not pairs and not claim.varies:
            return "", "not-testable", f"This study has no {_describe({**claim.where, **claim.against_rows})}."
        if not pairs:
            return "", "not-testable", f"No two recipes of this study differ in {claim.varies} alone in this way."
        return better(claim, pairs)
    rows = _select(table, claim.where, recipes, source.get("assumed", {}))
    if rows.empty:
        return "", "not-testable", f"This study has no {_describe(claim.where)}."
    if claim.varies and not _varies(rows, claim.varies, recipes):
        return "", "not-testable", f"No two recipes of this study differ in {claim.varies} alone."
    if claim.interior:
        inside = rows["n_lr"] - rows["n_edge"]
        if (inside < claim.interior).all():
            counts = f"at most {int(inside.max())} of {int(rows['n_lr'].max())} optima"
            return "", "not-testable", f"Not identifiable: {counts} lie inside the grid of weight decays."
        rows = rows[inside >= claim.interior]
    if claim.over == "largest":
        rows = largest(rows, claim.column)
    return RULES[claim.rule](claim, rows)


def _conflict(claim: Claim, everything: list[Claim], grid: Mapping[str, list[Any]]) -> str:
    """What in the source itself contradicts the claim, or an empty text."""
    before = claim.before
    wd = sorted(value for value in grid["wd"] if value > 0)
    if "interior_optima" in before:
        rho = float(before["interior_optima"])
        optima = [rho * lr for lr in grid["lr"]]
        inside = sum(wd[0] * (1 + 1e-9) < value < wd[-1] for value in optima)
        if inside < 3:
            outside = len(optima) - inside
            where = "at or below the smallest positive λ" if max(optima) < wd[-1] else "at the ends"
            return (
                f"At λ = {rho:g}η, {outside} of {len(optima)} optima would lie {where} of the source's own "
                "grid, which leaves no slope to measure."
            )
    if "figures" in before:
        low, high = (replace(claim, accept=before["within"])).bounds
        values = {c.id: c.value for c in everything if c.id in before["figures"] and c.value is not None}
        beyond = [f"{value:g}" for value in values.values() if not low <= value <= high]
        if beyond:
            return f"The source's own figures, {', '.join(beyond)}, lie outside {span(low, high)}."
    runs = prod(len(axis) for axis in grid.values())
    if "grid_runs" in before and runs != before["grid_runs"]:
        return f"The source's own grid is {runs:,} runs, not {before['grid_runs']:,}."
    if "grid_saving" in before and len(grid["wd"]) != before["grid_saving"]:
        saving = len(grid["wd"])
        return f"On the source's own grid it saves a factor of {saving}, not {before['grid_saving']}."
    return ""


def _rows(each: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows that one of a family stands for: the lists in its `by` are taken side by side."""
    rest = {key: value for key, value in each.items() if key != "by"}
    by = each.get("by", {})
    return [{**rest, **dict(zip(by, place, strict=True))} for place in zip(*by.values(), strict=True)] if by else [rest]


def _fill(value: Any, row: Mapping[str, Any]) -> Any:
    """Fill {names} from a family's row; a text that is one {name} alone becomes the row's value as it is."""
    if isinstance(value, dict):
        return {key: _fill(entry, row) for key, entry in value.items()}
    if isinstance(value, list):
        return [_fill(entry, row) for entry in value]
    if not isinstance(value, str) or not row:
        return value
    whole = value.removeprefix("{").removesuffix("}")
    return row[whole] if whole in row and value == f"{{{whole}}}" else value.format(**row)


def _select(
    table: pd.DataFrame, where: Mapping[str, Any], recipes: Recipes, assumed: Mapping[str, Any]
) -> pd.DataFrame:
    kept = pd.Series(True, index=table.index)
    for column, wanted in where.items():
        if column == "recipe":
            followed = [_follows(recipes.get(str(name)), wanted, assumed) for name in table["recipe"]]
            kept &= np.array(followed, dtype=bool)
        elif column in ("kappa", "lr", "wd"):
            distance = np.abs(table[column].to_numpy(float)[:, None] / np.atleast_1d(wanted) - 1)
            kept &= distance.min(axis=1) < 1e-9
        else:
            kept &= table[column].isin(wanted if isinstance(wanted, list) else [wanted])
    return table[kept]


def _follows(settings: Mapping[str, Any] | None, wanted: Mapping[str, Any], assumed: Mapping[str, Any]) -> bool:
    if settings is None:
        return all(assumed.get(key) == value for key, value in wanted.items())
    return all(_setting(settings, key) == value for key, value in wanted.items())


def _setting(settings: Mapping[str, Any], dotted: str) -> Any:
    value: Any = settings
    for key in dotted.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _varies(rows: pd.DataFrame, key: str, recipes: Recipes) -> bool:
    """Whether two recipes of one dataset × arch differ in a setting and in nothing else."""
    return any(families(recipes, part["recipe"].astype(str), key) for _, part in rows.groupby(["dataset", "arch"]))


def _pairs(table: pd.DataFrame, claim: Claim, recipes: Recipes) -> list[tuple[pd.Series, pd.Series]]:
    """Rows of one data set and architecture under `where` and `against`, whose recipes differ in `varies` alone.

    How DoG is estimated goes with the optimizer that uses it. Where nothing varies, they are of one recipe, or in the
    table `rules` of one pair of recipes.
    """
    better_ones = _select(table, claim.where, recipes, {})
    other = {"recipe": claim.against} if claim.against else {}
    worse_ones = _select(table, {**claim.where, **claim.against_rows, **other}, recipes, {})
    if claim.over == "largest":
        better_ones, worse_ones = (
            largest(with_seeds(rows, claim.spread[1]), claim.column) for rows in (better_ones, worse_ones)
        )
    alone = {claim.varies, "dog"} if claim.varies == "optimizer" else {claim.varies}

    def comparable(first: pd.Series, second: pd.Series) -> bool:
        if any(first.get(name) != second.get(name) for name in ("dataset", "arch")):
            return False
        if not claim.varies:
            return all(first.get(name) == second.get(name) for name in ("recipe", "recipe_large"))
        if not {first["recipe"], second["recipe"]} <= recipes.keys():
            return False
        found = set(differences(recipes[first["recipe"]], recipes[second["recipe"]]))
        return claim.varies in found and found <= alone

    return [
        (first, second)
        for _, first in better_ones.iterrows()
        for _, second in worse_ones.iterrows()
        if comparable(first, second)
    ]


def _describe(where: Mapping[str, Any]) -> str:
    wanted = where.get("recipe", {}).items()
    recipe = ", ".join(f"no {key}" if value is None else f"{key} {value}" for key, value in wanted)
    what = f"runs of {where['arch']}" if "arch" in where else "rows"
    axes = {key: value for key, value in where.items() if key not in ("recipe", "arch")}
    for key, value in axes.items():
        text = " or ".join(map(str, value)) if isinstance(value, list) else value
        what += f" on {text}" if key == "dataset" else f" of {key} {text}"
    return f"{what} under {recipe}" if recipe else what
