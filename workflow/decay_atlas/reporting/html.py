"""Templates filled: every page is one self-contained file in one style, which fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from decay_atlas.reporting.svg import panels_of
from decay_atlas.reporting.tables import View, view
from decay_atlas.reporting.words import Metric

SCRIPTS = (
    "vendor/sortable.auto.min.js",
    "vendor/echarts.min.js",
    *(f"scripts/{name}.js" for name in ("atlas", "tables", "figures", "setting", "cells", "parallel")),
)
"""What makes a page interactive, in the order it runs in."""


def scripts() -> list[Markup]:
    """The programs of an interactive page, each to be put into a <script> element."""
    folder = Path(__file__).with_name("templates")
    return [Markup((folder / name).read_text()) for name in SCRIPTS]


def fill(template: str, figures: Mapping[str, str], **values: Any) -> str:
    """A page from a template of this package; `figures` are plates (SVG texts), of which it takes the panels."""
    environment = Environment(
        loader=PackageLoader("decay_atlas.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        style=Markup(environment.loader.get_source(environment, "style.css")[0]),  # type: ignore[union-attr]
        figures={name: [Markup(panel) for panel in panels_of(svg)] for name, svg in figures.items()},
        **values,
    )


def views(titles: Mapping[str, str], tables: Mapping[str, pd.DataFrame], metric: Metric) -> dict[str, View]:
    """The tables that a page shows, by name; those that are not there or empty are left out."""
    found = {name: view(name, title, tables[name], metric) for name, title in titles.items() if name in tables}
    return {name: one for name, one in found.items() if one is not None}
