"""Files that the workflow made and something damaged: named with the way out, made again where they were emptied."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from decay_atlas import cli
from decay_atlas.execution.scripting import SIZES, note_sizes, remove_cut_off
from decay_atlas.reporting.svg import Panel, plate, read_plate
from decay_atlas.runs.records import DamagedFileError
from decay_atlas.tables.files import read_runs, read_table, write_table

WAY_OUT = "delete it and run the same command again, which makes it anew"
RUNS = pd.DataFrame({"dataset": ["d"], "recipe": ["r"], "arch": ["a"], "lr": [0.1], "wd": [0.1], "seed": [0]})
RUNS = RUNS.assign(value=90.0, status="ok")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A study's results, one file of each kind."""
    write_table(RUNS, _placed(tmp_path / "tables/optima.csv"))
    RUNS.to_parquet(tmp_path / "runs.parquet", index=False)
    _placed(tmp_path / "figures/optima.svg").write_text(plate([Panel(Figure(), "what it shows")], "optima"))
    (tmp_path / "report.html").write_text("<!DOCTYPE html>\n<p>what was found</p>\n</html>")
    return tmp_path


def _placed(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


READERS: dict[str, Callable[[Path], Any]] = {
    "tables/optima.csv": read_table,
    "runs.parquet": read_runs,
    "figures/optima.svg": read_plate,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("harm", ["empty", "cut", "first half", "zeros", "bytes", "page"])
def test_damaged_files_are_named_with_the_way_out(results: Path, name: str, harm: str) -> None:
    file, read = results / name, READERS[name]
    read(file)
    whole = file.read_bytes()
    file.write_bytes(
        {
            "empty": b"",
            "cut": whole[:-2],
            "first half": whole[: len(whole) // 2],
            "zeros": b"\0" * len(whole),
            "bytes": bytes(range(128, 256)) * 9,
            "page": b"<!DOCTYPE html><p>404 not found",
        }[harm]
    )
    with pytest.raises(DamagedFileError) as raised:
        read(file)
    assert str(raised.value).startswith(f"{file}: damaged (")
    assert str(raised.value).endswith(WAY_OUT)


def test_a_parquet_file_of_something_else_is_no_table_of_runs(results: Path) -> None:
    RUNS.drop(columns=["value", "lr"]).to_parquet(results / "runs.parquet")
    with pytest.raises(DamagedFileError, match=r"runs\.parquet: damaged \(no column lr, value\)"):
        read_runs(results / "runs.parquet")


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_gone_is_not_called_damaged(results: Path, name: str) -> None:
    (results / name).unlink()
    with pytest.raises(FileNotFoundError):
        READERS[name](results / name)


def test_a_rules_log_has_the_message_alone(results: Path) -> None:
    (results / "runs.parquet").write_bytes(b"PAR1")
    code = "import sys; from decay_atlas.execution.scripting import log_to; "
    code += "from decay_atlas.tables.files import read_runs; "
    log, table = results / "optima.log", results / "runs.parquet"
    call = [sys.executable, "-c", code + "log_to(sys.argv[1]); read_runs(sys.argv[2])", str(log), str(table)]
    assert subprocess.run(call, check=False).returncode == 1
    assert len(log.read_text().splitlines()) == 1
    assert log.read_text().startswith(f"{table}: damaged")
    call[2] = code + "log_to(sys.argv[1]); 1 / 0"
    assert subprocess.run(call, check=False).returncode == 1
    assert log.read_text().startswith("Traceback")
    assert log.read_text().endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("name", [*READERS, "report.html"])
def test_what_was_emptied_is_made_again_and_the_report_with_it(results: Path, name: str) -> None:
    assert remove_cut_off(results, results) == []
    assert (results / "report.html").exists()
    (results / name).write_bytes(b"")
    assert remove_cut_off(results, results) == [results / name]
    assert not (results / name).exists()
    assert not (results / "report.html").exists()
    assert sum((results / other).exists() for other in READERS) == len(READERS) - (name in READERS)


@pytest.mark.parametrize("name", [*READERS, "report.html"])
@pytest.mark.parametrize("kept", [1, 12, 30, -2, -9])
def test_what_lacks_its_end_is_made_again(results: Path, name: str, kept: int) -> None:
    file = results / name
    file.write_bytes(file.read_bytes()[:kept])
    assert remove_cut_off(results, results) == [file]
    assert not file.exists()


@pytest.mark.parametrize("name", [*READERS, "report.html"])
def test_what_became_smaller_is_made_again_though_it_has_an_end(results: Path, name: str) -> None:
    """Such as a table that was cut at a line break."""
    note_sizes(results, results)
    assert remove_cut_off(results, results) == []
    file = results / name
    lines = file.read_bytes()
    file.write_bytes(lines[:20] + lines[21:] if name != "tables/optima.csv" else lines[: lines.index(b"\n") + 1])
    assert remove_cut_off(results, results) == [file]
    assert not file.exists()


@pytest.mark.parametrize("garbage", [b"", b"[]", b"{", b"\xff", b'{"a": "b"}', b"[" * 99_999])
def test_a_damaged_memory_of_sizes_removes_nothing(results: Path, garbage: bytes) -> None:
    (results / SIZES).write_bytes(garbage)
    assert remove_cut_off(results, results) == []
    note_sizes(results, results)
    (results / "report.html").write_text("<p></html>")
    assert remove_cut_off(results, results) == [results / "report.html"]


@pytest.mark.parametrize("kept", [1, 4, 100, -1, -4])
def test_parquet_without_its_end_is_made_again(results: Path, kept: int) -> None:
    file = results / "runs.parquet"
    file.write_bytes(file.read_bytes()[:kept])
    if kept == 4:
        file.write_bytes(b"PAR2")
    assert remove_cut_off(results, results) == [file]
    assert not file.exists()


def test_what_others_keep_in_the_folder_stays(results: Path, tmp_path: Path) -> None:
    for name in ("notes.txt", "tables/.gitkeep", "runs/a.json"):
        _placed(results / name).touch()
    assert remove_cut_off(results, results) == []
    assert remove_cut_off(tmp_path / "not there", tmp_path) == []


def test_the_advice_of_a_damaged_study_is_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "load", lambda name: {"metric": {"direction": "max"}})
    _placed(Path("results/small/runs.parquet")).write_bytes(b"PAR1")
    assert cli.main(["recommend", "--study", "small", "--arch", "a", "--lr", "0.1"]) == 2
    assert WAY_OUT in capsys.readouterr().err
