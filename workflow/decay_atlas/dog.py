"""DoG of adaptive weight decay, estimated from runs of fixed weight decay. Source: A, AWD.

A recipe with `dog: {from: fixed, wd: 5.0e-4}` trains with wd × the mean DoG of the fixed run of the same data set,
architecture and seed (and lr, unless `dog` gives one) up to the plateau of its training loss. The estimates of a group
of runs lie in one file beside their records, so that what a job waits for does not depend on how runs are packed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from decay_atlas.grid import Run, digest_of, number_text
from decay_atlas.records import RecordError, read_record, write_json

FILE = "dog.json"
FALL = 0.95
"""Share of the whole fall of the training loss that is over when it reaches its plateau."""


class DogError(ValueError):
    """A run has no estimate of DoG."""


def plateau(losses: Sequence[float | None]) -> int:
    """How many epochs it takes to reach the plateau of a training loss, from 1; 0 where there is no loss.

    The plateau begins with the first epoch whose loss has made `FALL` of the way from the first epoch's to the
    smallest. So neither unit nor offset of the loss matters, an exponential of time scale τ reaches it 3τ after its
    first epoch (ln 20 = 3.0), a straight line with 95 % of its epochs, and a loss that never falls in its first epoch.
    What follows a loss that is not finite does not count.
    """
    known: list[float] = []
    for loss in losses:
        if loss is None or not math.isfinite(loss):
            break
        known.append(loss)
    if not known:
        return 0
    level = known[0] - FALL * (known[0] - min(known))
    return next(epoch for epoch, loss in enumerate(known, start=1) if loss <= level)


def estimate(record: dict[str, Any]) -> tuple[float | None, int]:
    """The mean recorded DoG of a run up to its plateau, and the epochs that it is taken over.

    None where no epoch up to there has one: the run diverged in its first.
    """
    epochs = plateau(record["history"]["train_loss"])
    known = [dog for dog in record["history"]["dog"][:epochs] if dog is not None]
    return (sum(known) / len(known) if known else None), epochs


def gather(paths: Iterable[str | Path], out: str | Path) -> None:
    """Write the estimates of the runs whose records lie at `paths` into the file `out`.

    Raises:
        RecordError: a record is missing or damaged, or holds no history of DoG.
    """
    rows = []
    for path in paths:
        record = read_record(path)
        if not {"train_loss", "dog"} <= record["history"].keys():
            raise RecordError(f"{path}: its history lacks train_loss or dog; delete it and the run is trained again")
        dog, epochs = estimate(record)
        axes = {name: record[name] for name in ("dataset", "recipe", "arch", "digest", "lr", "wd", "seed")}
        rows.append({**axes, "dog": dog, "epochs": epochs, "record": str(path)})
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
