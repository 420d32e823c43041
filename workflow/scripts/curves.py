"""Rule curves: see decay_atlas.statistics.curves."""

import pandas as pd

from decay_atlas.stage import log_to, write_parquet
from decay_atlas.statistics.curves import curves

log_to(snakemake.log[0])

records = pd.read_parquet(snakemake.input.runs, columns=["path"])["path"]
write_parquet(curves(records), snakemake.output.curves)
