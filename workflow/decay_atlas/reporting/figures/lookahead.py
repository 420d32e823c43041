"""The five figures of the look-ahead study: schedules, bounds, ratio to linear decay, base rates, improvement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.svg import Panel
from decay_atlas.reporting.words import fixed, listed, number

NAMES = {"piecewise": "look-ahead, piecewise constant", "sqrt": "1/√t", "linear": "linear decay to T"}
COLOURS = dict(zip(NAMES, style.SERIES, strict=False))
LAWS = {"power": ("a + b·T^c", (5.0, 2.0)), "log": ("a + b·log(T)^c", (1.0, 1.4))}
DECADES = [10.0**k for k in range(7)]


def panels(table: pd.DataFrame, fits: pd.DataFrame) -> list[Panel]:
    """All five; those of one stride show the middle one of the table's."""
    strides = sorted(table["stride"].unique())
    stride = strides[len(strides) // 2]
    one, laws = table[table["stride"] == stride], fits[fits["stride"] == stride]
    return [
        _schedules(one, stride),
        _bounds(one, stride),
        _ratios(one, laws, stride),
        _gammas(one, stride),
        _improvements(table, strides),
    ]


def _schedules(one: pd.DataFrame, stride: int) -> Panel:
    title = f"The look-ahead schedule with stages of {stride} steps tends to the shape of 1/√t"
    figure, axes = style.new(title)
    _lines(axes, one, "rate", drawstyle="steps-pre", of=("piecewise",))
    _lines(axes, one, "rate", of=("sqrt",))
    last = int(one["horizon"].max())
    steps = np.unique(np.geomspace(1, last, 300).astype(int))
    axes.plot(steps, (last + 1 - steps) / last, color=COLOURS["linear"], lw=1.3, label=NAMES["linear"])
    axes.set_yscale("log")
    _horizon_axis(axes, "step t")
    style.log_axis(axes, "y", [10.0**-k for k in range(6)], "learning rate η_t, in units of the base rate")
    axes.legend()
    return Panel(figure, title)


def _bounds(one: pd.DataFrame, stride: int) -> Panel:
    at_end = one[one["horizon"] == one["horizon"].max()].set_index("schedule")["bound"]
    order = listed([f"{NAMES[name]} {number(at_end[name], 3)}" for name in at_end.sort_values().index])
    title = f"Bound on the last iterate, stages of {stride}: at the last horizon {order}"
    figure, axes = style.new(title)
    _lines(axes, one, "bound")
    for schedule in ("piecewise", "sqrt"):
        part = one[one["schedule"] == schedule]
        axes.plot(part["horizon"], part["orabona"], color=COLOURS[schedule], dashes=(5, 2), lw=1, label="Orabona's")
    part = one[one["schedule"] == "sqrt"]
    axes.plot(
        part["horizon"], part["shamir_zhang"], color=COLOURS["sqrt"], dashes=(1, 1.4), lw=1, label="Shamir and Zhang's"
    )
    axes.set_yscale("log")
    _horizon_axis(axes, "horizon T")
    style.log_axis(axes, "y", [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10], "bound Ω_T at D = G = 1")
    axes.legend()
    return Panel(figure, title)


def _ratios(one: pd.DataFrame, fits: pd.DataFrame, stride: int) -> Panel:
    title = f"Not knowing the horizon costs a factor that grows slowly (stages of {stride})"
    figure, axes = style.new(title)
    for schedule in ("piecewise", "sqrt"):
        part = one[one["schedule"] == schedule]
        axes.plot(part["horizon"], part["ratio"], "o", ms=2.5, color=COLOURS[schedule], label=NAMES[schedule])
        horizon = np.geomspace(part["horizon"].min(), part["horizon"].max(), 200)
        for fit in fits[(fits["schedule"] == schedule) & fits["law"].isin(LAWS)].itertuples():
            form, dashes = LAWS[str(fit.law)]
            base = horizon if fit.law == "power" else np.log(horizon)
            label = f"{form}, off by {number(fit.deviation)}"
            axes.plot(horizon, fit.a + fit.b * base**fit.c, color=COLOURS[schedule], dashes=dashes, lw=1.1, label=label)
    _horizon_axis(axes, "horizon T")
    axes.set_ylabel("bound over that of linear decay")
    axes.legend()
    return Panel(figure, title)


def _gammas(one: pd.DataFrame, stride: int) -> Panel:
    title = f"The look-ahead schedule keeps its best base rate at every horizon (stages of {stride})"
    figure, axes = style.new(title)
    _lines(axes, one, "gamma")
    axes.set_yscale("log")
    _horizon_axis(axes, "horizon T")
    style.log_axis(axes, "y", [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1], "best base rate γ*")
    axes.legend()
    return Panel(figure, title)


def _improvements(table: pd.DataFrame, strides: Sequence[int]) -> Panel:
    gains = []
    for stride in strides:
        part = table[(table["stride"] == stride) & (table["schedule"] == "piecewise")]
        gains.append(f"{fixed(part['improvement'].iloc[-1], 1)} % at stages of {stride}")
    title = f"The look-ahead bound lies below that of 1/√t by {listed(gains)}"
    figure, axes = style.new(title)
    for stride, colour in zip(strides, style.SERIES * len(strides), strict=False):
        part = table[(table["stride"] == stride) & (table["schedule"] == "piecewise")]
        axes.plot(part["horizon"], part["improvement"], color=colour, lw=1.4, label=f"stages of {stride} steps")
    _horizon_axis(axes, "horizon T")
    axes.set_ylabel("below the bound of 1/√t (%)")
    axes.legend()
    return Panel(figure, title)


def _lines(
    axes: Axes, one: pd.DataFrame, column: str, drawstyle: str = "default", of: Sequence[str] = tuple(NAMES)
) -> None:
    for schedule in of:
        part = one[one["schedule"] == schedule]
        axes.plot(
            part["horizon"], part[column], color=COLOURS[schedule], lw=1.4, drawstyle=drawstyle, label=NAMES[schedule]
        )


def _horizon_axis(axes: Axes, label: str) -> None:
    axes.set_xscale("log")
    lo, hi = axes.get_xlim()
    style.log_axis(axes, "x", [value for value in DECADES if lo <= value <= hi] or [lo, hi], label)
