"""The published study's tables 1 and 2, to stand beside this study's own; read from the claims' data file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml

RATIO = 0.10
"""The published ratio ρ = λ/η."""


@cache
def table_1() -> pd.DataFrame:
    """Columns dataset, arch, rho, rho_lo, rho_hi, p, slope, slope_lo, slope_hi, r2."""
    return pd.DataFrame(_rows("rho-{dataset}-{arch}"))


@cache
def table_2() -> pd.DataFrame:
    """Columns dataset, kappa, drop, lo, hi (pp), about λ = 0.1·η."""
    return pd.DataFrame(_rows("drop-{dataset}-{kappa}"))


def _rows(claim: str) -> list[dict[str, Any]]:
    text = (files("decay_atlas.claims.published") / "coupling.yaml").read_text()
    return next(entry["each"] for entry in yaml.safe_load(text)["claims"] if entry["id"] == claim)
