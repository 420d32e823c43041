"""Tables come back from their files as they were written, names above all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from decay_atlas.tables.files import read_table, write_table


def test_names_stay_text_and_figures_numbers(tmp_path: Path) -> None:
    names = ["18", "007", "None", "NA", "nan", "1e-3"]
    numbers = [1.0, np.nan, np.inf, 0.1, 1e-300, -2.0]
    table = pd.DataFrame({"dataset": names, "recipe": names[::-1], "arch": names, "baseline": names, "rho": numbers})
    write_table(table, tmp_path / "table.csv")
    found = read_table(tmp_path / "table.csv")
    pd.testing.assert_frame_equal(found, table)


def test_a_name_that_is_not_there_is_missing(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("recipe,baseline\n1,\n2,1\n")
    assert read_table(tmp_path / "table.csv")["baseline"].isna().tolist() == [True, False]
