"""The reference landscapes, from the records of their studies: one parquet file each, for look-up.

    snakemake --cores 2 --configfile benchmarks/landscapes/digits-sgd.yaml
    python benchmarks/landscapes.py digits-sgd

The second writes benchmarks/landscapes/digits-sgd.parquet; the README beside it explains the columns.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from decay_atlas.runs.records import read_record

AXES = ["dataset", "recipe", "arch", "lr", "wd", "seed"]
MEASURED = ["accuracy", "loss", "train_loss", "weight_norm", "seconds"]


def row(path: str) -> dict[str, Any]:
    """One run: its axes, what it reached at its last epoch, and what it took."""
    record = read_record(path)
    history = record["history"]
    return {
        **{name: record[name] for name in AXES},
        "accuracy": record["test_final"],
        "loss": record["test_loss_final"],
        "train_loss": history["train_loss"][-1],
        "weight_norm": history["weight_norm"][-1],
        "status": record["status"],
        "seconds": record["seconds"],
    }


def main(study: str) -> None:
    """Write the table of one finished study."""
    paths = pd.read_parquet(f"results/{study}/runs.parquet", columns=["path"])["path"]
    table = pd.DataFrame(map(row, paths)).sort_values(AXES)
    names = [*AXES[:3], "status"]
    table = table.astype({**dict.fromkeys(names, "category"), **dict.fromkeys(MEASURED, "float32")})
    file = Path(f"benchmarks/landscapes/{study}.parquet")
    table.to_parquet(file, index=False, compression="zstd")
    minutes = table["seconds"].sum() / 60
    print(f"{file}: {len(table):,} runs, {minutes:.0f} minutes of a core, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
