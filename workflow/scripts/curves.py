"""Rule curves: see decay_atlas.statistics.curves."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.curves import curves

log_to(snakemake.log[0])

records = pd.read_parquet(snakemake.input.runs, columns=["path"])["path"]
curves(records).to_parquet(snakemake.output.curves, index=False)
