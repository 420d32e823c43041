"""DoG of adaptive weight decay, estimated from runs of fixed weight decay. Source: A, AWD.

A recipe with `dog: {from: fixed, wd: 5.0e-4}` trains with wd × the mean DoG of the fixed run of the same data set,
architecture and seed (and lr, unless `dog` gives one), over all its iterations up to the plateau of its training loss
on a log scale. The estimates of a group of runs lie in one file beside their records, so that what a job waits for does
not depend on how runs are packed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from decay_atlas.runs.grid import Run, digest_of, number_text
from decay_atlas.runs.records import RecordError, read_record, write_json

FILE = "dog.json"
FALL = 0.95
"""Share of the whole fall of the training loss, on its scale, that is over when it reaches its plateau."""
ITERATIONS = "iterations"
"""The estimate of the source: a mean over all iterations up to the plateau on a log scale."""
LAST_STEPS = "last steps"
"""That of runs whose records know the last step of an epoch alone, as they were written before `dog_mean` was recorded:
a mean over these up to the plateau on a linear scale, which lies earlier. A recipe begun with it goes on with it."""


class DogError(ValueError):
    """A run has no estimate of DoG."""


def logarithm(loss: float) -> float:
    """Of a loss that is not negative, −∞ of one that is 0."""
    return math.log(loss) if loss > 0 else -math.inf


def plateau(losses: Sequence[float | None], scale: Callable[[float], float] = logarithm) -> int:
    """How many epochs it takes to reach the plateau of a training loss, from 1; 0 where there is no loss.

    The plateau begins with the first epoch whose loss, on the scale, has made `FALL` of the way from the first epoch's
    to the smallest. So on the log scale the unit of the loss does not matter; an exponential down to 0 reaches it with
    95 % of its epochs, a power of the epoch t at t = n^0.95 of n, and a loss that never falls in its first epoch. What
    follows a loss that is not finite does not count.
    """
    known: list[float] = []
    for loss in losses:
        if loss is None or not math.isfinite(loss):
            break
        known.append(scale(loss))
    if not known:
        return 0
    if known[0] == min(known):
        return 1
    level = known[0] - FALL * (known[0] - min(known))
    return next(epoch for epoch, loss in enumerate(known, start=1) if loss <= level)


def estimate(record: dict[str, Any], over: str = ITERATIONS) -> tuple[float | None, int]:
    """The mean DoG of a run up to its plateau, `over` all iterations or each epoch's last, and the epochs up to there.

    None where no epoch up to there has one: the run diverged in its first. Epochs have as many iterations each.
    """
    column, scale = ("dog_mean", logarithm) if over == ITERATIONS else ("dog", float)
    epochs = plateau(record["history"]["train_loss"], scale)
    known = [dog for dog in record["history"][column][:epochs] if dog is not None]
    return (sum(known) / len(known) if known else None), epochs


def gather(paths: Iterable[str | Path], out: str | Path) -> None:
    """Write the estimates of the runs whose records lie at `paths` into the file `out`.

    All are made in one way, over all iterations; where a record does not know them, over the last steps, and it is
    printed. Each row says in `over` how it was made.

    Raises:
        RecordError: a record is missing or damaged, or holds no history of DoG.
    """
    records = {str(path): read_record(path) for path in paths}
    for path, record in records.items():
        if not {"train_loss", "dog"} <= record["history"].keys():
            raise RecordError(f"{path}: its history lacks train_loss or dog; delete it and the run is trained again")
    older = [path for path, record in records.items() if "dog_mean" not in record["history"]]
    over = LAST_STEPS if older else ITERATIONS
    if older:
        print(
            f"{len(older)} of {len(records)} fixed runs, such as {older[0]}, were recorded before DoG was averaged "
            "over all iterations, so these estimates are means over the last steps of epochs. To have the others "
            f"delete these records, {Path(out).parent} and its runs, and run snakemake."
        )
    rows = []
    for path, record in records.items():
        dog, epochs = estimate(record, over)
        axes = {name: record[name] for name in ("dataset", "recipe", "arch", "digest", "lr", "wd", "seed")}
        rows.append({**axes, "dog": dog, "epochs": epochs, "over": over, "record": path})
    write_json(out, {"format": 1, "estimates": rows})


def estimate_for(path: str | Path, settings: dict[str, Any]) -> dict[str, Any]:
    """The row of `gather` that holds for the run whose record is to lie at `path`.

    Raises:
        DogError: there is none, or its run diverged before it told anything.
    """
    run, entry = Run.from_path(str(path)), settings["recipe"]["dog"]
    file = Path(path).parent / FILE
    wanted = {
        "dataset": run.dataset,
        "arch": run.arch,
        "digest": digest_of({**settings, "recipe": entry["recipe"]}),
        "lr": entry.get("lr", run.lr),
        "wd": entry["wd"],
        "seed": run.seed,
    }
    try:
        rows = json.loads(file.read_text())["estimates"]
    except (OSError, ValueError, KeyError) as error:
        raise DogError(f"{file}: no estimates of DoG ({error}); delete it and run snakemake") from None
    name = f"lr {number_text(wanted['lr'])} wd {number_text(wanted['wd'])} seed {run.seed}"
    for row in rows:
        if all(row[key] == value for key, value in wanted.items()):
            if row["dog"] is None:
                raise DogError(
                    f"{path}: its fixed run ({name}) diverged in the first epoch and has no DoG; "
                    "give the recipe's dog the learning rate of one that does not, as in\n\n    lr: 0.1"
                )
            return dict(row)
    raise DogError(f"{file}: no estimate of the fixed run {name}; delete it and run snakemake")
