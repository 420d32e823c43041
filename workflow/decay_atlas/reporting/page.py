"""The report: one HTML file that needs nothing else, made from a study's table of runs, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml
from markupsafe import Markup

from decay_atlas.claims.claims import published as claims_of
from decay_atlas.reporting import published
from decay_atlas.reporting.advice import advice
from decay_atlas.reporting.explorer import as_json, explorer
from decay_atlas.reporting.fits import best_method
from decay_atlas.reporting.followed import followed
from decay_atlas.reporting.html import fill, scripts, views
from decay_atlas.reporting.limits import limits
from decay_atlas.reporting.verdict import pooled, verdict
from decay_atlas.reporting.wider_grid import missing_cells, wider_grid
from decay_atlas.reporting.words import LAW_WORDS, Metric, axis_value, counted, listed, number
from decay_atlas.simulation.truth import Truth
from decay_atlas.statistics.methods.device_time import device_seconds
from decay_atlas.statistics.methods.landscape import COMBINATION
from decay_atlas.tables.registry import titles

TITLES = {**titles(), "ratio_published": "Ratio beside the published one", "cost": "Cost"}
"""The tables that the page shows."""


def render(
    study: Mapping[str, Any],
    runs: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    figures: Mapping[str, str],
    provenance: Mapping[str, str] | None = None,
    curves: pd.DataFrame | None = None,
) -> str:
    """The page. `study` is the resolved configuration, `figures` SVG texts, `provenance` lines for its end.

    Tables, figures and learning `curves` that are not there are left out. Equal input gives equal bytes.
    """
    metric = Metric(study["metric"])
    reference = study.get("statistics", {}).get("rho_reference", published.RATIO)
    empty = pd.DataFrame()
    shown = {
        **tables,
        "cost": cost(runs),
        "ratio_published": beside_table_1(tables.get("ratio", empty), tables.get("laws", empty)),
        "deviation": beside_table_2(tables.get("deviation", empty)),
    }
    data = explorer(study, runs, tables, empty if curves is None else curves)
    return fill(
        "report.html",
        figures,
        study=study["study"],
        metric=metric,
        simulated=simulated(study),
        summary=summary(runs),
        reference=number(reference),
        verdict=verdict(tables.get("laws", empty), tables.get("optima", empty), tables.get("ratio", empty), reference),
        followed=followed(tables.get("law_costs", empty), metric, "tolerance" in study.get("statistics", {})),
        pooled=pooled(tables.get("laws", empty)),
        advice=advice(tables, metric),
        curves=data["curves"],
        lines=data["lines"],
        data=Markup(as_json(data)),
        scripts=scripts(),
        limits=limits(study, runs, tables),
        imported="imports" in study,
        widening=(missing_cells if "imports" in study else wider_grid)(
            runs, tables.get("optima", empty), metric.direction
        ),
        tables=views(TITLES, shown, metric),
        counts=claim_counts(tables.get("claims", empty)),
        assumed=assumed(study, runs),
        recipes=recipes(study, runs),
        provenance={**about(runs), **(provenance or {})},
    )


def simulated(study: Mapping[str, Any]) -> str:
    """What a reader must know first of a study that was simulated; empty for any other.

    Raises:
        ValueError: the truth in `study["simulate"]` makes no sense.
    """
    if "simulate" not in study:
        return ""
    truth = Truth.parse(study["simulate"])
    law = LAW_WORDS[truth.law] if isinstance(truth.law, str) else f"λ* ∝ η^{number(truth.slope)}"
    if truth.bend is not None:
        law += f", and λ* ∝ η^{number(truth.bend.slope)} above η = {axis_value(truth.bend.lr)}"
    if truth.cliff is not None:
        edge = f"{axis_value(truth.cliff.wd)}·(η/{axis_value(truth.lr_best)})^{number(truth.cliff.slope)}"
        law += f", up to a cliff at λ = {edge}"
    return f"Simulated landscape: nothing was trained; its law is {law}."


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
    columns = runs.reindex(columns=[*COMBINATION, "seconds", "n_devices", "status", "device"])
    rows = []
    for names, part in columns.groupby(COMBINATION, sort=False, observed=True):
        rows.append(
            {
                **dict(zip(COMBINATION, names, strict=True)),
                "runs": len(part),
                "diverged": int((part["status"] == "diverged").sum()),
                "minutes": part["seconds"].astype(float).mean() / 60,
                "device_hours": device_seconds(part).sum(min_count=1) / 3600,
                "devices": ", ".join(sorted(set(part["device"].dropna().astype(str)) - {"", "nan", "None"})),
            }
        )
    return pd.DataFrame(rows)


def beside_table_1(ratio: pd.DataFrame, laws: pd.DataFrame) -> pd.DataFrame:
    """This study's ρ and slope beside the published ones, for every data set and architecture that both have.

    ρ is the one that the calibrated interval belongs to.
    """
    if ratio.empty:
        return ratio
    slopes = best_method(laws).reindex(columns=[*COMBINATION, "slope"]).rename(columns={"slope": "slope_here"})
    theirs = published.table_1().rename(columns={name: f"{name}_published" for name in ("rho", "rho_lo", "rho_hi")})
    here = ratio[[*COMBINATION, "rho_smooth", "rho_lo_cal", "rho_hi_cal"]].merge(slopes, how="left", on=COMBINATION)
    return here.merge(theirs, on=["dataset", "arch"])


def beside_table_2(deviation: pd.DataFrame) -> pd.DataFrame:
    """The deviation table with the published drop about the ratio law, where any is of the same data set."""
    if deviation.empty:
        return deviation
    theirs = published.table_2()[["dataset", "kappa", "drop"]].rename(columns={"drop": "drop_published"})
    both = deviation.merge(theirs.assign(centre="ratio"), on=["dataset", "centre", "kappa"], how="left")
    return both.drop(columns="drop_published") if both["drop_published"].isna().all() else both


def claim_counts(claims: pd.DataFrame) -> list[tuple[str, int]]:
    """How many claims got each verdict, the telling ones first."""
    order = ["contradicted", "inconsistent", "supported", "inconclusive", "not-testable"]
    if claims.empty:
        return []
    found = claims["verdict"].value_counts()
    return [(name, int(found[name])) for name in order if name in found.index]


def assumed(study: Mapping[str, Any], runs: pd.DataFrame) -> list[str]:
    """A sentence for each source of claims by which recipes of unknown settings are taken for its own."""
    unknown = [str(name) for name in runs["recipe"].unique() if name not in study.get("recipes", {})]
    sentences = []
    for source in study.get("claims", []) if unknown else []:
        taken = claims_of(source)[1].get("assumed", {})
        if taken:
            protocol = listed(f"{key}: {value}" for key, value in taken.items())
            sentences.append(
                f"The study's file does not say how {listed(unknown)} trained, so the claims of {source} are judged as "
                f"if with {protocol}. If it was another, name it in the file and run again: "
                f"recipes: {{{unknown[0]}: {{optimizer: {{name: sgd}}}}}}"
            )
    return sentences


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
