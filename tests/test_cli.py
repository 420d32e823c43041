"""The command line: look at a cell, train it anew, be told what is wrong."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from decay_atlas import cli
from decay_atlas.runs.records import staged, write_json
from decay_atlas.simulation import planning
from decay_atlas.simulation.planning import plan
from decay_atlas.simulation.simulator import simulate
from decay_atlas.study.config import grid_of, load
from tests.recorded import record_of

ROOT = Path(__file__).parents[1]
CELL = ["cell", "--study", "small", "--arch", "resnet50", "--lr", "0.01", "--wd", "0.1"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with config.yaml and one small study, as the working directory."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    block = {
        "dataset": "digits",
        "recipe": "published-cifar",
        "arch": ["resnet50", "vit_small"],
        "lr": [0.001, 0.01],
        "wd": [0.1, 1.0],
        "seed": [0, 1],
    }
    (tmp_path / "studies/small.yaml").write_text(yaml.safe_dump({"study": "small", "grid": [block]}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_records() -> list[Path]:
    runs = grid_of(load("small")).runs
    for run in runs:
        write_json(run.path, record_of(run))
    return [Path(run.path) for run in runs]


def test_a_cell_shows_its_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(CELL) == 0
    assert capsys.readouterr().out.count("not trained yet") == 2
    write_records()
    assert cli.main([*CELL, "--seed", "1"]) == 0
    assert capsys.readouterr().out.strip().endswith("lr0.01_wd0.1_seed1.json: ok, test_best 91.5, 2.0 s")


def test_a_finished_run_whose_pack_failed_is_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in write_records():
        staged(path).parent.mkdir(exist_ok=True)
        path.replace(staged(path))
    assert cli.main([*CELL, "--seed", "1"]) == 0
    shown = capsys.readouterr().out.strip()
    assert shown.endswith("seed1.json: ok, test_best 91.5, 2.0 s, put into place by the next call of snakemake")


def test_a_cell_shows_the_score_that_its_study_goes_by(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "studies/small.yaml"
    loss = {"score": "test_loss_final", "name": "loss", "unit": "", "direction": "min"}
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "metric": loss}))
    first, second = (
        run for run in grid_of(load("small")).runs if (run.arch, run.lr, run.wd) == ("resnet50", 0.01, 0.1)
    )
    # no accuracy, as in regression
    write_json(first.path, record_of(first, test_best=None, test_loss_final=0.012345))
    write_json(second.path, record_of(second, test_best=None, test_loss_final=None))
    assert cli.main(CELL) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in shown] == [
        "ok, test_loss_final 0.01235, 2.0 s",
        "ok, test_loss_final –, 2.0 s",
    ]


def test_retraining_is_asked_for_just_the_cells_runs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(cli, "retrain", lambda runs, every, options, file: asked.append((runs, options, file)) or 3)
    assert cli.main([*CELL, "--retrain", "--", "--cores", "1"]) == 3
    runs, options, file = asked[0]
    assert [(run.arch, run.lr, run.wd, run.seed) for run in runs] == [
        ("resnet50", 0.01, 0.1, 0),
        ("resnet50", 0.01, 0.1, 1),
    ]
    assert (options, file) == (["--cores", "1"], Path("studies/small.yaml"))


@pytest.mark.parametrize("option", ["-n", "--dry-run"])
def test_a_dry_run_retrains_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    paths = write_records()
    monkeypatch.delattr(cli, "retrain")
    assert cli.main([*CELL, "--retrain", "--", option]) == 2
    assert "dry run" in capsys.readouterr().err
    assert all(path.exists() for path in paths)


@pytest.mark.parametrize("rate", ["0", "-0.01", "nan", "inf", "fast"])
def test_a_learning_rate_that_is_none_is_refused(project: Path, capsys: pytest.CaptureFixture[str], rate: str) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(["recommend", "--study", "small", "--arch", "resnet50", "--lr", rate])
    assert raised.value.code == 2
    assert f"{rate}: a learning rate is a number greater than 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["cell", "--study", "smal", "--arch", "a", "--lr", "1", "--wd", "1"],
            "no study 'smal'; there are: ",
        ),
        ([*CELL[:4], "resnet18", *CELL[5:]], "no arch resnet18; it has: resnet50, vit_small"),
        ([*CELL[:6], "0.02", *CELL[7:]], "no lr 0.02; it has: 0.001, 0.01"),
        (["cell", "--arch", "resnet50", "--lr", "0.01", "--wd", "0.1"], "add --dataset cifar100 or imagenet"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert cli.main(arguments) == 2
    assert says in capsys.readouterr().err


def test_a_plan_prints_cost_verdict_and_a_grid_to_paste(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "plan", lambda study, files, processes: plan(study, files, repeats=1))
    write_records()
    assert cli.main(["plan", "--study", "small"]) == 0
    out = capsys.readouterr().out
    assert "16 runs, 0 of them to do, 0 jobs to submit" in out
    assert "This grid cannot tell the three laws apart" in out
    assert "grid:\n  - dataset: [digits]" in out


@pytest.mark.parametrize("command", [["plan", "--study", "imported"], [*CELL[:2], "imported", *CELL[3:]]])
def test_a_study_of_imported_runs_has_neither_plan_nor_cells(
    project: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (project / "studies/imported.yaml").write_text("study: imported\nimports: [sweep.csv]\n")
    assert cli.main(command) == 2
    assert "study imported imports its runs" in capsys.readouterr().err


def recommended(project: Path, capsys: pytest.CaptureFixture[str], runs: pd.DataFrame, lr: float, **metric: str) -> str:
    """What `recommend` prints for a study of these runs at a learning rate."""
    content = {"study": "imported", "imports": ["sweep.csv"], "metric": metric}
    (project / "studies/imported.yaml").write_text(yaml.safe_dump(content))
    (project / "results/imported").mkdir(parents=True, exist_ok=True)
    runs.to_parquet(project / "results/imported/runs.parquet")
    cli.main(["recommend", "--study", "imported", "--arch", "net", "--lr", str(lr)])
    return capsys.readouterr().out


LR, WD = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2], [1e-3, 1e-2, 0.1, 1, 10]


def test_a_recommendation_without_an_interval_says_no_interval(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = recommended(project, capsys, simulate([1e-3, 1e-2], WD, 1), 1e-3)
    assert "weight decay" in said
    assert "nan" not in said


def test_a_small_loss_is_told_in_the_metrics_own_digits(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = simulate(LR, WD, 3)
    for metric in ({"unit": "fraction"}, {"unit": "", "name": "share"}):
        said = recommended(project, capsys, runs.assign(value=runs["value"] / 1e4), 1e-3, **metric)
        assert "On the grid it lost" in said
        assert "0.00 " not in said
        assert "  " not in said


def test_why_there_is_no_recommendation_keeps_its_small_letters(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = recommended(project, capsys, simulate(LR, WD, 3), 3.0)
    assert "η is more than" in said


@pytest.mark.parametrize("command", [["plan"], ["recommend", *CELL[3:7]], ["cell", *CELL[3:]]])
def test_a_look_ahead_study_has_no_runs_to_ask_about(
    project: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (project / "studies/bounds.yaml").write_text("study: bounds\nlookahead: {last: 401, strides: [100]}\n")
    assert cli.main([*command, "--study", "bounds"]) == 2
    assert "study bounds: bounds are computed and nothing is trained" in capsys.readouterr().err


def test_a_recommendation_has_its_interval_its_band_and_the_side_to_err_to(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From λ = 0.1 on all is lost; in between the η, curves that were not measured decide."""
    runs = simulate(LR[2:4], [1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, 30], 5, law="decoupled")
    runs.loc[runs["wd"] >= 0.1, "value"] -= 20
    cliff, between = (recommended(project, capsys, runs, lr) for lr in (1e-3, 2e-3))
    assert "(95 % interval " in cliff
    assert "the expected loss stays within" in cliff
    assert " pp (measured at the ends: " in cliff
    assert "Err low: too large a λ costs more than too small a one." in cliff
    assert "by least expected loss over the curves the data allow" in between
    assert "measured at the ends" not in between
    assert "On the grid it lost" not in between


def test_the_studys_tolerance_is_the_bands(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = simulate(LR, WD, 3)
    file = project / "config.yaml"
    file.write_text(file.read_text().replace("\nstatistics:\n", "\nstatistics:\n  tolerance: 1.5\n"))
    assert "the expected loss stays within 1.5 pp" in recommended(project, capsys, runs, 1e-3)
