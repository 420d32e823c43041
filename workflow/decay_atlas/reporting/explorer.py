"""What the page's interactive parts are given: every run, the learning curves and the recommendation, as JSON.

Numbers are rounded to what a screen shows, and beyond a size things are thinned, which the page then says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from decay_atlas.reporting.fits import rows_of
from decay_atlas.reporting.setting import BASES, SIDES
from decay_atlas.reporting.words import Labels, Metric, axis_value
from decay_atlas.runs.grid import number_text
from decay_atlas.statistics.methods.landscape import COMBINATION, Average, Landscape, landscapes
from decay_atlas.tables.curves import thinned

MOST_LINES = 6000
"""Runs that the parallel coordinates draw one by one; of more, the averages of the cells."""

CURVE_VALUES = 150_000
"""Numbers spent on all learning curves together."""

LEAST_EPOCHS = 8

QUANTITIES = {
    "test_accuracy": "test accuracy (%)",
    "val_accuracy": "validation accuracy (%)",
    "train_accuracy": "training accuracy (%)",
    "train_loss": "training loss",
    "val_loss": "validation loss",
    "test_loss": "test loss",
    "weight_norm": "weight norm ‖w‖",
    "gradient_norm": "gradient norm ‖∇‖",
    "dog": "decay over gradient ‖λw‖/‖∇‖",
    "dog_mean": "decay over gradient ‖λw‖/‖∇‖, mean of the epoch",
    "rate": "learning rate in force",
}
"""Quantities of a history that the page offers, with their axes, in the order it offers them."""


def explorer(
    study: Mapping[str, Any], runs: pd.DataFrame, tables: Mapping[str, pd.DataFrame], curves: pd.DataFrame
) -> dict[str, Any]:
    """The data of the page's charts, in types that JSON has. `tables` and `curves` may be empty.

    `combinations` holds for each (dataset, recipe, arch) its ascending axes `lr` and `wd`, and per cell (index
    i·len(wd) + j, null where not trained) `mean`, `sd`, `n`, `failed`, `seconds` and the values of its `seeds`.
    """
    metric = Metric(study["metric"])
    average: Average = study.get("statistics", {}).get("average", "mean")
    label = Labels(runs)
    combinations = [
        _combination(landscape, runs, label(landscape.key))
        for landscape in landscapes(runs, metric.direction, average)  # type: ignore[arg-type]
    ]
    return {
        "study": study["study"],
        "metric": {
            **{"axis": metric.axis, "name": metric.name, "unit": metric.unit, "loss_unit": metric.loss_unit},
            "direction": metric.direction,
        },
        "combinations": combinations,
        "lines": "runs" if len(runs) <= MOST_LINES else "cells",
        "curves": _curves(curves, combinations),
        "recommendation": _recommendation(tables, combinations),
        "setting": {"bases": BASES, "sides": SIDES},
    }


def as_json(data: Mapping[str, Any]) -> str:
    """JSON that may stand inside a <script> element.

    Raises:
        ValueError: the data hold a NaN or an infinity.
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", r"\u003c")  # neither </script> nor <!--<script>, after which it would not end


def rounded(values: ArrayLike, digits: int = 5) -> list[float | None]:
    """Numbers to significant digits, flat; None for what is not finite."""
    return [float(f"{value:.{digits}g}") if math.isfinite(value) else None for value in np.ravel(values).tolist()]


def _combination(landscape: Landscape, runs: pd.DataFrame, label: str) -> dict[str, Any]:
    own = rows_of(runs, landscape.key)
    values, mean = landscape.sign * landscape.quality, landscape.sign * landscape.mean()
    return {
        **landscape.key,
        "label": label,
        "folder": _folder(own),
        "lr": landscape.lr.tolist(),
        "lr_text": [axis_value(lr) for lr in landscape.lr],
        "lr_name": [number_text(lr) for lr in landscape.lr],
        "wd": landscape.wd.tolist(),
        "wd_text": [axis_value(wd) for wd in landscape.wd],
        "wd_name": [number_text(wd) for wd in landscape.wd],
        "seeds": landscape.seeds.tolist(),
        "mean": rounded(mean),
        "sd": rounded(landscape.sd(), 3),
        "n": landscape.n_seeds().ravel().tolist(),
        "failed": landscape.diverged.sum(axis=2).ravel().tolist(),
        "values": [rounded(cell) for cell in values.reshape(-1, len(landscape.seeds))],
        "seconds": _seconds(own, landscape),
    }


def _folder(runs: pd.DataFrame) -> str | None:
    """Where the records of a combination lie, seen from results/<study>/; None where runs were imported."""
    if "path" not in runs or not runs["path"].notna().any():
        return None
    folder = str(runs["path"].dropna().iloc[0]).rpartition("/")[0]
    return folder.replace("results/", "../", 1) if folder.startswith("results/runs/") else None


def _seconds(runs: pd.DataFrame, landscape: Landscape) -> list[float | None]:
    """The mean training time of every cell."""
    if "seconds" not in runs:
        return []
    means = runs.pivot_table(index="lr", columns="wd", values="seconds", dropna=False)
    return rounded(means.reindex(index=landscape.lr, columns=landscape.wd).to_numpy(float), 3)


def _curves(table: pd.DataFrame, combinations: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Quantities with their labels, and for each combination the epochs and the values by quantity and cell."""
    names = [name for name in QUANTITIES if name in table and table[name].notna().any()]
    if table.empty or not names:
        return None
    cells = table.drop_duplicates([*COMBINATION, "lr", "wd"])
    most = max(LEAST_EPOCHS, CURVE_VALUES // (len(cells) * len(names)))
    parts: list[dict[str, Any] | None] = []
    thin = False
    for combination in combinations:
        own = rows_of(table, {name: combination[name] for name in COMBINATION})
        if own.empty:
            parts.append(None)
            continue
        every = np.unique(own["epoch"].to_numpy(int))
        epochs = every[thinned(len(every), most)]
        thin |= len(epochs) < int(every.max())
        index = pd.MultiIndex.from_product([combination["lr"], combination["wd"]], names=["lr", "wd"])
        part: dict[str, Any] = {"epochs": epochs.tolist()}
        for name in names:
            wide = own.pivot_table(index=["lr", "wd"], columns="epoch", values=name, dropna=False)
            cut = wide.reindex(index=index, columns=epochs).to_numpy(float)
            part[name] = [rounded(row, 4) if np.isfinite(row).any() else None for row in cut]
        parts.append(part)
    return {"quantities": {name: QUANTITIES[name] for name in names}, "parts": parts, "thinned": thin}


def _recommendation(
    tables: Mapping[str, pd.DataFrame], combinations: Sequence[Mapping[str, Any]]
) -> list[list[dict[str, Any]]]:
    """For each combination, ascending in η, what to set: rows of η, λ, its interval and band, basis and note."""
    known = [tables[name] for name in ("recommendation", "recommendation_curve") if len(tables.get(name, ()))]
    if not known:
        return []
    every = pd.concat(known, ignore_index=True).sort_values("lr", kind="stable")
    result = []
    for combination in combinations:
        rows = []
        key = {name: combination[name] for name in COMBINATION}
        own = rows_of(tables.get("recommendation", pd.DataFrame()), key)
        measured = [] if own.empty else own["lr"]
        tolerance = own["tolerance"].max() if "tolerance" in own else math.nan
        for row in rows_of(every, key).to_dict("records"):
            wd, low, high = rounded([row["wd"], row["wd_lo"], row["wd_hi"]], 3)
            band = rounded([row.get(end, math.nan) for end in ("band_lo", "band_hi")], 3)
            losses = rounded([row.get(name, math.nan) for name in ("loss", "band_lo_loss", "band_hi_loss")], 3)
            rows.append(
                {
                    "lr": float(f"{row['lr']:.6g}"),
                    "measured": bool(np.isclose(row["lr"], measured, atol=0).any()),
                    "wd": wd,
                    "lo": low,
                    "hi": high,
                    "law": row["law"] if isinstance(row["law"], str) else None,
                    "beyond": str(row["extrapolated"]) == "True",
                    "band": band,
                    "tolerance": rounded([tolerance], 2)[0],
                    "loss": losses[0],
                    "band_loss": losses[1:],
                    "err": row["err"] if isinstance(row.get("err"), str) else "",
                    "note": row["note"] if isinstance(row["note"], str) else "",
                }
            )
        result.append(rows)
    return result
