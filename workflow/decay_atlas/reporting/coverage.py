"""How far the workflow's own verdicts and intervals can be trusted: one page for all studies.

The simulations say something of the method, not of any study, so the page lies at `results/coverage/` and is made
once, whatever the configuration.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.coverage import COVERED, RIGHT, WRONG, confusion, forest, hardship
from decay_atlas.reporting.html import fill, views
from decay_atlas.reporting.svg import Panel, plate
from decay_atlas.reporting.words import Metric, counted, listed
from decay_atlas.simulation import references
from decay_atlas.simulation.coverage import interval_coverage, regrets, verdict_matrix
from decay_atlas.simulation.designs import LIKE, PUBLISHED, STANDARD
from decay_atlas.simulation.judging import RECOMMENDED

CARRIES = {"slope": "censored", "product": "censored", "rho": "calibrated", "wd": RECOMMENDED}
"""The method whose intervals carry conclusions, by quantity."""

METHOD_WORDS = {"published": "as published", "ols": "least squares", "theil-sen": "Theil–Sen"}
QUANTITY_WORDS = {"slope": "slope b", "product": "ηλ*", "rho": "ρ", "wd": "λ*(η)"}

LEVEL = 0.95
"""Share of bands that are to hold a λ within the tolerance of the best."""

SOME_WRONG = 0.05
"""Share of studies of any one landscape and number of seeds that may name a law which the truth excludes."""

DECIDED = 0.80
"""Share of the densest studies that are to name a law, or say that it is none."""

REGRET = 0.02
"""What the recommended λ may lose on average more than the best cell of the same runs, in pp."""


def render(outcomes: pd.DataFrame, studies: pd.DataFrame) -> str:
    """The page, from simulated studies (`statistics.coverage.coverage`) and drawn ones (`references.judge`)."""
    standard = outcomes[outcomes["group"] == STANDARD]
    stress = outcomes[~outcomes["group"].isin([STANDARD, PUBLISHED])]
    like = stress["group"].str.startswith(LIKE)
    verdicts = rights(standard, ["law", "seeds"])
    intervals = interval_coverage(standard, ["seeds"])
    with style.styled():
        figures = {
            "confusion": plate([confusion(matrix(outcomes)), *_right_and_wrong(verdicts)], "confusion"),
            "hardship": plate(
                [hardship(rights(part, ["seed_sd", "curvature"]), int(n)) for n, part in standard.groupby("seeds")],
                "hardship",
            ),
            "intervals": plate(_interval_panels(intervals), "intervals"),
        }
        if len(stress):
            figures["stress"] = plate(_stress_panels(stress), "stress")
    return fill(
        "coverage.html",
        figures,
        study="coverage",
        summary=summary(outcomes),
        findings=[*verdict_findings(standard), *interval_findings(intervals)],
        published=published_finding(outcomes),
        stress=stress_findings(stress[~like], ["group"]),
        networks=stress_findings(stress[like], ["group", "seeds"]),
        regrets=regret_findings(outcomes),
        drawn=len(studies),
        measured=reference_findings(studies),
        tables=views(
            {
                "coverage_references": "Studies drawn from measured landscapes",
                "coverage_verdicts": "Verdicts",
                "coverage_intervals": "Intervals",
                "coverage_regrets": "Regret",
            },
            {
                "coverage_references": references.summary(studies),
                "coverage_verdicts": verdict_table(outcomes),
                "coverage_intervals": interval_table(outcomes),
                "coverage_regrets": regret_table(outcomes),
            },
            Metric({"unit": "%"}),
        ),
    )


def verdict_table(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Every verdict of every design: group, design, law, seeds, verdict, share and its interval, n."""
    return verdict_matrix(outcomes, ["group", "design", "law", "seeds"])


def interval_table(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The coverage of every interval by group and seeds, and its own interval."""
    return interval_coverage(outcomes, ["group", "seeds"])


def regret_table(outcomes: pd.DataFrame) -> pd.DataFrame:
    """What the recommended λ and the best cell truly lose, by group and seeds; see `coverage.regrets`."""
    return regrets(outcomes, ["group", "seeds"])


def matrix(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The confusion matrix of the standard designs and of the published grid, with a label a row."""
    shown = outcomes[outcomes["group"].isin([STANDARD, PUBLISHED])]
    table = verdict_matrix(shown, ["group", "law", "seeds"])
    labels = [
        f"{row['law']}, {row['seeds']} seeds" if row["group"] == STANDARD else "published grid, ρ = 0.1"
        for row in table.to_dict("records")
    ]
    return table.assign(label=labels)


def rights(outcomes: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Shares of right and of wrong laws among the verdicts, with 95 % Wilson intervals, by columns.

    Returns the `by` columns, share, lo, hi, wrong, wrong_lo, wrong_hi and n.
    """
    slopes = outcomes[(outcomes["quantity"] == "slope") & (outcomes["method"] == CARRIES["slope"])]
    right, wrong = slopes["judged"] == "right", slopes["judged"] == "wrong"
    rows = []
    for names, part in slopes.groupby(list(by), sort=False):
        n, k, k_wrong = len(part), int(right[part.index].sum()), int(wrong[part.index].sum())
        lo, hi = proportion_confint(k, n, method="wilson")
        wrong_lo, wrong_hi = proportion_confint(k_wrong, n, method="wilson")
        row = {"share": k / n, "lo": lo, "hi": hi, "wrong": k_wrong / n, "wrong_lo": wrong_lo, "wrong_hi": wrong_hi}
        rows.append(dict(zip(by, names, strict=True)) | row | {"n": n})
    return pd.DataFrame(rows)


def summary(outcomes: pd.DataFrame) -> list[tuple[str, str]]:
    """How much was simulated, as pairs of a number and its noun."""
    n = len(outcomes.drop_duplicates(["design", "repeat"]))
    return [
        (f"{n:,}", "simulated studies"),
        (f"{outcomes['design'].nunique()}", "designs"),
        (f"{outcomes['repeat'].nunique()}", "studies a design"),
    ]


def _share(share: float, lo: float, hi: float) -> str:
    return f"{100 * share:.1f} % ({100 * lo:.1f} to {100 * hi:.1f})"


def verdict_findings(standard: pd.DataFrame) -> list[tuple[bool, str]]:
    """The verdicts against their targets, by seeds: whether each is met, and the sentence."""
    lines = []
    for row in rights(standard, ["seeds"]).to_dict("records"):
        met = row["share"] >= RIGHT and row["wrong"] <= WRONG
        lines.append(
            (
                met,
                f"Verdicts with {counted(row['seeds'], 'seed')}: {_share(row['share'], row['lo'], row['hi'])} right "
                f"(at least {100 * RIGHT:.0f}), {_share(row['wrong'], row['wrong_lo'], row['wrong_hi'])} the wrong law "
                f"(at most {100 * WRONG:.0f}), in {row['n']:,} studies.",
            )
        )
    return lines


def interval_findings(intervals: pd.DataFrame) -> list[tuple[bool, str]]:
    """The intervals that carry conclusions against their target, by quantity and seeds."""
    lines = []
    for quantity in CARRIES:
        for row in _carrying(intervals[intervals["quantity"] == quantity]).to_dict("records"):
            met = COVERED[0] <= row["covered"] <= COVERED[1]
            lines.append(
                (
                    met,
                    f"95 % intervals of {QUANTITY_WORDS[quantity]} with {counted(row['seeds'], 'seed')}: "
                    f"{_share(row['covered'], row['covered_lo'], row['covered_hi'])} hold the truth "
                    f"({100 * COVERED[0]:.0f} to {100 * COVERED[1]:.0f}).",
                )
            )
    return lines


def published_finding(outcomes: pd.DataFrame) -> str:
    """What becomes of the published law on the published grid."""
    rows = verdict_matrix(outcomes[outcomes["group"] == PUBLISHED], ["group"])
    if rows.empty:
        return ""
    found = listed(
        f"{row['verdict']} in {round(row['share'] * row['n'])} of {row['n']}" for row in rows.to_dict("records")
    )
    return (
        "On the published grid (6 learning rates, 8 weight decays from 0 to 0.3, 5 seeds) with λ* = 0.1·η true: "
        f"{found} simulated studies. All six optima lie at or below the smallest positive weight decay."
    )


def stress_findings(stress: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Shares of verdicts and of intervals that hold the truth on landscapes like real ones, a sentence a group."""
    lines = []
    for _, part in stress.groupby(list(by), sort=False):
        verdict = rights(part, by).iloc[0]
        covered = [
            (QUANTITY_WORDS[row["quantity"]], _share(row["covered"], row["covered_lo"], row["covered_hi"]), row)
            for row in _carrying(interval_coverage(part, by)).dropna(subset="covered").to_dict("records")
        ]
        narrow = [quantity for quantity, _, row in covered if row["covered_hi"] < COVERED[0]]
        seeds = f", {counted(int(verdict['seeds']), 'seed')}" if "seeds" in by else ""
        lines.append(
            f"{_capital(str(verdict['group']))}{seeds}: {100 * verdict['share']:.1f} % right, "
            f"{100 * verdict['wrong']:.1f} % a law that the truth excludes; "
            + (
                f"intervals cover {listed(f'{quantity} {share}' for quantity, share, _ in covered)}."
                if covered
                else "no intervals."
            )
            + (f" Too narrow for {listed(narrow)}." if narrow else "")
        )
    return lines


def reference_findings(studies: pd.DataFrame) -> list[tuple[bool, str]]:
    """Studies drawn from measured landscapes against the targets: whether each is met, and the sentence."""
    row = references.summary(studies.assign(all=""), ["all"]).iloc[0]
    each = references.summary(studies)
    low, high = (f"{100 * end:.0f}" for end in COVERED)
    losing = each[each["regret"] > each["regret_naive"] + REGRET]["landscape"].unique()
    worst = each.loc[each["wrong"].idxmax()]
    least = each.loc[each["optima_held"].idxmin()]
    return [
        (
            COVERED[0] <= row["slope_held"] <= COVERED[1],
            f"95 % intervals of slope b hold that of the whole landscape in {_percent(row['slope_held'])} of "
            f"{row['slopes']:,} studies ({low} to {high}).",
        ),
        (
            COVERED[0] <= row["optima_held"] <= COVERED[1],
            f"95 % intervals of λ*(η) hold that of the whole landscape in {_percent(row['optima_held'])} "
            f"({low} to {high}); least {_percent(least['optima_held'])} ({_where(least)}).",
        ),
        (
            row["wrong"] <= WRONG and worst["wrong"] <= SOME_WRONG,
            f"A law that the whole landscape excludes is named in {_percent(row['wrong'])} of {row['n']:,} studies "
            f"(at most {100 * WRONG:.0f}), most often in {_percent(worst['wrong'])} ({_where(worst)}; at most "
            f"{100 * SOME_WRONG:.0f}). {_percent(row['decided'])} name a law or say that it is none; of the pairs of "
            f"studies of one landscape {_percent(each['contradictory'].mean())} name different ones.",
        ),
        *_decisions(studies),
        (
            row["bands_held"] >= LEVEL,
            f"The band about the recommended λ holds one within the tolerance of the best in "
            f"{_percent(row['bands_held'])} (at least {100 * LEVEL:.0f}).",
        ),
        (
            len(losing) == 0,
            "On the seeds that a study has not, the recommended λ loses more than its best cell, by more than "
            f"{REGRET:g} of the metric's unit, on {counted(len(losing), 'landscape')} of {each['landscape'].nunique()}"
            + (f": {'; '.join(losing)}." if len(losing) else "."),
        ),
    ]


def _decisions(studies: pd.DataFrame) -> list[tuple[bool, str]]:
    """How often the densest studies of most seeds decide, where the landscape has every optimum inside its grid."""
    dense = studies[(studies["every"] == 1) & (studies["rates"] == "all") & (studies["missing"] == 0)]
    dense = dense[dense["seeds"] == dense["seeds"].max()]
    rows = {
        inside: references.summary(part.assign(all=""), ["all"]).iloc[0] for inside, part in dense.groupby("inside")
    }
    if True not in rows:
        return []
    elsewhere = f"; {_percent(rows[False]['decided'])} where one lies at its edge" if False in rows else ""
    return [
        (
            rows[True]["decided"] >= DECIDED,
            f"Where all optima of a landscape lie inside its grid, {_percent(rows[True]['decided'])} of the studies "
            f"with every λ, every η and {counted(int(dense['seeds'].max()), 'seed')} name a law or say that it is none "
            f"(at least {100 * DECIDED:.0f}){elsewhere}.",
        )
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _where(row: pd.Series) -> str:
    return f"{row['landscape']}, {counted(int(row['seeds']), 'seed')}"


def regret_findings(outcomes: pd.DataFrame) -> list[tuple[bool, str]]:
    """The recommended λ against the best cell of the same runs, by group and seeds: whether it loses no more."""
    return [
        (
            row["recommended"] <= row["best_cell"] + REGRET,
            f"{_capital(str(row['group']))}, {counted(row['seeds'], 'seed')}: the recommended λ truly loses "
            f"{row['recommended']:.2f} pp, the best cell of the same runs {row['best_cell']:.2f}; one study in twenty "
            f"more than {row['recommended_p95']:.2f} and {row['best_cell_p95']:.2f}.",
        )
        for row in regret_table(outcomes).to_dict("records")
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _carrying(intervals: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of intervals that carry conclusions."""
    return intervals[intervals["method"] == intervals["quantity"].map(CARRIES)]


def _right_and_wrong(verdicts: pd.DataFrame) -> list[Panel]:
    labels = [f"{row['law']}, {row['seeds']} seeds" for row in verdicts.to_dict("records")]
    table = verdicts.assign(label=labels, strong=True)
    wrong = table.assign(share=table["wrong"], lo=table["wrong_lo"], hi=table["wrong_hi"])
    least, most = table["share"].min(), wrong["share"].max()
    return [
        forest(table, f"Right verdicts: {100 * least:.1f} % or more", "right (%), target: at least 95", (RIGHT,)),
        forest(wrong, f"The wrong law: {100 * most:.1f} % or less", "wrong law (%), target: at most 2", (WRONG,)),
    ]


def _interval_panels(intervals: pd.DataFrame) -> list[Panel]:
    carries = [CARRIES[row["quantity"]] == row["method"] for row in intervals.to_dict("records")]
    labels = [
        f"{QUANTITY_WORDS[row['quantity']]}, {METHOD_WORDS.get(row['method'], row['method'])}, {row['seeds']}"
        for row in intervals.to_dict("records")
    ]
    table = intervals.assign(
        label=labels,
        strong=carries,
        share=intervals["covered"],
        lo=intervals["covered_lo"],
        hi=intervals["covered_hi"],
    ).dropna(subset=["share"])
    axis = "intervals that hold the truth (%)"
    strong, weak = table[table["strong"]], table[~table["strong"]]
    span = f"{100 * strong['share'].min():.1f} to {100 * strong['share'].max():.1f} %"
    panels = [forest(strong, f"Intervals that carry conclusions cover {span}", axis, COVERED)]
    if len(weak):
        span = f"{100 * weak['share'].min():.0f} to {100 * weak['share'].max():.0f} %"
        panels.append(forest(weak, f"Those shown beside them cover {span}", axis, COVERED, 0.5))
    return panels


def _stress_panels(stress: pd.DataFrame) -> list[Panel]:
    stress = stress.assign(group=stress["group"].where(~stress["group"].str.startswith(LIKE), _with_seeds(stress)))
    verdicts = rights(stress, ["group"])
    right = verdicts.assign(label=verdicts["group"], strong=True)
    low = right.loc[right["share"].idxmin()]
    title = f"Right verdicts, least: {100 * low['share']:.0f} % ({low['label']})"
    panels = [forest(right, title, "right (%), target: at least 95", (RIGHT,))]
    covered = _carrying(interval_coverage(stress, ["group"])).dropna(subset="covered")
    for quantity, part in covered.groupby("quantity", sort=False):
        table = part.rename(columns={"group": "label", "covered": "share", "covered_lo": "lo", "covered_hi": "hi"})
        worst = table.loc[table["share"].idxmin()]
        title = f"Intervals of {QUANTITY_WORDS[quantity]}, least: {100 * worst['share']:.0f} % ({worst['label']})"
        panels.append(forest(table.assign(strong=True), title, "intervals that hold the truth (%)", COVERED, 0.5))
    return panels


def _with_seeds(outcomes: pd.DataFrame) -> pd.Series:
    """Labels of groups with their numbers of seeds."""
    return outcomes["group"] + ", " + outcomes["seeds"].astype(str)
