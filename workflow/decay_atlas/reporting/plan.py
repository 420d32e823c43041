"""The plan of a study as one page and as text: cost, what its grid could tell, and the axes that would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.plan import found, reach
from decay_atlas.reporting.html import fill, views
from decay_atlas.reporting.svg import plate
from decay_atlas.reporting.tables import View
from decay_atlas.reporting.wider_grid import yaml_block, yaml_grid
from decay_atlas.reporting.words import Metric, axis_about, counted, listed, number
from decay_atlas.simulation.assumed import GAP
from decay_atlas.simulation.planning import GridPlan, Plan
from decay_atlas.simulation.power import JITTER, POWER, Shape
from decay_atlas.statistics.laws import MIN_INTERIOR


def render(plan: Plan) -> str:
    """The page `plan.html`. Equal plans give equal bytes."""
    grids, figures = [], {}
    for number_, one in enumerate(plan.grids):
        name = f"grid{number_}"
        with style.styled():
            figures[name] = plate([reach(one.shape, one.asked, "This grid"), found(one.shape, one.shares)], name)
            if one.advice:
                panels = [
                    reach(one.advice.shape, one.asked, "The advised grid"),
                    found(one.advice.shape, one.advice.shares),
                ]
                figures[f"{name}_advice"] = plate(panels, f"{name}_advice")
        grids.append(
            {
                "name": name,
                "heading": size(one.shape),
                "who": who(one),
                "headline": headline(one),
                "told": told(one),
                "sentences": sentences(one),
                "assumed": landscape_words(one, plan.metric),
                "table": power_table(one.shares, one.shape, name),
                "advice": advice_words(one),
                "enough": bool(one.advice and one.advice.shares.query("kind != 'span'")["told"].all()),
                "yaml": advice_yaml(one),
            }
        )
    return fill(
        "plan.html",
        figures,
        study=plan.study,
        summary=summary(plan),
        time=time_words(plan),
        command=plan.command,
        grids=grids,
        tables=views({"plan_cost": "Cost"}, {"plan_cost": cost_table(plan)}, Metric({}))
        | {one["name"]: one["table"] for one in grids},
        assumed=assumptions(plan),
    )


def text(plan: Plan) -> str:
    """The same as lines for a terminal."""
    counts = ", ".join(f"{n} {noun}" for n, noun in summary(plan))
    columns = ["dataset", "recipe", "arch", "runs", "done", "minutes", "hours", "basis"]
    table = cost_table(plan)[columns].to_string(index=False, na_rep="–", float_format="{:.3g}".format)
    parts = [f"Plan of study {plan.study}: {counts}.", table, time_words(plan)]
    if plan.command:
        parts.append(plan.command)
    for one in plan.grids:
        rows = power_rows(one.shares, one.shape).to_string(
            index=False, justify="left", formatters=dict.fromkeys(("right", "wrong", "silent"), "{:.0%}".format)
        )
        parts += [
            f"{size(one.shape)}: {who(one)}.\n{headline(one)}",
            "\n".join(sentences(one)),
            landscape_words(one, plan.metric),
            rows,
        ]
        if one.advice:
            parts += [advice_words(one), advice_yaml(one)]
    return "\n\n".join(parts) + f"\n\n{assumptions(plan)}\n"


def summary(plan: Plan) -> list[tuple[str, str]]:
    """What there is to do, as pairs of a number and its noun."""
    return [
        (f"{plan.runs:,}", "run" if plan.runs == 1 else "runs"),
        (f"{plan.runs - plan.done:,}", "of them to do"),
        (f"{plan.jobs_left:,}", "job to submit" if plan.jobs_left == 1 else "jobs to submit"),
        (_hours(plan), "device-hours left"),
    ]


def _hours(plan: Plan) -> str:
    unknown = plan.cost["hours"].isna()
    if unknown.all():
        return "unknown"
    return f"{'≥ ' if unknown.any() else ''}{number(plan.hours)}"


def time_words(plan: Plan) -> str:
    """What is known of the time, in a sentence."""
    unknown = plan.cost[plan.cost["hours"].isna()]
    if unknown.empty:
        return "Every combination has recorded runs to tell its time from, or needs none."
    which = "every combination" if len(unknown) == len(plan.cost) else listed(dict.fromkeys(unknown["arch"]), 8)
    return (
        f"The time of {which} is unknown: no like run was recorded. Time one cell first, on the machine that is to "
        "train; the runs are kept, and the next plan knows:"
    )


def cost_table(plan: Plan) -> pd.DataFrame:
    """The cost by combination, in minutes a run."""
    return plan.cost.assign(minutes=plan.cost["seconds"] / 60)


def who(one: GridPlan) -> str:
    """What is trained on the grid."""
    datasets, recipes, archs = (list(dict.fromkeys(names)) for names in zip(*one.combinations, strict=True))
    return f"{listed(archs, 8)} on {listed(datasets)}, trained as {listed(recipes)}"


def size(shape: Shape) -> str:
    """The axes of a grid in numbers."""
    sizes = (
        f"{counted(len(shape.lr), 'learning rate')} × {counted(len(shape.wd), 'weight decay')} × "
        f"{counted(shape.seeds, 'seed')}"
    )
    return sizes if shape.is_rectangle else f"{len(shape.points):,} runs within {sizes}"


def told(one: GridPlan) -> bool:
    """Whether every law that is asked for would be found often enough."""
    return one.advice is None


def headline(one: GridPlan) -> str:
    """What this grid can tell, in one sentence."""
    asked = one.shares[one.shares["kind"] != "span"]
    published = bool(asked.loc[asked["kind"] == "published", "told"].all())
    middle = bool(asked.loc[asked["kind"] == "middle", "told"].all())
    if published and middle:
        return "This grid can tell the three laws apart."
    if not one.shares["told"].any():
        return "This grid cannot tell the three laws apart, wherever the optimum lies."
    if middle:
        return "This grid could tell a law whose optima lie within it; the published law it could not show."
    missed = listed(asked.loc[(asked["kind"] == "middle") & ~asked["told"], "law"])
    also = "" if published else ", nor could it show the published law"
    return f"Even with the optimum in its middle, this grid would too seldom find the {missed} law{also}."


def sentences(one: GridPlan) -> list[str]:
    """How each law that is asked for would fare."""
    lines = []
    for row in one.shares[one.shares["kind"] != "span"].to_dict("records"):
        right, n_lr = round(row["right"] * row["n"]), len(one.shape.lr)
        line = f"{_question(row, one.shape)}: found in {right} of {row['n']} simulated studies; "
        line += f"{row['inside']} of {counted(n_lr, 'optimum', 'optima')} would lie inside the grid"
        few = (
            f", and a verdict needs {MIN_INTERIOR} located between grid points" if row["inside"] < MIN_INTERIOR else ""
        )
        lines.append(f"{line}{few}.")
    if one.shape.seeds == 1:
        lines.append("With one seed nothing will say how much of a difference is chance; take three or more.")
    return lines


def _question(row: dict, shape: Shape) -> str:
    if row["kind"] == "published":
        return f"The published law, λ* = {number(row['wd_middle'] / shape.lr_middle)}·η"
    where = f"λ* = {axis_about(row['wd_middle'])} at η = {axis_about(shape.lr_middle)}"
    kind = " (the middle of the grid)" if row["kind"] == "middle" else ""
    return f"The {row['law']} law with {where}{kind}"


def power_rows(shares: pd.DataFrame, shape: Shape) -> pd.DataFrame:
    """The table of simulated studies, a row a question."""
    rows = shares.to_dict("records")
    inside = [f"{row['inside']} of {len(shape.lr)}" for row in rows]
    questions = [_question(row, shape) for row in rows]
    return shares.assign(question=questions, inside=inside)[["question", "inside", "right", "wrong", "silent"]]


def power_table(shares: pd.DataFrame, shape: Shape, name: str) -> View:
    """The same as the page shows it."""
    (view,) = views({"plan_power": name}, {"plan_power": power_rows(shares, shape)}, Metric({})).values()
    return view


def advice_words(one: GridPlan) -> str:
    """What to change and what that costs and buys; empty where nothing need change."""
    if one.advice is None:
        return ""
    new, old = one.advice.shape, one.shape
    changed = [
        noun
        for noun, differs in (
            ("weight decays", new.wd != old.wd),
            ("learning rates", new.lr != old.lr),
            ("seeds", new.seeds != old.seeds),
        )
        if differs
    ]
    n = len(one.combinations)
    asked = one.advice.shares[one.advice.shares["kind"] != "span"]
    enough = bool(asked["told"].all())
    buys = (
        f"finds each of these laws in at least {100 * POWER:.0f} % of simulated studies"
        if enough
        else f"finds the laws in {asked['right'].min():.0%} to {asked['right'].max():.0%} of "
        "simulated studies, the best of the axes tried"
    )
    ragged = "" if old.is_rectangle else " It is one whole block: add again what else you need, as protocols tied to η."
    return (
        f"Other {listed(changed)} {'would do' if enough else 'do better'}: this grid {buys}. It takes "
        f"{len(new.points) * n:,} runs in place of {len(old.points) * n:,}. A learning rate at which training diverges "
        f"tells nothing: leave such ones out.{ragged}"
    )


def advice_yaml(one: GridPlan) -> str:
    """The advised grid as YAML to paste over `grid:`; empty where nothing need change."""
    if one.advice is None:
        return ""
    archs: dict[tuple[str, str], list[str]] = {}
    for dataset, recipe, arch in one.combinations:
        archs.setdefault((dataset, recipe), []).append(arch)
    shape = one.advice.shape
    seeds = range(shape.seeds)
    return yaml_grid(yaml_block(*place, names, shape.lr, shape.wd, seeds) for place, names in archs.items())


def landscape_words(one: GridPlan, metric: Mapping[str, Any]) -> str:
    """Noise and shape of the landscape that was simulated, and where they come from."""
    told, unit = one.assumed, Metric(metric)
    if told.runs:
        what = "noise and shape" if told.shaped else "noise"
        source = f"{what} of {counted(told.runs, 'recorded run')} of {told.basis}"
        source += "" if told.shaped else "; the shape is that of small networks"
    else:
        unit = Metric({"unit": "%"})
        source = "as small networks show it, for no like runs with several seeds a cell were recorded"
    return (
        f"Assumed: {unit.loss(told.seed_sd)} of noise between seeds at λ*, {number(told.growth)} times as much halfway "
        f"down the cliff, a plateau far below λ* that loses {unit.loss(told.rise)}, and a cliff above it that loses "
        f"{unit.loss(told.fall)} per squared decade ({source})."
    )


def assumptions(plan: Plan) -> str:
    """What the simulation takes for granted."""
    n = int(plan.grids[0].shares["n"].iloc[0])
    return (
        f"Simulated on landscapes like those of real networks, {n} studies a row: the quality rises gently along a "
        f"plateau to λ* and falls off a cliff {number(GAP)} decades above it; seeds differ more the more is lost. What "
        "counts is how large the noise is beside the losses. It is taken from the recorded runs that are most like "
        "the study's, where there are any. “Found” means that the verdict is that law and no other. "
        f"In each study λ* is moved by up to {number(JITTER / 2)} decades either way, but for the published law: a "
        "law may be found though the λ* named lies outside the grid. The middle of an axis is the geometric mean of "
        "its ends."
    )
