"""What following each law from the best setting loses, by learning rate."""

from __future__ import annotations

import numpy as np
import pandas as pd

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import Labels, Metric, axis_value, number
from decay_atlas.statistics.methods.landscape import COMBINATION
from decay_atlas.statistics.methods.rivals import LAWS

APART = 1.05
"""Factor of η between the marks of two laws, so that none hides another."""


def law_costs(table: pd.DataFrame, metric: Metric) -> list[Panel]:
    """Loss of each law against η with its interval and the tolerance, a panel a combination."""
    known = table[table["loss"].notna()] if len(table) else table
    if known.empty:
        reasons = sorted(set(table["blank"].dropna().astype(str))) if len(table) else []
        why = f": {'; '.join(reasons)}" if reasons else ", for want of a second learning rate"
        return [style.message(f"What each law costs is not known{why}.")]
    name = Labels(table)
    return [
        _panel(part, name(part.iloc[0]), metric) for _, part in known.groupby(COMBINATION, sort=False, observed=True)
    ]


def _panel(known: pd.DataFrame, label: str, metric: Metric) -> Panel:
    tolerance = float(known["tolerance"].iloc[0])
    verdicts = known.groupby("law")["follow"].first().reindex(list(LAWS)).dropna()
    title = f"{label}: {seen(verdicts)}"
    figure, axes = style.new(title)
    for step, (law, rows) in enumerate(known.groupby("law", sort=False)):
        rows = rows.sort_values("eta_to")
        errors = np.clip([rows["loss"] - rows["loss_lo"], rows["loss_hi"] - rows["loss"]], 0, None)
        axes.errorbar(
            rows["eta_to"] * APART ** (step - 1), rows["loss"], np.nan_to_num(errors), fmt=style.MARKERS[step], ms=4.5,
            color=style.LAW_COLOURS[str(law)], lw=1.3, label=str(law),
        )  # fmt: skip
    start, wd = known[["eta_from", "wd_from"]].iloc[0]
    axes.axvline(start, color=INK, lw=0.8, dashes=(2, 2), label=f"best setting, λ = {axis_value(wd)}")
    axes.axhline(0, color=INK, lw=0.6)
    if tolerance > 0:
        axes.axhspan(0, tolerance, color=style.ACCENT, alpha=0.13, lw=0, label=f"tolerance, {metric.loss(tolerance)}")
        # Cliffs cost a hundred times what matters here.
        axes.set_yscale("symlog", linthresh=3 * tolerance)
        axes.yaxis.set_major_formatter(lambda value, _: number(value))
    style.log_axis(axes, "x", [start, *known["eta_to"]], "learning rate η")
    axes.set_ylabel(metric.drop_axis)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    words = [
        f"{row['law']} at η {axis_value(row['eta_to'])}: {metric.difference(row['loss'])} "
        f"{metric.span(row['loss_lo'], row['loss_hi'])}"
        for row in known.to_dict("records")
    ]
    return Panel(figure, f"What following each law from the best setting loses. {title}. {'; '.join(words)}.")


def seen(follow: pd.Series) -> str:
    """Which laws (index) can be followed, cannot, or are open, in a few words."""
    texts = {"can": "can be followed", "cannot": "cannot be followed", "open": "open"}
    groups = {word: [str(law) for law, one in follow.items() if one == word] for word in texts}
    return "; ".join(f"{' and '.join(laws)} {texts[word]}" for word, laws in groups.items() if laws)
