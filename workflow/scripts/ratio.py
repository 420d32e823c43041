"""Rule ratio: see decay_atlas.statistics.ratio."""

import pandas as pd

from decay_atlas.statistics.ratio import ratio

ratio(pd.read_parquet(snakemake.input.runs), **snakemake.params.settings).to_csv(
    snakemake.output.table, index=False
)
