"""The command line `decay-atlas`: plan a study, see how far it is, look at one cell, ask what to set."""

from __future__ import annotations

import argparse
import io
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from decay_atlas.execution.recovery import BusyError
from decay_atlas.execution.retrain import put_back, retrain
from decay_atlas.runs.grid import Run, number_text
from decay_atlas.runs.records import DamagedFileError, RecordError, place_of, read_record
from decay_atlas.study.config import Config, ConfigError, grid_of, load, study_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 where it failed, 2 where it was not understood."""
    parser = argparse.ArgumentParser(prog="decay-atlas", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_cell(commands.add_parser("cell", help="show the runs of a cell (lr, wd), or train them anew"))
    _add_plan(commands.add_parser("plan", help="say what a study costs and which laws its grid could tell"))
    _add_recommend(commands.add_parser("recommend", help="say what weight decay to set at a learning rate"))
    _add_status(commands.add_parser("status", help="say what is done, what runs, what failed and what is left"))
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without λ gets a question mark
    try:
        status = int(options.command(options))
        sys.stdout.flush()
        return status
    except (ConfigError, BusyError) as error:
        print(f"decay-atlas: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.filename is not None:
            raise
        return _unwritten(error)


def _unwritten(error: OSError) -> int:
    """The exit status where standard output takes no more; a reader that has seen enough, as `head`, is no failure."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer would fail again at the end
    if isinstance(error, BrokenPipeError):
        return 0
    print(f"decay-atlas: the output could not be written ({error.strerror})", file=sys.stderr)
    return 1


def _add_study(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--study", default="coupling", help="the study's name (default: %(default)s)")


def _add_place(parser: argparse.ArgumentParser) -> None:
    """The options that name a study, a combination and a learning rate."""
    _add_study(parser)
    parser.add_argument("--arch", required=True)
    parser.add_argument("--lr", type=_learning_rate, required=True)
    parser.add_argument("--dataset", help="needed where the study has several")
    parser.add_argument("--recipe", help="needed where the study has several")


def _learning_rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: a learning rate is a number greater than 0")
    return value


def _add_cell(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Show the records of one cell's runs. With --retrain Snakemake is called to train just these anew; the "
        "statistics and the report follow where all other runs of the study are done. A run that is not trained, "
        "because Snakemake does not start or fails, keeps the record that it had."
    )
    _add_place(parser)
    parser.add_argument("--wd", type=float, required=True)
    parser.add_argument("--seed", type=int, help="only this seed")
    parser.add_argument("--retrain", action="store_true", help="train these runs anew, by snakemake")
    parser.add_argument(
        "snakemake", nargs="*", metavar="-- SNAKEMAKE OPTION", help="for --retrain (default: --cores all)"
    )
    parser.set_defaults(command=_cell)


def _cell(options: argparse.Namespace) -> int:
    study = load(options.study)
    runs = _chosen(study, options)
    put_back(run.path for run in runs)
    for run in runs:
        print(f"{run.path}: {_state(run, study['metric']['score'])}")
    if not options.retrain:
        return 0
    if {"-n", "--dry-run", "--dryrun"} & set(options.snakemake):
        raise ConfigError("--retrain trains, so a dry run (-n) says nothing; leave one of the two out")
    arguments = options.snakemake or ["--cores", "all"]
    return retrain(runs, grid_of(study).runs, arguments, study_file(options.study))


def _chosen(study: Config, options: argparse.Namespace) -> list[Run]:
    axes = ["dataset", "recipe", "arch", "lr", "wd", "seed"]
    wanted = {axis: getattr(options, axis) for axis in axes if getattr(options, axis) is not None}
    if "imports" in study:
        raise ConfigError(f"study {options.study} imports its runs: they are in its files, and none can be trained")
    every = grid_of(study).runs
    runs = [run for run in every if all(getattr(run, axis) == value for axis, value in wanted.items())]
    if not runs:
        for axis, value in wanted.items():
            known = dict.fromkeys(getattr(run, axis) for run in every)
            if value not in known:
                texts = [number_text(one) if isinstance(one, float) else str(one) for one in known]
                raise ConfigError(f"study {options.study} has no {axis} {value}; it has: {', '.join(texts)}")
        raise ConfigError(f"study {options.study} has no such cell: its grid pairs these values otherwise")
    for axis in ("dataset", "recipe"):
        names = dict.fromkeys(getattr(run, axis) for run in runs)
        if len(names) > 1:
            raise ConfigError(f"several {axis}s have this cell; add --{axis} {' or '.join(names)}")
    return runs


def _state(run: Run, score: str) -> str:
    place = place_of(run.path)
    if place is None:
        return "not trained yet"
    try:
        record = read_record(place)
    except RecordError as error:
        return str(error)
    value = record.get(score)
    waits = "" if place == Path(run.path) else ", put into place by the next call of snakemake"
    return f"{record['status']}, {score} {'–' if value is None else f'{value:.4g}'}, {record['seconds']:.1f} s{waits}"


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Before anything is trained: the runs of a study and their device time, as far as like runs were recorded, "
        "and by simulation how often its grid would find each law, depending on where the optimum lies; where that "
        "is too seldom, the weight decays that would do."
    )
    _add_study(parser)
    parser.set_defaults(command=_plan)


def _plan(options: argparse.Namespace) -> int:
    from decay_atlas.reporting.plan import text
    from decay_atlas.simulation.planning import plan

    file = study_file(options.study)
    print(text(plan(load(options.study), [str(file)] if file else [], processes=None)))
    return 0


def _add_recommend(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say what weight decay a finished study recommends at a learning rate, its 95 % interval, every other that is "
        "expected to do within the tolerance, to which side to err, and what it lost on the grid; or why the study "
        "cannot say."
    )
    _add_place(parser)
    parser.set_defaults(command=_recommend)


def _recommend(options: argparse.Namespace) -> int:
    # pandas and the statistics take a second to import, which the other commands need not wait for
    from decay_atlas.reporting.setting import setting
    from decay_atlas.reporting.words import Metric
    from decay_atlas.statistics.methods.landscape import landscapes
    from decay_atlas.statistics.recommendation import advisor, recommend
    from decay_atlas.tables.files import read_runs

    study = load(options.study)
    if "lookahead" in study:
        raise ConfigError(
            f"study {options.study}: bounds are computed and nothing is trained, so it recommends nothing"
        )
    table = Path(f"results/{options.study}/runs.parquet")
    if not table.exists():
        raise ConfigError(f"{table} is not there yet; run snakemake for the study {options.study} first")
    names = {name: getattr(options, name) for name in ("dataset", "recipe", "arch") if getattr(options, name)}
    try:
        runs = read_runs(table)
    except DamagedFileError as error:
        raise ConfigError(str(error)) from None
    settings = study["statistics"]
    every = landscapes(runs, study["metric"]["direction"], settings["average"])
    fitting = [one for one in every if all(one.key[name] == value for name, value in names.items())]
    if len(fitting) != 1:
        known = "; ".join(" / ".join(one.key.values()) for one in (fitting or every))
        fault = "several" if fitting else "no"
        raise ConfigError(f"study {options.study} has {fault} such combinations; choose of: {known}")
    one = advisor(fitting[0], settings.get("tolerance"), [options.lr])
    row = recommend(one, options.lr)
    print(setting(row, Metric(study["metric"])))
    return 0 if "wd" in row else 1


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say where a study stands, from its records, logs and jobs: runs done, running, failed, diverged and missing, "
        "device-hours, the slowest cells, and the last lines of what failed. Starts nothing."
    )
    _add_study(parser)
    parser.add_argument("--live", action="store_true", help="look again every few seconds, until all is done or Ctrl-C")
    parser.set_defaults(command=_status)


def _status(options: argparse.Namespace) -> int:
    from decay_atlas.status.command import report

    report(load(options.study), live=options.live)
    return 0
