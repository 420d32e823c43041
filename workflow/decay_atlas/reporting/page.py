"""The report: one HTML file that needs nothing else, made from a study's table of runs, tables and figures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from decay_atlas.reporting import published
from decay_atlas.reporting.columns import COLUMNS, Column
from decay_atlas.reporting.limits import limits, widening
from decay_atlas.reporting.svg import panels_of
from decay_atlas.reporting.verdict import pooled, verdict
from decay_atlas.reporting.words import Metric, counted, interval, number

COMBINATION = ["dataset", "recipe", "arch"]

SHOWN = {
    "recommendation": [*COMBINATION, "lr", "wd", "wd_lo", "wd_hi", "law", "loss", "note"],
    "optima": [*COMBINATION, "lr", "wd_opt", "wd_smooth", "value", "sd", "n_seeds", "edge", "distinguished"],
    "laws": [
        *COMBINATION,
        *["method", "slope", "slope_lo", "slope_hi", "p_ratio", "p_decoupled", "p_product", "product"],
        *["n_interior", "n_censored", "verdict"],
    ],
    "ratio": [
        *COMBINATION,
        *["rho", "rho_lo", "rho_hi", "rho_lo_cal", "rho_hi_cal", "published", "p_reference", "p_holm"],
        *["intercept_p", "r2_centred", "r2_uncentred", "leverage", "n_edge", "n_lr"],
    ],
    "deviation": [
        *["dataset", "recipe", "centre", "kappa", "drop", "lo", "hi", "published_drop", "p", "n", "reached"],
        *["noise_floor", "blank"],
    ],
    "deviation_fit": ["dataset", "recipe", "centre", "side", "delta", "gamma", "r2"],
    "universality": [
        *["recipe", "quantity", "test", "statistic", "df1", "df2", "p", "margin", "detectable", "conclusion"]
    ],
    "tuning": [
        *COMBINATION,
        *["strategy", "budget", "runs", "device_hours", "value", "gap", "gap_lo", "gap_hi", "points"],
        *["optimism", "blank"],
    ],
    "importance": [*COMBINATION, "region", "source", "share", "p"],
    "claims": ["statement", "reported", "measured", "verdict", "why"],
    "cost": [*COMBINATION, "runs", "diverged", "hours", "seconds", "device"],
}
"""The columns that the page shows of each table, where the table has them; the download holds all."""


def render(
    study: Mapping[str, Any],
    runs: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    figures: Mapping[str, str],
    provenance: Mapping[str, str] | None = None,
) -> str:
    """The page. `study` is the resolved configuration, `figures` SVG texts, `provenance` lines for its end.

    Tables and figures that are not there are left out. Equal input gives equal bytes.
    """
    metric = Metric(study["metric"])
    reference = study.get("statistics", {}).get("rho_reference", published.RATIO)
    shown = {
        **tables,
        "cost": cost(runs),
        "ratio": beside_table_1(tables.get("ratio", pd.DataFrame())),
        "deviation": beside_table_2(tables.get("deviation", pd.DataFrame())),
    }
    empty = pd.DataFrame()
    environment = Environment(
        loader=PackageLoader("decay_atlas.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        study=study["study"],
        metric=metric,
        style=Markup(environment.loader.get_source(environment, "style.css")[0]),  # type: ignore[union-attr]
        summary=summary(runs),
        reference=number(reference),
        verdict=verdict(tables.get("laws", empty), tables.get("optima", empty), tables.get("ratio", empty), reference),
        pooled=pooled(tables.get("laws", empty)),
        limits=limits(study, runs, tables),
        widening=widening(runs, tables.get("optima", empty)),
        tables={name: table(shown[name], name) for name in SHOWN if name in shown and len(shown[name])},
        figures={name: [Markup(panel) for panel in panels_of(svg)] for name, svg in figures.items()},
        counts=claim_counts(tables.get("claims", empty)),
        recipes=recipes(study, runs),
        provenance={**about(runs), **(provenance or {})},
    )


def summary(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """What was run, as pairs of a number and its noun."""
    columns = {"arch": "architecture", "dataset": "data set", "lr": "learning rate", "wd": "weight decay"}
    counts = [(f"{len(runs):,}", "run" if len(runs) == 1 else "runs")]
    for column, noun in columns.items():
        n, word = counted(runs[column].nunique(), noun).split(" ", 1)
        counts.append((n, word))
    seeds = runs.groupby([*COMBINATION, "lr", "wd"])["seed"].nunique()
    least, most = int(seeds.min()), int(seeds.max())
    counts.append((str(most) if least == most else f"{least} to {most}", "seeds a cell" if most > 1 else "seed"))
    return counts


def cost(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs, diverged runs and device time of every combination."""
    frame = pd.DataFrame(
        {
            **{name: runs[name] for name in COMBINATION},
            "seconds": runs["seconds"] if "seconds" in runs else np.nan,
            "diverged": runs["status"] == "diverged" if "status" in runs else False,
            "device": runs["device"].astype(str) if "device" in runs else "",
        }
    )
    return (
        frame.groupby(COMBINATION, sort=False, observed=True)
        .agg(
            runs=("diverged", "size"),
            diverged=("diverged", "sum"),
            hours=("seconds", lambda values: values.sum(min_count=1) / 3600),
            seconds=("seconds", "mean"),
            device=("device", lambda values: ", ".join(sorted(set(values) - {"", "nan", "None"}))),
        )
        .reset_index()
    )


def beside_table_1(ratio: pd.DataFrame) -> pd.DataFrame:
    """The ratio table with the published figure of the same data set and architecture, where there is one."""
    if ratio.empty:
        return ratio
    known = {
        (row["dataset"], row["arch"]): f"{row['rho']:.3f} {interval(row['rho_lo'], row['rho_hi'], 3)}"
        for row in published.table_1().to_dict("records")
    }
    places = zip(ratio["dataset"], ratio["arch"], strict=True)
    return _without_empty(ratio.assign(published=[known.get(place) for place in places]), "published")


def beside_table_2(deviation: pd.DataFrame) -> pd.DataFrame:
    """The deviation table with the published drop about the ratio law, where there is one."""
    if deviation.empty:
        return deviation
    known = {
        (row["dataset"], float(row["kappa"])): f"{row['drop']:.1f} {interval(row['lo'], row['hi'], 1)}"
        for row in published.table_2().to_dict("records")
    }
    cells = [
        known.get((row["dataset"], float(row["kappa"]))) if row["centre"] == "ratio" else None
        for row in deviation.to_dict("records")
    ]
    return _without_empty(deviation.assign(published_drop=cells), "published_drop")


def _without_empty(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.drop(columns=column) if frame[column].isna().all() else frame


def claim_counts(claims: pd.DataFrame) -> list[tuple[str, int]]:
    """How many claims got each verdict, the telling ones first."""
    order = ["contradicted", "inconsistent", "supported", "inconclusive", "not-testable"]
    found = claims["verdict"].value_counts() if len(claims) else {}
    return [(name, int(found[name])) for name in order if name in found]


def recipes(study: Mapping[str, Any], runs: pd.DataFrame) -> list[tuple[str, str]]:
    """The recipes that the runs name, spelled out as YAML; none for imported or simulated runs."""
    if "simulate" in study:
        return [("simulated landscape", _yaml(study["simulate"]))]
    if "imports" in study:
        return []
    known = study.get("recipes", {})
    return [(name, _yaml(known[name])) for name in dict.fromkeys(runs["recipe"]) if name in known]


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, default_flow_style=None, width=88).rstrip()


def about(runs: pd.DataFrame) -> dict[str, str]:
    """Where the runs come from: devices, nodes, versions and digests, as far as the table of runs says."""
    headings = {
        "device": "Devices",
        "node": "Nodes",
        "training_version": "Training version",
        "digest": "Digests of the settings",
    }
    lines = {}
    for column, heading in headings.items():
        if column in runs:
            values = sorted({str(value) for value in runs[column].dropna()} - {"", "nan"})
            if values:
                lines[heading] = ", ".join(values)
    return lines


def table(frame: pd.DataFrame, name: str) -> dict[str, Any]:
    """A table for the template: its columns, its rows of printed cells, and all of it as a CSV data address."""
    wanted = [column for column in SHOWN[name] if column in frame and not _idle(frame, column)]
    columns: list[Column] = [COLUMNS[column] for column in wanted]
    rows = [
        [column.print(value) for column, value in zip(columns, row, strict=True)]
        for row in frame[wanted].itertuples(index=False)
    ]
    return {
        "name": name,
        "columns": columns,
        "rows": rows,
        "badges": [column == "verdict" for column in wanted],
        "csv": base64.b64encode(frame.to_csv(index=False).encode()).decode(),
    }


def _idle(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column says nothing: the only data set or recipe of a long table, or notes that are all empty."""
    values = frame[column]
    if column in ("dataset", "recipe"):
        return values.nunique() == 1
    if column in ("note", "blank", "margin", "detectable"):
        return bool(values.isna().all() or values.astype(str).isin(["", "nan"]).all())
    return False
