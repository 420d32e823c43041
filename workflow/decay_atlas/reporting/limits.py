"""What a study could not show: optima at edges, undecided laws, seeds, diverged and missing runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from decay_atlas.reporting.fits import best_method, is_told
from decay_atlas.reporting.mixtures import mixtures
from decay_atlas.reporting.words import Labels, Metric, axis_value, counted, listed
from decay_atlas.statistics.methods.landscape import COMBINATION


@dataclass(frozen=True)
class Limit:
    """One thing the study cannot show: a short heading and a sentence."""

    heading: str
    text: str


def limits(study: Mapping[str, Any], runs: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> list[Limit]:
    """Everything that keeps this study from saying more, the most important first; empty tables are allowed."""
    optima, laws = tables.get("optima", pd.DataFrame()), tables.get("laws", pd.DataFrame())
    found = [
        *_edges(optima),
        *_laws(laws),
        *_flat(optima),
        *_seeds(runs),
        *_numbered(runs),
        *_axes(runs),
        *_diverged(runs),
        *_missing(runs),
        *_selection(study, runs),
        *(Limit(heading, text) for heading, text in mixtures(runs)),
        *_scope(study, runs),
    ]
    return [limit for limit in found if limit is not None]


def _edges(optima: pd.DataFrame) -> Iterable[Limit]:
    found = optima[optima["wd_opt"].notna()] if len(optima) else optima
    if len(found) == 0:
        return
    name = Labels(found)
    for edge, side in (("lower", "at or below the smallest"), ("upper", "at or above the largest")):
        rows = found[found["edge"] == edge]
        if len(rows):
            counts = rows.groupby(COMBINATION, sort=False).size().reset_index(name="n")
            who = listed(f"{name(row)} {row['n']}" for row in counts.to_dict("records"))
            yield Limit(
                f"Optima at the {edge} edge",
                f"{len(rows)} of {counted(len(found), 'optimum', 'optima')} lie {side} weight decay of their learning "
                f"rate ({who}). Where they really lie this grid cannot say, and the slope goes without them.",
            )


def _laws(laws: pd.DataFrame) -> Iterable[Limit]:
    chosen = best_method(laws)
    if chosen.empty:
        return
    name = Labels(chosen)
    for kind, text in (
        (
            "not-identifiable",
            "have fewer than three optima that can be located between grid points, so no law can be told from another",
        ),
        (
            "undetermined",
            "have a slope whose interval reaches beyond halfway to another law, or that has none",
        ),
    ):
        rows = chosen[chosen["verdict"] == kind]
        if len(rows):
            who = listed(name(row) for row in rows.to_dict("records"))
            yield Limit(
                kind.replace("-", " ").capitalize(),
                f"{len(rows)} of {len(chosen)} combinations {text}: {who}.",
            )


def _flat(optima: pd.DataFrame) -> Iterable[Limit]:
    found = optima[optima["wd_opt"].notna()] if len(optima) else optima
    if len(found) == 0:
        return
    # What one seed cannot tell is said elsewhere.
    flat = found[~is_told(found) & (found["n_seeds"] > 1 if "n_seeds" in found else True)]
    if len(flat):
        yield Limit(
            "Flat or unknown",
            f"{len(flat)} of {counted(len(found), 'optimum', 'optima')} cannot be told from any other weight decay of "
            "their learning rate within seed noise; each is one of many.",
        )
    tied = int(found["tied"].astype(bool).sum())
    if tied:
        yield Limit(
            "Ties",
            f"{counted(tied, 'optimum is', 'optima are')} tied with another λ; the smaller one is given.",
        )


def _seeds(runs: pd.DataFrame) -> Iterable[Limit]:
    if runs.empty:
        return
    counts = runs.groupby([*COMBINATION, "lr", "wd"])["seed"].nunique()
    if counts.max() == 1:
        yield Limit(
            "One seed",
            "Every cell has a single run, so nothing here says how much of a difference is chance: no interval, "
            "no p-value, no law by name.",
        )
    elif counts.max() < 5:
        yield Limit(
            "Few seeds",
            f"{counts.max()} seeds a cell. The published percentile intervals are too narrow with so few (at 95 % they "
            "cover about 75 % with three seeds); the calibrated ones are made for it and carry the verdicts.",
        )
    if 1 < counts.max() != counts.min():
        short = int((counts < counts.max()).sum())
        yield Limit("Uneven seeds", f"{counted(short, 'cell has', 'cells have')} fewer than {counts.max()} seeds.")


def _numbered(runs: pd.DataFrame) -> Iterable[Limit]:
    """Seeds that the import replaced (see `statistics.import_axes`)."""
    numbered = runs[runs["seed_given"].notna()] if "seed_given" in runs else runs.iloc[:0]
    if len(numbered):
        name = Labels(runs)
        who = listed(name(row) for row in numbered[COMBINATION].drop_duplicates().to_dict("records"))
        yield Limit(
            "Seeds numbered on import",
            f"Hardly any seed of {who} occurs at more than one learning rate or weight decay, so the seeds of "
            f"{counted(len(numbered), 'run')} were replaced by 0, 1, … within each cell, in their order. Cells that "
            "have no seed in common can be compared, but not seed by seed, which would be more precise.",
        )


def _axes(runs: pd.DataFrame) -> Iterable[Limit]:
    if runs.empty:
        return
    rates = runs.groupby(COMBINATION, sort=False)["lr"].nunique()
    if rates.min() == 1:
        yield Limit("One learning rate", "With a single η no law of λ*(η) can be seen, only the best λ at that η.")
    decays = runs.groupby([*COMBINATION, "lr"])["wd"].nunique()
    few = int((decays < 3).sum())
    if few:
        yield Limit(
            "Too few weight decays",
            f"{counted(few, 'learning rate has', 'learning rates have')} fewer than three weight decays, so no "
            "optimum there.",
        )


def _diverged(runs: pd.DataFrame) -> Iterable[Limit]:
    diverged = runs["status"] == "diverged" if "status" in runs else pd.Series(False, index=runs.index)
    if not diverged.any():
        return
    rates = listed(map(axis_value, sorted(runs.loc[diverged, "lr"].unique())))
    yield Limit(
        "Diverged runs",
        f"{int(diverged.sum()):,} of {counted(len(runs), 'run')} diverged, at η = {rates}. They stay in the landscape "
        "as the bad results they are.",
    )
    whole = diverged.groupby([runs[name] for name in [*COMBINATION, "lr"]]).all()
    networks = whole[whole].groupby("lr").size()
    if len(networks):
        where = listed(
            f"at η = {axis_value(lr)} every run diverged ({counted(n, 'network')})" for lr, n in networks.items()
        )
        yield Limit("Diverged learning rates", f"{where[0].upper()}{where[1:]}: there is no optimum.")


def _missing(runs: pd.DataFrame) -> Iterable[Limit]:
    """Cells that the other learning rates of a combination have (see the hatching in the landscapes)."""
    absent = 0
    for _, part in runs.groupby(COMBINATION, sort=False):
        cells = part.drop_duplicates(["lr", "wd"])
        share = cells["wd"].value_counts() / cells["lr"].nunique()
        absent += round(float((1 - share[share >= 0.5]).sum()) * cells["lr"].nunique())
    if absent:
        yield Limit(
            "Missing cells",
            f"{counted(absent, 'cell')} of the grid {'has' if absent == 1 else 'have'} no run.",
        )


def _selection(study: Mapping[str, Any], runs: pd.DataFrame) -> Iterable[Limit]:
    metric = Metric(study["metric"])
    if not metric.score.startswith("test") or study.keys() & {"imports", "simulate"}:
        return
    has_validation = "val_best" in runs and runs["val_best"].notna().any()
    also = (
        " The tuning table selects on validation scores instead and gives the optimism."
        if has_validation
        else " No validation part was held out, so the optimism of that cannot be measured here."
    )
    yield Limit("Selected on test data", f"λ* is chosen by {metric.score}, the score it is also reported by.{also}")


def _scope(study: Mapping[str, Any], runs: pd.DataFrame) -> Iterable[Limit]:
    if runs.empty or "simulate" in study:
        return
    if runs["recipe"].nunique() == 1:
        yield Limit(
            "One recipe",
            f"Everything was trained as {runs['recipe'].iloc[0]!r}: other batch sizes, schedules, lengths and "
            "optimizers may behave otherwise.",
        )
    if runs["dataset"].nunique() == 1:
        yield Limit("One data set", f"All runs are on {runs['dataset'].iloc[0]!r}.")
