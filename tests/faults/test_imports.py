"""Hostile and careless tables of runs: taken for what they mean, or refused with the file and the line."""

from __future__ import annotations

import csv
import io
import unicodedata
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from decay_atlas.statistics import recommendation
from decay_atlas.tables.files import read_table, table_text, write_table
from decay_atlas.tables.import_files import ImportedRunsError
from decay_atlas.tables.imports import LARGEST, SMALLEST, import_runs
from tests.reporting.pages import page_of
from tests.tables.test_imports import PERCENT, sweep, written

MISSING = {"lr": 0.001, "wd": 0.1, "seed": 0, "value": 90.0}
"""A sound value of every number that a run needs."""
KINDS = {
    "nullable": lambda values, whole: pd.array(values, dtype="Int64" if whole else "Float64"),
    "arrow": lambda values, whole: pd.array(values, dtype="int64[pyarrow]" if whole else "double[pyarrow]"),
    "float": lambda values, whole: pd.array(values, dtype="Float64").astype("float64"),
    "object": lambda values, whole: pd.Series([None if value is pd.NA else value for value in values], dtype=object),
}


def imported(folder: Path, frame: pd.DataFrame, name: str = "sweep.csv", metric: dict[str, str] = PERCENT):
    return import_runs([written(frame, folder, name)], {}, {}, metric)


@pytest.mark.parametrize("column", MISSING)
@pytest.mark.parametrize("kind", KINDS)
def test_a_number_that_parquet_lacks_is_refused(tmp_path: Path, column: str, kind: str) -> None:
    values: list[Any] = sweep()[column].tolist()
    values[1] = pd.NA
    frame = sweep(**{column: KINDS[kind](values, column == "seed")})
    with pytest.raises(ImportedRunsError, match=rf"column {column}: 1 value.*sweep\.parquet:2 \("):
        imported(tmp_path, frame, "sweep.parquet")


@pytest.mark.parametrize("column", MISSING)
@pytest.mark.parametrize("empty", ["", " ", "NA", "nan", "null", "None", "<NA>", "n/a"])
def test_a_number_that_csv_lacks_is_refused(tmp_path: Path, column: str, empty: str) -> None:
    values = [str(value) for value in sweep()[column]]
    values[2] = empty
    with pytest.raises(ImportedRunsError, match=rf"column {column}: 1 value.*sweep\.csv:4 \("):
        imported(tmp_path, sweep(**{column: values}))


@pytest.mark.parametrize("column", ["lr", "wd", "value", "seconds"])
@pytest.mark.parametrize("value", [True, pd.Timestamp("2026-01-01"), pd.Timedelta(1), "a", [0.1]], ids=str)
def test_what_is_no_number_is_refused(tmp_path: Path, column: str, value: Any) -> None:
    with pytest.raises(ImportedRunsError, match=rf"column {column}.*sweep\.parquet:1"):
        imported(tmp_path, sweep(**{column: pd.Series([value] * 4)}), "sweep.parquet")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(
            ("lr", value)
            for value in [1e308, 5e-324, 1e-31, 1.1e30, 0.0, -1e-3, np.inf, "0x1p-3", "0,1", "1e-3 "[::-1]]
        ),
        *(("wd", value) for value in [1e308, 5e-324, 2.2e-308, -0.1, -np.inf, "1e400", "٠٫١", "½"]),
        *(("value", value) for value in [np.inf, "-inf", 1e308, "9O.1", -0.5, 100.1]),
        *(("seconds", value) for value in [-1.0, np.inf, "1e999", "soon"]),
        *(("n_devices", value) for value in [0, -4, "many"]),
        *(("status", value) for value in ["", "OK", "failed", "ok\n", "0"]),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, column: str, value: Any) -> None:
    before = sweep()[column].tolist() if column in sweep() else ["ok"] * 4 if column == "status" else [1] * 4
    with pytest.raises(ImportedRunsError, match=r"sweep\.csv:[0-9]+"):
        imported(tmp_path, sweep(**{column: [*before[:3], value]}))


def test_the_whole_range_of_learning_rates_and_weight_decays_has_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is let in must break nothing further on."""
    monkeypatch.setattr(recommendation, "PER_DECADE", 1)  # there are sixty
    axis = [SMALLEST, 1.0, LARGEST]
    grid = pd.DataFrame(
        [(lr, wd, seed) for lr in axis for wd in [0, *axis] for seed in (0, 1)], columns=["lr", "wd", "seed"]
    )
    values = np.random.default_rng(0).uniform(20, 90, len(grid))
    runs = imported(tmp_path, grid.assign(dataset="d", recipe="r", arch="a", value=values))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert "</html>" in page_of(runs)


@pytest.mark.parametrize(
    "values",
    [
        [91.0, 0.92, 90.0, 0.1],
        [0.91, 0.925, 0.9, 91.2],
        [91.0, 92.5, 0.905, 0.915],
        [12.0, 0.12, 11.0, 10.0],
    ],
)
def test_fractions_among_percent_are_refused(tmp_path: Path, values: list[float]) -> None:
    with pytest.raises(ImportedRunsError, match=r"look like fractions among percent: .*sweep\.csv:[2-5] \(0\.[0-9]+\)"):
        imported(tmp_path, sweep(value=values))


def test_one_data_set_in_fractions_beside_one_in_percent_is_refused(tmp_path: Path) -> None:
    frame = sweep(dataset=["a", "a", "b", "b"], value=[91.0, 92.5, 0.9, 0.91])
    with pytest.raises(ImportedRunsError, match=r"2 value\(s\) of b look like fractions"):
        imported(tmp_path, frame)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": [61.0, 72.5, 1.0, 0.98]},  # 100 classes, two networks at chance
        {"value": [56.0, 70.5, 0.1, 0.1]},  # 1,000 classes
        {"value": [70.0, 75.0, 0.72, 0.1], "status": ["ok", "ok", "diverged", "diverged"]},
        {"value": [0.0, 0.0, 100.0, 100.0]},
    ],
)
def test_percent_as_low_as_chance_is_taken(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert imported(tmp_path, sweep(**changes))["value"].tolist() == changes["value"]


@pytest.mark.parametrize("other", ["net ", " net", "\tnet\t", "net\u00a0", "net\u3000"])
def test_space_around_a_name_makes_no_second_network(tmp_path: Path, other: str) -> None:
    assert imported(tmp_path, sweep(arch=["net", other, "net", other]))["arch"].eq("net").all()


def test_two_ways_to_write_an_accent_make_one_network(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "résnet") for form in ("NFC", "NFD")] * 2
    assert imported(tmp_path, sweep(arch=names))["arch"].nunique() == 1


@pytest.mark.parametrize("column", ["dataset", "recipe", "arch", "device"])
@pytest.mark.parametrize(
    "mark",
    ["\0", "\x07", "\x1b[31m", "\n", "\r", "\x7f", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\ue000"],
    ids=ascii,
)
def test_characters_that_cannot_be_printed_are_refused_in_names(tmp_path: Path, column: str, mark: str) -> None:
    names = ["net", f"n{mark}et", "net", "net"]
    with pytest.raises(ImportedRunsError) as raised:
        imported(tmp_path, sweep(**{column: names}), "sweep.parquet")
    message = str(raised.value)
    assert f"column {column}: 1 name(s) hold characters that cannot be printed" in message
    assert "sweep.parquet:2" in message
    assert message.isprintable()


@pytest.mark.parametrize("column", ["arch", "seed"])
@pytest.mark.parametrize("name", [["a"], {"a": 1}, b"a\xff"], ids=str)
def test_what_is_no_text_is_refused_as_a_name(tmp_path: Path, column: str, name: Any) -> None:
    with pytest.raises(ImportedRunsError, match=rf"column {column} must hold text: .*sweep\.parquet:1"):
        imported(tmp_path, sweep(**{column: pd.Series([name] * 4)}), "sweep.parquet")


IDS = ["3k2j9x0a", "zz81", "007", "1e5"]


@pytest.mark.parametrize("name", ["sweep.csv", "sweep.parquet"])
def test_ids_of_runs_are_numbered_as_seeds(tmp_path: Path, name: str) -> None:
    runs = imported(tmp_path, sweep(seed=IDS), name)
    assert runs["seed"].tolist() == [0, 0, 0, 0]
    assert runs["seed_given"].tolist() == IDS
    again = imported(tmp_path, runs, "archive.parquet")
    pd.testing.assert_frame_equal(again[["seed", "seed_given"]], runs[["seed", "seed_given"]])


def test_ids_that_cells_share_stay_pairs(tmp_path: Path) -> None:
    parts = [sweep(seed=seed, value=sweep()["value"] + place) for place, seed in enumerate(["beta", "alpha", "7"])]
    runs = imported(tmp_path, pd.concat(parts))
    assert runs["seed"].tolist() == [2] * 4 + [1] * 4 + [0] * 4
    assert runs["seed_given"].isna().all()


def test_ids_beside_numbers_are_numbered_each_in_its_combination(tmp_path: Path) -> None:
    files = [
        written(sweep(seed=IDS), tmp_path, "a.csv"),
        written(sweep(arch="vit", seed=[5, 6, 7, 8]), tmp_path, "b.parquet"),
        written(sweep(arch="mixer", seed=3), tmp_path, "c.csv"),
    ]
    runs = import_runs(files, {}, {}, PERCENT)
    assert runs["seed_given"].dropna().tolist() == [*IDS, "5", "6", "7", "8"]
    runs.to_parquet(tmp_path / "archive.parquet")
    again = import_runs([tmp_path / "archive.parquet"], {}, {}, PERCENT)
    pd.testing.assert_frame_equal(again[["seed", "seed_given"]], runs[["seed", "seed_given"]])


def test_seeds_beyond_the_digits_of_floats_stay_apart(tmp_path: Path) -> None:
    seeds = [2**60, 2**60 + 1]
    assert imported(tmp_path, sweep(lr=0.1, wd=0.1, seed=[*seeds, 1, 2]))["seed"].tolist() == [*seeds, 1, 2]


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, 10**30, 0.5, "0.5", "1e400"])
def test_seeds_that_are_no_whole_numbers_of_64_bits_are_refused(tmp_path: Path, seed: Any) -> None:
    with pytest.raises(ImportedRunsError, match=r"column seed .*sweep\.csv:2"):
        imported(tmp_path, sweep(seed=[str(seed), "0", "0", "0"]))


FORMULAS = ["=1+1", '=cmd|"/c calc"!A0', "+net", "-net", "-0.5", "@SUM(A1)", "'=1", "''@x", "＝1+1", "=a,b", '="', "'"]
HARMLESS = ["18", "007", "None", "1e-3", "a=b", "net-18", "'net'", "a'=b"]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_cell_of_a_table_runs_in_a_spreadsheet(name: str) -> None:
    table = pd.DataFrame({"arch": [name], "slope": [-0.5], "note": [f"{name} is best"], "k": [-1]})
    (_, cells) = csv.reader(io.StringIO(table_text(table)))
    assert not any(cell[0] in "=+-@＝＋－＠" for cell in (cells[0], cells[2]))
    assert (cells[1], cells[3]) == ("-0.5", "-1")


def test_marked_cells_read_back_as_they_were(tmp_path: Path) -> None:
    names = [*FORMULAS, *HARMLESS, None]
    size = len(names)
    table = pd.DataFrame(
        {"arch": names, "note": [*names[:-1], "+"], "slope": -np.arange(size) / 2, "n": -np.arange(size)}
    )
    table["mixed"] = pd.Series([-1.5, "-x", *[None] * (size - 2)], dtype=object)
    write_table(table, tmp_path / "table.csv")
    found = read_table(tmp_path / "table.csv")
    pd.testing.assert_frame_equal(found.drop(columns="mixed"), table.drop(columns="mixed"), check_dtype=False)
    assert found["slope"].dtype == float
    assert found["mixed"].dropna().tolist() == ["-1.5", "-x"]


def test_a_page_of_hostile_names_is_made_and_runs_none_of_them(tmp_path: Path) -> None:
    """Names that a browser would run, that matplotlib would set as mathematics, and a spreadsheet as a formula."""
    frame = pd.DataFrame(
        [(arch, lr, wd) for arch in ["=1+1", "<!--<script>"] for lr in (1e-3, 1e-2) for wd in (0.01, 0.1, 1)],
        columns=["arch", "lr", "wd"],
    ).assign(dataset='<script>alert("x")</script> 网络 🙂', recipe=r"$x^$ \frac{ {{ 7*7 }}", seed=0)
    runs = imported(tmp_path, frame.assign(value=80 - frame["wd"]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        page = page_of(runs)
    assert "<script>alert(" not in page
    assert "<!--<script>" not in page
    assert "{{ 7*7 }}" in page


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("arch,lr\n".encode("utf-16"), r"is not UTF-8; save it as UTF-8"),
        ("arch,lr\nrésnet,1\n".encode("latin-1"), r"is not UTF-8; save it as UTF-8"),
        (b"arch,lr\n" + b"a" * 200_000 + b",1\n", r"cannot be read as csv \(field larger"),
        (b'arch,lr\n"a,1\n', r"sweep\.csv:[0-9]: has 1 fields"),
        (b"\0" * 64, r"no column|has a header but no runs"),
        (b"PK\x03\x04 a workbook", r"sweep\.csv: "),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "sweep.csv"
    path.write_bytes(content)
    with pytest.raises(ImportedRunsError, match=says):
        import_runs([path], {}, {}, PERCENT)


@pytest.mark.parametrize("kept", [0, 3, 4, 100, 1000, -1, -4, -8, -500])
def test_cut_parquet_is_refused(tmp_path: Path, kept: int) -> None:
    path = written(sweep(), tmp_path, "sweep.parquet")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ImportedRunsError, match=r"sweep\.parquet: cannot be read as parquet"):
        import_runs([path], {}, {}, PERCENT)


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    for column in ("lr", "accuracy"):
        text = sweep().rename(columns={"value": "accuracy"}).assign(twice=1).to_csv(index=False)
        (tmp_path / "sweep.csv").write_text(text.replace("twice", column, 1))
        with pytest.raises(ImportedRunsError, match=rf"'{column}' and '{column}' would both be"):
            import_runs([tmp_path / "sweep.csv"], {}, {}, PERCENT)
