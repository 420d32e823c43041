"""What `decay-atlas status` prints: to the letter where it goes to a file, and look by look on a terminal."""

from __future__ import annotations

import io
import os
import time

import pytest
from rich.console import Console

from decay_atlas import cli
from decay_atlas.status import command, facts
from decay_atlas.status.jobs import Jobs
from decay_atlas.study.config import load
from tests.status.conftest import Folder

GOLDEN = """\
Study small: 24 runs, 14 finished

 data set  recipe           architecture  done  running  failed  diverged  missing  h used  h left
 ─────────────────────────────────────────────────────────────────────────────────────────────────
 digits    published-cifar  resnet50         1        2       3         1        5     1.5     9.5
                            vit_small       12        ·       ·         ·        ·      15       0

 all                                        13        2       3         1        5      16     9.5

At work: 1 job(s), about 10 h left with as many at once
  digits published-cifar resnet50 lr 0.001 wd 0.1 ━━━━     50 % 1/3 runs, epoch 100/200 5 min ago
Failed:
  digits published-cifar resnet50 lr 0.01 wd 1
    results/logs/train/digits/published-cifar/resnet50/DIGEST/lr0.01_wd1.log
    | OSError: no space
    | error: 1 of 3 runs failed: a
Damaged records (counted as failed):
  results/runs/digits/published-cifar/resnet50/DIGEST/lr0.01_wd1_seed1.json: damaged (Expecting
value: line 1 column 1 (char 0)); delete it and the run is trained again
Slowest cells, against the median cell of the same network, data and recipe:
  digits published-cifar vit_small lr 0.01 wd 1: 2 h a run, × 2.0, on n1
"""


@pytest.fixture
def half_done(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A bit of everything."""
    at_work = folder.runs(arch="resnet50", lr=0.001, wd=0.1)
    folder.train(at_work[:1])
    os.utime(folder.root / at_work[0].path, (time.time() - 600,) * 2)
    folder.train(folder.runs(arch="resnet50", lr=0.001, wd=1.0)[:1], seconds=1800, status="diverged")
    folder.train(folder.runs(arch="vit_small"))
    folder.train(folder.runs(arch="vit_small", lr=0.01, wd=1.0), seconds=7200)
    folder.checkpoint(at_work[1], 100, age=300)
    folder.log(at_work, "resumed\n", age=300)
    failed = folder.runs(arch="resnet50", lr=0.01, wd=1.0)
    folder.log(failed, "OSError: no space\nerror: 1 of 3 runs failed: a\n")
    (folder.root / failed[1].path).write_text("")
    monkeypatch.setattr(facts, "jobs_of", lambda root: Jobs(frozenset({at_work[0].path}), frozenset(), {}, ""))
    return folder


def lines(text: str, folder: Folder) -> list[str]:
    digest = folder.runs(arch="resnet50")[0].digest
    return [line.rstrip() for line in text.replace(digest, "DIGEST").splitlines()]


def test_the_text_in_a_pipe(half_done: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--study", "small"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert lines(out, half_done) == GOLDEN.splitlines()
    assert max(map(len, out.splitlines())) <= 100


def test_a_finished_study_says_how_its_report_is_made(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.train(folder.runs())
    assert cli.main(["status", "--study", "small"]) == 0
    assert "for tables and report: snakemake --cores all --configfile studies/small.yaml" in capsys.readouterr().out


def test_with_nothing_trained_it_says_how_to_begin(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--study", "small"]) == 0
    out = capsys.readouterr().out
    assert "Study small: 24 runs, 0 finished" in out
    assert "No job is known to be at work. To go on: snakemake --cores all" in out
    assert "Hours left are unknown (?)" in out
    folder.train(folder.runs(arch="resnet50")[:1])
    assert cli.main(["status", "--study", "small"]) == 0
    assert capsys.readouterr().out.splitlines()[7].rstrip().endswith("11 + ?")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("imports: [sweep.csv]", "its runs are imported and nothing is trained"),
        ("lookahead: {last: 401, strides: [100]}", "bounds are computed and nothing is trained"),
    ],
)
def test_a_study_that_trains_nothing_says_so(
    folder: Folder, capsys: pytest.CaptureFixture[str], key: str, says: str
) -> None:
    (folder.root / "studies/other.yaml").write_text(f"study: other\n{key}\n")
    assert cli.main(["status", "--study", "other"]) == 0
    out = capsys.readouterr().out
    assert says in out
    assert "not made yet: snakemake --cores all --configfile studies/other.yaml" in out


def test_a_study_that_is_not_there_is_refused(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--study", "smal"]) == 2
    assert "no study 'smal'" in capsys.readouterr().err


def test_live_looks_again_until_all_is_trained(folder: Folder) -> None:
    out = Console(file=io.StringIO(), force_terminal=True, width=100, legacy_windows=False)
    waits = []

    def clock(seconds: float) -> None:
        waits.append(seconds)
        folder.train(folder.runs()[: 12 * len(waits)])

    command.report(load("small"), live=True, out=out, sleep=clock)
    assert waits == [command.EVERY] * 2
    text = out.file.getvalue()
    assert [f"24 runs, {done} finished" in text for done in (0, 12, 24)] == [True] * 3


def test_ctrl_c_ends_a_live_view_in_peace(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def clock(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command.report, "__kwdefaults__", {**command.report.__kwdefaults__, "sleep": clock})
    assert cli.main(["status", "--study", "small", "--live"]) == 0
