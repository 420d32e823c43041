"""The page of a look-ahead study: what the schedules are bounded by, in figures and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.lookahead import panels
from decay_atlas.reporting.svg import panels_of, plate
from decay_atlas.reporting.tables import csv_address
from decay_atlas.reporting.words import fixed, number


def draw(table: pd.DataFrame, fits: pd.DataFrame) -> str:
    """The five figures as one SVG."""
    with style.styled():
        return plate(panels(table, fits), "lookahead")


def render(study: Mapping[str, Any], table: pd.DataFrame, fits: pd.DataFrame, claims: pd.DataFrame, figure: str) -> str:
    """The page. `study` is the resolved configuration, `figure` what `draw` made; equal input gives equal bytes."""
    environment = Environment(
        loader=PackageLoader("decay_atlas.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("lookahead.html").render(
        study=study["study"],
        style=Markup(environment.loader.get_source(environment, "style.css")[0]),  # type: ignore[union-attr]
        results=results(table),
        fits=[
            (row.stride, row.schedule, row.law, *(number(value, 3) for value in (row.a, row.b, row.c, row.deviation)))
            for row in fits.itertuples()
        ],
        claims=claims[["statement", "reported", "measured", "verdict", "why"]].fillna("").to_numpy().tolist(),
        figures=[Markup(panel) for panel in panels_of(figure)],
        downloads={
            "lookahead": csv_address(table),
            "lookahead_fits": csv_address(fits),
            "claims": csv_address(claims),
        },
    )


def results(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """For every stride: its last horizon, the three bounds there, and how the look-ahead schedule compares."""
    rows = []
    for stride, part in table.groupby("stride"):
        last = part[part["horizon"] == part["horizon"].max()].set_index("schedule")
        bounds = last["bound"]
        rows.append(
            (
                f"{stride:,}",
                f"{int(last['horizon'].iloc[0]):,}",
                *(number(bounds[name], 4) for name in ("linear", "piecewise", "sqrt")),
                f"{fixed(last.loc['piecewise', 'improvement'], 1)} %",
                f"{fixed(100 * (last.loc['piecewise', 'ratio'] - 1), 1)} %",
            )
        )
    return rows
