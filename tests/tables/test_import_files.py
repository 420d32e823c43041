"""Files of other tools are read as they are, or refused with what is wrong with the file itself."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from decay_atlas.tables.import_files import ImportedRunsError, read_file

HEADER = "arch,lr,value"


def written(folder: Path, text: str) -> Path:
    path = folder / "sweep.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_fields_stay_as_they_are_written(tmp_path: Path) -> None:
    table = read_file(written(tmp_path, f"{HEADER}\nNone,1e-3,\n007,0.1,NA\n"))
    assert table.to_dict("list") == {"arch": ["None", "007"], "lr": ["1e-3", "0.1"], "value": ["", "NA"]}


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    text = f'\ufeff\n{HEADER}\na,1,1\n\n , ,\n"b, with\na break",1,1\nc,1,1\n'
    assert read_file(written(tmp_path, text)).index.tolist() == [3, 7, 8]


def test_rows_of_parquet_are_counted_from_one(tmp_path: Path) -> None:
    path = tmp_path / "sweep.parquet"
    pd.DataFrame({"arch": ["a", "b"]}, index=[7, 9]).to_parquet(path)
    assert read_file(path).index.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"sweep\.csv: is empty"),
        (f"{HEADER}\n", r"sweep\.csv: has a header but no runs"),
        (f"{HEADER}\na,1,1\nb,1\n", r"sweep\.csv:3: has 2 fields, the header 3"),
        (f"{HEADER}\na,1,1,\n", r"sweep\.csv:2: has 4 fields, the header 3"),
        ("arch;lr;value\na;0,1;90\n", r'sweep\.csv: .*separated by ";"; save it with commas'),
        ("arch\tlr\tvalue\na\t0.1\t90\n", r"sweep\.csv: .*separated by tabs; save it with commas"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ImportedRunsError, match=says):
        read_file(written(tmp_path, text))


@pytest.mark.parametrize("name", ["sweep.csv", "sweep.parquet"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00no table")
    with pytest.raises(ImportedRunsError, match=rf"{name}: (cannot be read as|is not UTF-8)"):
        read_file(tmp_path / name)
