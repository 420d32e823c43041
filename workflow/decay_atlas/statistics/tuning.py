"""What each way of tuning would have found on the measured landscape, and what it would have cost.

Every search selects on the seeds that do not score it (cross-fitting), and on validation scores where the
runs have them, so that neither noise nor the test set passes for a gap. Source: C, One-dimensional protocol;
D, Valleys; A, Tuning trap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from decay_atlas.statistics.methods import search
from decay_atlas.statistics.methods.comparisons import mean_of
from decay_atlas.statistics.methods.device_time import device_seconds
from decay_atlas.statistics.methods.landscape import Direction, Floats, Landscape, landscapes, tabulate
from decay_atlas.statistics.methods.selection import argmax_wd

COLUMNS = [
    *("dataset", "recipe", "arch", "strategy", "budget", "runs", "device_hours", "value"),
    *("gap", "gap_lo", "gap_hi", "constant", "points", "missed", "selected_on", "crossfitted"),
    *("optimism", "blank"),
]
POWERS = {"ratio": -1.0, "fixed-wd": 0.0, "product": 1.0}
"""Each one-dimensional protocol holds wd · lr^power constant."""

SAME = 1e-6
"""Relative difference up to which a trained weight decay is the one a protocol asks for."""


@dataclass(frozen=True)
class Case:
    """One combination, ready to search: arrays of shape (lr, wd, seed), quality higher when better, time of devices."""

    test: Landscape
    select: Floats
    seconds: Floats
    selected_on: str
    crossfit: bool
    columns: NDArray[np.int64]
    """The weight decays of the two-dimensional grid: those trained with at least half of the lr."""

    def cells(self, values: Floats) -> Floats:
        """The two-dimensional grid's cells in row-major order, shape (cell, seed)."""
        return values[:, self.columns].reshape(-1, values.shape[2])

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the two-dimensional grid (lr, wd)."""
        return len(self.test.lr), len(self.columns)


@dataclass(frozen=True)
class Line:
    """λ(η) of a one-dimensional protocol as a mixture of two trained cells, arrays of shape (lr,)."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    weight: Floats
    reached: NDArray[np.bool_]

    def at(self, values: Floats) -> Floats:
        """Values on the line, shape (lr, seed), from those of shape (lr, wd, seed); NaN where not reached."""
        rows = np.arange(len(self.low))
        mixed = (1 - self.weight)[:, None] * values[rows, self.low] + self.weight[:, None] * np.where(
            self.weight[:, None] > 0, values[rows, self.high], 0.0
        )
        return np.where(self.reached[:, None], mixed, np.nan)

    @property
    def points(self) -> str:
        """Whether the line's cells were trained, interpolated, or some of each."""
        trained = self.weight[self.reached] == 0
        return "trained" if trained.all() else "mixed" if trained.any() else "interpolated"


def tuning(
    runs: pd.DataFrame,
    direction: Direction,
    *,
    rho: float = 0.1,
    start: tuple[float, float] = (1e-3, 1e-2),
) -> pd.DataFrame:
    """Replay every strategy on every combination.

    `rho` is the published λ/η; `start` the (lr, wd) that fixes the constants of product-1d (ηλ) and
    fixed-wd-1d (λ) and where the alternating search begins (at the nearest cell); PyTorch's defaults of AdamW
    if not given. Where value is a test score and every run of a combination has the validation score that
    belongs to it, searches select on that, else on value.

    Returns one row per dataset × recipe × arch × strategy (× budget), columns as `COLUMNS`: budget counts
    distinct (lr, wd) cells, runs their runs over all seeds, and device_hours the time of all devices that trained
    them; value is in the metric's unit; gap is the loss of quality against full-2d on the same seeds, with its
    95 % t interval over seeds; constant is what a one-dimensional protocol holds fixed; points says whether its
    cells were trained or interpolated in log λ; missed counts the lr it cannot reach without extrapolating, so
    with missed > 0 the true gap may be smaller; optimism is what selecting and reporting on the same test runs
    would add to value.

    Raises:
        ValueError: the table of runs lacks a column or holds a run twice, or a constant is not positive.
    """
    if not (rho > 0 and min(start) > 0):
        raise ValueError(f"rho and start must be positive, not {rho} and {start}")
    found = cases(runs, direction)
    return tabulate([row for case in found for row in _replay(case, found, rho, start)], COLUMNS)


def cases(runs: pd.DataFrame, direction: Direction) -> list[Case]:
    """Every combination, ready to search, in the table's order of first appearance.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is unknown.
    """
    tests = landscapes(runs, direction)
    select = _selection_score(runs)
    selects = tests if select == "value" else landscapes(runs, direction, column=select)
    seconds = (
        landscapes(runs.drop(columns="status", errors="ignore").assign(seconds=device_seconds), "max", column="seconds")
        if "seconds" in runs
        else [None] * len(tests)
    )
    found = []
    for test, chosen, time in zip(tests, selects, seconds, strict=True):
        has_all = select != "value" and bool(np.isfinite(chosen.quality[np.isfinite(test.quality)]).all())
        measured = test.n_seeds() > 0
        common = measured.sum(axis=0) * 2 >= len(test.lr)
        if measured[:, common].sum() * 2 < measured.sum():
            common[:] = True
        case = Case(
            test=test,
            select=np.where(np.isfinite(test.quality), chosen.quality if has_all else test.quality, np.nan),
            seconds=time.quality if time else np.full(test.quality.shape, np.nan),
            selected_on=select if has_all else "value",
            # Where most cells have one seed alone, the others choose among a few cells.
            crossfit=bool((test.n_seeds() > 1).sum() * 2 >= max(measured.sum(), 1)),
            columns=np.flatnonzero(common),
        )
        found.append(case)
    return found


def _selection_score(runs: pd.DataFrame) -> str:
    """The validation score of the test score that value is; of a loss or an imported figure there is none."""
    for test, val in (("test_best", "val_best"), ("test_final", "val_final")):
        if {test, val} <= set(runs.columns) and runs[test].equals(runs["value"]):
            return val
    return "value"


def _replay(case: Case, cases: list[Case], rho: float, start: tuple[float, float]) -> Iterator[dict[str, Any]]:
    scores = case.cells(case.test.quality)
    honest = search.fold_means(case.cells(case.select), case.crossfit)
    in_sample = search.fold_means(scores, crossfit=False)
    views = (honest, in_sample)
    n_runs = np.isfinite(scores).sum()
    n_cells = int(np.isfinite(scores).any(axis=1).sum())
    hours = np.nansum(case.cells(case.seconds)) / 3600 if np.isfinite(case.seconds).any() else np.nan

    def share_of_grid(budget: float) -> dict[str, Any]:
        return {
            "budget": round(budget, 1),
            "runs": round(budget * n_runs / n_cells, 1),
            "device_hours": budget * hours / n_cells,
        }

    full, full_in_sample = (search.exhaustive(means, scores) for means in views)
    yield _row(case, "full-2d", full, full, full_in_sample, **share_of_grid(n_cells))

    for strategy, constant, line, blank in _lines(case, cases, rho, start):
        more: dict[str, Any] = {"constant": constant, "blank": blank}
        if line is None:
            yield _row(case, strategy, full, **more)
            continue
        on_line = line.at(case.test.quality)
        line_views = (
            search.fold_means(line.at(case.select), case.crossfit),
            search.fold_means(on_line, crossfit=False),
        )
        on_views = [search.exhaustive(means, on_line) for means in line_views]
        more |= {
            "budget": int(line.reached.sum()),
            "runs": int(np.isfinite(on_line).sum()),
            "device_hours": float(np.nansum(line.at(case.seconds)) / 3600) if np.isfinite(hours) else np.nan,
            "points": line.points,
            "missed": int((~line.reached).sum()),
        }
        yield _row(case, strategy, full, *on_views, **more)

    starts = {
        "alternating-start": [_nearest_cell(case, start)],
        "alternating-corners": [(i, j) for i in (0, case.shape[0] - 1) for j in (0, case.shape[1] - 1)],
    }
    for strategy, begin in starts.items():
        (found, tried), (found_in_sample, _) = (
            np.mean([search.alternating(means, scores, case.shape, cell) for cell in begin], axis=0) for means in views
        )
        yield _row(case, strategy, full, found, found_in_sample, **share_of_grid(float(np.mean(tried))))

    budgets = sorted({n for n in [len(case.test.lr), *(2**k for k in range(1, 20))] if n < n_cells})
    if budgets:
        drawn = [search.random(means, scores, budgets) for means in views]
        spread = [search.quasi_random(means, scores, case.shape, budgets) for means in views]
        for strategy, by_view in {"random": drawn, "quasi-random": spread}.items():
            for budget, at_budget, at_budget_in_sample in zip(budgets, *by_view, strict=True):
                yield _row(case, strategy, full, at_budget, at_budget_in_sample, **share_of_grid(budget))


def _row(
    case: Case,
    strategy: str,
    full: Floats,
    found: Floats | None = None,
    in_sample: Floats | None = None,
    **more: Any,
) -> dict[str, Any]:
    row = {**case.test.key, "strategy": strategy, "blank": "", "missed": 0} | more
    row |= {"selected_on": case.selected_on, "crossfitted": case.crossfit}
    if found is None or in_sample is None:
        return row
    gap = (full - found)[np.isfinite(full - found)]
    value = found[np.isfinite(found)]
    if len(gap) == 0 or len(value) == 0:
        return row | {"blank": row["blank"] or "no seed has the cells to score it"}
    row |= {"value": case.test.sign * value.mean(), "gap": gap.mean()}
    if case.crossfit and len(gap) > 1:
        row["gap_lo"], row["gap_hi"] = mean_of(gap).interval()
    if case.crossfit or case.selected_on != "value":
        row["optimism"] = float(np.nanmean(in_sample)) - value.mean()
    return row


def _lines(
    case: Case, cases: list[Case], rho: float, start: tuple[float, float]
) -> Iterator[tuple[str, float, Line | None, str]]:
    """Every one-dimensional protocol: its name, its constant, and its line or why there is none."""
    given = {"ratio": rho, "product": start[0] * start[1], "fixed-wd": start[1]}
    for law, power in POWERS.items():
        yield f"{law}-1d", given[law], *_line_or_blank(case, given[law], power)
        others = [
            other
            for other in cases
            if (other.test.dataset, other.test.recipe) == (case.test.dataset, case.test.recipe)
            and other.test.arch != case.test.arch
        ]
        logs = np.concatenate([_log_constants(other.test, power) for other in others] or [np.empty(0)])
        if not others:
            yield f"{law}-1d-fitted", np.nan, None, "there is no other architecture to fit it on"
        elif len(logs) == 0:
            yield f"{law}-1d-fitted", np.nan, None, "no other architecture has a distinct optimum above λ = 0"
        else:
            fitted = float(np.exp(logs.mean()))
            yield f"{law}-1d-fitted", fitted, *_line_or_blank(case, fitted, power)
        for constant in _tied_constants(case, power):
            if abs(constant / given[law] - 1) > SAME:
                yield f"{law}-1d-tied", constant, *_line_or_blank(case, constant, power)


def _log_constants(test: Landscape, power: float) -> Floats:
    """log(λ* · η^power) of every lr with a distinct optimum above 0.

    Their mean weighs every lr alike, where the published regression gives the largest nearly all the weight.
    """
    choice = argmax_wd(test.mean(), test.wd, test.searchable())
    wd = choice.wd(test.wd)
    kept = choice.found & ~choice.tied & (np.nan_to_num(wd) > 0)
    return np.log(wd[kept]) + power * np.log(test.lr[kept])


def _tied_constants(case: Case, power: float) -> list[float]:
    """Constants of the lines trained at every lr that have cells off the two-dimensional grid."""
    off_axis = np.ones(len(case.test.wd), dtype=bool)
    off_axis[case.columns] = False
    measured = case.test.n_seeds() > 0
    rows, columns = np.nonzero(measured & off_axis & (case.test.wd > 0))
    constants: list[float] = []
    for constant in case.test.wd[columns] * case.test.lr[rows] ** power:
        line = _line(case, float(constant), power)
        new = all(abs(constant / known - 1) > SAME for known in constants)
        if new and line.reached.all() and line.points == "trained":
            constants.append(float(constant))
    return constants


def _line_or_blank(case: Case, constant: float, power: float) -> tuple[Line | None, str]:
    line = _line(case, constant, power)
    if line.reached.any():
        return line, ""
    return None, "its λ lies outside the trained ones at every learning rate"


def _line(case: Case, constant: float, power: float) -> Line:
    """Bracket λ(η) = constant / η^power in log λ between the trained positive λ of each lr."""
    test = case.test
    n_lr = len(test.lr)
    low, high, weight = np.zeros(n_lr, np.int64), np.zeros(n_lr, np.int64), np.zeros(n_lr)
    reached = np.zeros(n_lr, bool)
    for i, target in enumerate(constant / test.lr**power):
        there = np.flatnonzero((test.n_seeds()[i] > 0) & (test.wd > 0))
        same = there[np.abs(test.wd[there] / target - 1) <= SAME]
        after = int(np.searchsorted(test.wd[there], target))
        if len(same):
            low[i], high[i], reached[i] = same[0], same[0], True
        elif 0 < after < len(there):
            low[i], high[i], reached[i] = there[after - 1], there[after], True
            weight[i] = np.log(target / test.wd[low[i]]) / np.log(test.wd[high[i]] / test.wd[low[i]])
    return Line(low, high, weight, reached)


def _nearest_cell(case: Case, start: tuple[float, float]) -> tuple[int, int]:
    """The grid's cell nearest in decades to (lr, wd); λ = 0 only where there is no other."""
    wd = case.test.wd[case.columns]
    distance = np.abs(np.log10(np.where(wd > 0, wd, 1e-300)) - np.log10(start[1]))
    return int(np.argmin(np.abs(np.log10(case.test.lr / start[0])))), int(np.argmin(distance))
