"""Adaptive against fixed weight decay, by learning rate, pruned, with noisy labels; where alternating searches end."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import Metric, axis_value, counted, listed, number

ADAPTIVE, FIXED = style.SERIES[0], style.SERIES[1]
PRUNING, CLEAN, ROBUST = "pruning.", "pgd.clean", "pgd.pgd20"


def adaptive_plot(tables: Mapping[str, pd.DataFrame], metric: Metric) -> list[Panel]:
    """Panels of the tables adaptive, evaluations, noise and trap; one that says so where no DoG is estimated."""
    compared = tables.get("adaptive", pd.DataFrame())
    if compared.empty:
        return [style.message("No recipe estimates its DoG, so there is nothing to hold against fixed weight decay.")]
    panels: list[Panel] = []
    for names, part in compared.groupby(["dataset", "recipe", "arch"], sort=False):
        where = ", ".join(map(str, names))
        if len(part) > 1:
            panels += [_by_rate(part, where, metric), _sizes(part, where)]
        found = _pruned(part, tables.get("evaluations", pd.DataFrame()), where)
        panels += [found] if found else []
        robust = _attacked(part, tables.get("evaluations", pd.DataFrame()), where)
        panels += [robust] if robust else []
    noise = tables.get("label_noise", pd.DataFrame())
    if len(noise):
        panels += [_noisy(part, str(arch), compared, metric) for arch, part in noise.groupby("arch", sort=False)]
    trap = tables.get("trap", pd.DataFrame())
    for names in compared[["dataset", "fixed", "arch"]].drop_duplicates().itertuples(index=False):
        rows = trap[(trap[["dataset", "recipe", "arch"]] == list(names)).all(axis=1)] if len(trap) else trap
        if len(rows) and rows["lost"].notna().any():
            panels.append(_trapped(rows, ", ".join(map(str, names)), metric))
    return panels or [style.message("No run of a recipe whose DoG is estimated has a fixed one beside it.")]


def _by_rate(part: pd.DataFrame, where: str, metric: Metric) -> Panel:
    won = [f"{axis_value(row['lr'])}: {number(row['gain'])}" for row in part.to_dict("records")]
    title = f"{where}: quality won over fixed λ at η {listed(won, 8)} {metric.loss_unit}"
    figure, axes = style.new(title)
    for column, label, colour in (("best_fixed", "best fixed λ", FIXED), ("best", "best adaptive", ADAPTIVE)):
        axes.plot(part["lr"], part[column], color=colour, lw=0.9, ls=(0, (2, 2)), label=label)
    for column, label, colour in (("value_fixed", "fixed λ", FIXED), ("value", "adaptive", ADAPTIVE)):
        axes.plot(part["lr"], part[column], "o-", ms=4, color=colour, lw=1.4, label=label)
    style.log_axis(axes, "x", part["lr"], "learning rate η")
    axes.set_ylabel(metric.axis)
    axes.grid(True)
    axes.legend(ncols=2)
    return Panel(figure, f"{metric.name} by learning rate, adaptive and fixed. {title}.")


def _sizes(part: pd.DataFrame, where: str) -> Panel:
    shrunk = (part["weight_norm"] / part["weight_norm_fixed"]).median()
    title = f"{where}: weights {number(shrunk)} times as long as with fixed λ (median over η)"
    figure, axes = style.new(title)
    for column, label, colour in (("weight_norm_fixed", "fixed λ", FIXED), ("weight_norm", "adaptive", ADAPTIVE)):
        axes.plot(part["lr"], part[column], "o-", ms=4, color=colour, lw=1.4, label=label)
    style.log_axis(axes, "x", part["lr"], "learning rate η")
    axes.set_ylabel("‖w‖ at the end")
    axes.grid(True)
    axes.legend()
    return Panel(figure, f"Length of the weights by learning rate. {title}.")


def _pruned(part: pd.DataFrame, found: pd.DataFrame, where: str) -> Panel | None:
    """Pruning curves at the learning rate that is best with fixed λ; None where nothing was pruned."""
    if found.empty or part["value_fixed"].isna().all():
        return None
    row = part.loc[part["value_fixed"].idxmax()]
    curves = {}
    for label, recipe, wd, colour in (
        ("fixed λ", row["fixed"], row["wd_fixed"], FIXED),
        ("adaptive", row["recipe"], 1.0, ADAPTIVE),
    ):
        own = found[(found[["dataset", "recipe", "arch", "lr", "wd"]] == _cell(row, recipe, wd)).all(axis=1)]
        own = own[own["evaluation"].str.startswith(PRUNING)]
        shares = 100 * own["evaluation"].str.removeprefix(PRUNING).astype(float)
        curves[label] = (shares, own["mean"], colour)
    if any(len(shares) == 0 for shares, _, _ in curves.values()):
        return None
    ends = [f"{label} {number(means.iloc[-1], 3)} %" for label, (_, means, _) in curves.items()]
    title = f"{where}, η {axis_value(row['lr'])}, most pruned: {listed(ends)}"
    figure, axes = style.new(title)
    for label, (shares, means, colour) in curves.items():
        axes.plot(shares, means, "o-", ms=4, color=colour, lw=1.4, label=label)
    axes.set_xlabel("weights pruned (%)")
    axes.set_ylabel("test accuracy (%)")
    axes.grid(True)
    axes.legend()
    return Panel(figure, f"Accuracy by share of weights pruned. {title}.")


def _cell(row: pd.Series, recipe: str, wd: float) -> list[object]:
    return [row["dataset"], recipe, row["arch"], row["lr"], wd]


def _attacked(part: pd.DataFrame, found: pd.DataFrame, where: str) -> Panel | None:
    """Robust against clean accuracy of every cell at the learning rates of `part`; None where nothing was attacked."""
    names = part[["dataset", "arch", "recipe", "fixed"]].iloc[0]
    rows = found[(found["dataset"] == names["dataset"]) & (found["arch"] == names["arch"])] if len(found) else found
    points = {}
    for label, recipe, colour in (("fixed λ", names["fixed"], FIXED), ("adaptive", names["recipe"], ADAPTIVE)):
        own = rows[(rows["recipe"] == recipe) & rows["lr"].isin(part["lr"])] if len(rows) else rows
        wide = own.pivot_table(index=["lr", "wd"], columns="evaluation", values="mean") if len(own) else own
        if not {CLEAN, ROBUST} <= set(wide.columns):
            return None
        points[label] = (wide[CLEAN], wide[ROBUST], colour)
    best = [f"{label} {number(robust.max(), 3)} %" for label, (_, robust, _) in points.items()]
    title = f"{where}, under PGD-20: at best {listed(best)}"
    figure, axes = style.new(title)
    for label, (clean, robust, colour) in points.items():
        axes.plot(clean, robust, "o", ms=4.5, color=colour, label=label)
    axes.set_xlabel("test accuracy (%)")
    axes.set_ylabel("under attack (%)")
    axes.grid(True)
    axes.legend()
    return Panel(figure, f"Accuracy under attack against accuracy, every setting. {title}.")


def _noisy(noise: pd.DataFrame, arch: str, compared: pd.DataFrame, metric: Metric) -> Panel:
    label = noise["recipe"].isin(compared["recipe"]).map({True: "adaptive", False: "fixed λ"})
    best = noise.groupby([noise["label_noise"], label])["value"].agg("min" if metric.direction == "min" else "max")
    pairs = [
        f"{100 * float(share):.0f} %: {' against '.join(number(value, 3) for value in part)}"
        for share, part in best.groupby(level=0)
    ]
    order = " against ".join(dict.fromkeys(best.index.get_level_values(1)))
    title = f"{arch}, share of noisy labels, {order} at best: {listed(pairs)}"
    figure, axes = style.new(title)
    for number_, (share, part) in enumerate(noise.groupby("label_noise")):
        mark = style.MARKERS[number_ % len(style.MARKERS)]
        for name, rows in part.groupby(label.loc[part.index]):
            colour = ADAPTIVE if name == "adaptive" else FIXED
            text = f"{name}, {100 * float(str(share)):.0f} %"
            axes.plot(rows["value_clean"], rows["value"], mark, ms=4.5, color=colour, label=text)
    axes.set_xlabel(f"{metric.axis}, clean labels")
    axes.set_ylabel("with noisy labels")
    axes.grid(True)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return Panel(figure, f"{metric.name} with noisy labels against without. {title}.")


def _trapped(rows: pd.DataFrame, where: str, metric: Metric) -> Panel:
    caught, lost = int((rows["lost"] > 0).sum()), rows["lost"].max()
    cost = f", and lose up to {metric.loss(lost)}" if caught else ""
    searches = counted(len(rows), "alternating search", "alternating searches")
    title = f"{where}: of {searches} {caught} miss the best cell{cost}"
    figure, axes = style.new(title)
    rows = rows[(rows["wd_start"] > 0) & (rows["wd_end"] > 0)]
    for row in rows.to_dict("records"):
        axes.annotate(
            "", (row["lr_end"], row["wd_end"]), (row["lr_start"], row["wd_start"]),
            arrowprops={"arrowstyle": "->", "color": style.SERIES[-1], "lw": 0.7},
        )  # fmt: skip
    axes.plot(rows["lr_start"], rows["wd_start"], ".", ms=4, color=style.SERIES[-1], label="start")
    axes.plot(rows["lr_end"], rows["wd_end"], "o", ms=6, color=FIXED, label="end")
    axes.plot(rows["lr_best"], rows["wd_best"], "*", ms=11, color=ADAPTIVE, label="best cell")
    style.log_axis(axes, "x", rows["lr_start"], "learning rate η")
    style.log_axis(axes, "y", rows["wd_start"], "weight decay λ")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.16), ncols=3, labelcolor=INK)
    return Panel(figure, f"Alternating searches from every cell. {title}.")
