"""The published study's figures, judged one by one by a study's own tables.

`published_claims.yaml` holds the claims and names for each the rule that judges it. A claim that the
source's own figures or grid contradict is inconsistent before any data. Source: C, Reported figures and What
is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from importlib.resources import files
from math import prod
from typing import Any

import numpy as np
import pandas as pd
import yaml

from decay_atlas.statistics.claim_rules import RULES, Claim, Judgement, span
from decay_atlas.statistics.landscape import tabulate

COLUMNS = ["id", "statement", "reported", "measured", "verdict", "why"]
Recipes = Mapping[str, Mapping[str, Any]]


@cache
def published() -> tuple[list[Claim], dict[str, Any]]:
    """The claims, one a row of every family, and what is known of the source (its grid and protocol).

    Raises:
        ValueError: an entry has an unknown field or rule, or two have one id.
    """
    text = files("decay_atlas.statistics").joinpath("published_claims.yaml").read_text(encoding="utf-8")
    return parse(yaml.safe_load(text))


def parse(document: Mapping[str, Any]) -> tuple[list[Claim], dict[str, Any]]:
    """Expand the families of a claims file; see `published`."""
    known = {f.name for f in fields(Claim)} | {"each"}
    found = []
    for entry in document["claims"]:
        unknown = sorted(set(entry) - known)
        if unknown or entry.get("rule") not in {*RULES, "untestable"}:
            raise ValueError(f"claim {entry.get('id')!r}: unknown field(s) {unknown} or rule {entry.get('rule')!r}")
        body = {key: value for key, value in entry.items() if key != "each"}
        found += [Claim(**_fill(body, row)) for row in entry.get("each", [{}])]
    twice = pd.Series([claim.id for claim in found]).loc[lambda ids: ids.duplicated()].tolist()
    if twice:
        raise ValueError(f"claims share the id(s) {', '.join(twice)}")
    return found, dict(document["source"])


def claims(tables: Mapping[str, pd.DataFrame], recipes: Recipes | None = None, unit: str = "%") -> pd.DataFrame:
    """Judge every published claim by a study's tables.

    `tables` maps names (optima, ratio, laws, universality, deviation, tuning) to what those stages return;
    one that is missing makes its claims not testable. `recipes` maps the study's recipes to their resolved
    settings, so that claims about an optimizer or a batch size find their runs; recipes that are not in it
    (imported runs) are taken to follow the published protocol. `unit` is the metric's: claims in percentage
    points need "%".

    A claim is supported when the study's 95 % interval lies inside what it allows, contradicted when it lies
    outside, else inconclusive. Of several rows, every one must be inside, or any one outside after its
    interval is widened for their number (Bonferroni).

    Returns id, statement, reported, measured, verdict (supported | contradicted | inconclusive |
    not-testable | inconsistent), why.

    Raises:
        ValueError: a table lacks a column that a claim needs.
    """
    everything, source = published()
    rows = []
    for claim in everything:
        measured, verdict, why = _judge(claim, tables, recipes or {}, unit, source)
        conflict = _conflict(claim, everything, source["grid"])
        if conflict:
            verdict, why = "inconsistent", conflict
        cells = (claim.id, claim.statement, claim.reported, measured, verdict, why)
        rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return tabulate(rows, COLUMNS)


def _judge(
    claim: Claim, tables: Mapping[str, pd.DataFrame], recipes: Recipes, unit: str, source: Mapping[str, Any]
) -> Judgement:
    if claim.rule == "untestable":
        return "", "not-testable", claim.why
    if claim.percent and unit != "%":
        return "", "not-testable", f"It is in percentage points and this study's metric is in {unit!r}."
    table = tables.get(claim.table)
    if table is None or table.empty:
        return "", "not-testable", f"This study has no table {claim.table}."
    needed = [claim.column, *claim.interval, claim.partial, *claim.where]
    lacking = [name for name in needed if name and name not in table]
    if lacking:
        raise ValueError(f"the table {claim.table} lacks the column(s) {', '.join(lacking)}")
    rows = _select(table, claim.where, recipes, source["assumed"])
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
        elif column == "kappa":
            distance = np.abs(np.log(table[column].to_numpy(float)[:, None] / np.atleast_1d(wanted)))
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

    def rest(name: str) -> str:
        return repr(sorted((k, v) for k, v in recipes[name].items() if k != key))

    for _, part in rows.groupby(["dataset", "arch"]):
        names = [name for name in part["recipe"].astype(str).unique() if name in recipes]
        if len(names) > len({rest(name) for name in names}):
            return True
    return False


def _describe(where: Mapping[str, Any]) -> str:
    recipe = ", ".join(f"{key} {value}" for key, value in where.get("recipe", {}).items())
    what = f"runs of {where['arch']}" if "arch" in where else "rows"
    axes = {key: value for key, value in where.items() if key not in ("recipe", "arch")}
    for key, value in axes.items():
        text = " or ".join(map(str, value)) if isinstance(value, list) else value
        what += f" on {text}" if key == "dataset" else f" of {key} {text}"
    return f"{what} under {recipe}" if recipe else what
