"""How far the verdicts and intervals can be trusted, on simulated studies of known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import counted, listed
from decay_atlas.statistics.methods.rivals import LAWS

VERDICTS = [*LAWS, "other", "undetermined", "not-identifiable"]
RIGHT, WRONG, COVERED = 0.95, 0.02, (0.93, 0.97)
"""The targets: right verdicts at least, wrong laws at most, and the coverage of 95 % intervals."""


def confusion(matrix: pd.DataFrame) -> Panel:
    """The verdict against the truth, a row a law and number of seeds; `matrix` has label, verdict, share and n."""
    rows = list(dict.fromkeys(matrix["label"]))
    shares = matrix.pivot_table(index="label", columns="verdict", values="share", sort=False)
    shares = shares.reindex(index=rows, columns=VERDICTS).fillna(0.0)
    figure, axes = style.new("The verdict, by the truth: share of simulated studies (%)", height=1.3 + 0.27 * len(rows))
    for y, label in enumerate(rows):
        for x, verdict in enumerate(VERDICTS):
            share = float(shares.loc[label, verdict])
            if share > 0:
                cell = Rectangle((x - 0.5, y - 0.5), 1, 1, color=style.ACCENT, alpha=0.12 + 0.88 * share, lw=0)
                axes.add_patch(cell)
            axes.text(
                x, y, _percent(share), ha="center", va="center", color="#ffffff" if share > 0.5 else INK,
                fontsize=style.TYPE - 0.5, alpha=1.0 if share else 0.45,
            )  # fmt: skip
    axes.set_xlim(-0.5, len(VERDICTS) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), rows)
    names = [verdict.replace("undeter", "undeter-\n").replace("not-", "not-\n") for verdict in VERDICTS]
    axes.set_xticks(range(len(VERDICTS)), names)
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    n = int(matrix.drop_duplicates("label")["n"].sum())
    words = [f"{label}: {listed(_counts(row))}" for label, row in shares.iterrows()]
    return Panel(
        figure, f"Confusion matrix of {counted(n, 'simulated study', 'simulated studies')}. {'; '.join(words)}."
    )


def _percent(share: float) -> str:
    if share in (0.0, 1.0):
        return f"{100 * share:.0f}"
    return f"{100 * share:.1f}" if share < 0.995 else ">99.4"


def _counts(row: pd.Series) -> list[str]:
    return [f"{verdict} {_percent(share)} %" for verdict, share in row.items() if share > 0]


def forest(table: pd.DataFrame, title: str, axis: str, targets: tuple[float, ...], floor: float | None = None) -> Panel:
    """Shares with their 95 % intervals, a row each; `table` has label, share, lo, hi and strong (drawn filled).

    One target is a line, two are a band. `floor` is the least share that is drawn; what is less stands there.
    """
    figure, axes = style.new(title, height=1.25 + 0.21 * len(table))
    if len(targets) == 2:
        axes.axvspan(100 * targets[0], 100 * targets[1], color=style.ACCENT, alpha=0.2, lw=0)
        axes.axvline(95, color=style.ACCENT, lw=1.0)
    else:
        axes.axvline(100 * targets[0], color=style.ACCENT, lw=1.4, dashes=(4, 2))
    least = 100 * floor if floor is not None else -np.inf
    for y, row in enumerate(table.to_dict("records")):
        low, share, high = (max(least, 100 * row[name]) for name in ("lo", "share", "hi"))
        axes.plot([low, high], [y, y], color=INK, lw=1.6 if row["strong"] else 1.0, solid_capstyle="butt")
        clipped = 100 * row["share"] < least
        marker = "<" if clipped else "o"
        axes.plot(share, y, marker, color=INK, ms=5, mfc=INK if row["strong"] else "none", clip_on=False, zorder=4)
        if clipped:
            _aside(axes, high, y, f"{100 * row['share']:.0f} %")
    axes.set_yticks(range(len(table)), table["label"])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="x")
    axes.set_xlabel(axis)
    words = [f"{row['label']} {100 * row['share']:.1f} %" for row in table.to_dict("records")]
    return Panel(figure, f"{title}. {listed(words, 40)}.")


def _aside(axes: Axes, x: float, y: float, text: str) -> None:
    axes.annotate(
        text, (x, y), (7, 0), textcoords="offset points", va="center", color=INK, fontsize=style.TYPE - 1
    )  # fmt: skip


def hardship(table: pd.DataFrame, seeds: int) -> Panel:
    """Right verdicts against seed noise, a line a curvature; `table` has seed_sd, curvature, share, lo and hi."""
    worst = table.loc[table["share"].idxmin()]
    title = (
        f"{counted(seeds, 'seed')}: at worst {100 * worst['share']:.0f} % right, with {worst['seed_sd']:g} pp noise "
        f"and {worst['curvature']:g} pp per decade²"
    )
    figure, axes = style.new(title)
    axes.axhline(100 * RIGHT, color=style.ACCENT, lw=1.4, dashes=(4, 2))
    for number, (curvature, part) in enumerate(table.groupby("curvature")):
        x = part["seed_sd"] * (1 + 0.015 * (number - 1))
        errors = 100 * np.clip([part["share"] - part["lo"], part["hi"] - part["share"]], 0, None)
        colour, marker = style.SERIES[number], style.MARKERS[number]
        axes.errorbar(
            x, 100 * part["share"], errors, fmt=f"{marker}-", ms=5, lw=1.2, color=colour,
            label=f"curvature {curvature:g} pp/decade²",
        )  # fmt: skip
    axes.set_ylim(min(88.0, 100 * table["lo"].min() - 2), 100.6)
    axes.set_xticks(sorted(table["seed_sd"].unique()))
    axes.set_xlabel("noise between seeds (pp)")
    axes.set_ylabel("right verdicts (%)")
    axes.grid(True)
    axes.legend(loc="lower left")
    words = [
        f"noise {row['seed_sd']:g}, curvature {row['curvature']:g}: {100 * row['share']:.1f} %"
        for row in table.to_dict("records")
    ]
    return Panel(figure, f"Right verdicts by noise and curvature. {title}. {listed(words, 12)}.")
