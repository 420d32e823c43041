"""The tables of a study, read back from its files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

NAMES = ("dataset", "recipe", "arch", "baseline", "fixed", "clean", "recipe_large", "recipes", "pair")
"""Columns that hold names which a study chose, whatever the table."""


def read_table(path: str | Path) -> pd.DataFrame:
    """One table as it was written: names stay text, be they 18 or None; an empty field is a missing value.

    Raises:
        OSError: there is no such file.
        ValueError: it holds no table.
    """
    return pd.read_csv(path, dtype=dict.fromkeys(NAMES, "str"), keep_default_na=False, na_values=[""])
