"""Rule universality: see decay_atlas.statistics.universality."""

import pandas as pd

from decay_atlas.statistics.universality import universality

universality(pd.read_parquet(snakemake.input.runs), **snakemake.params.settings).to_csv(
    snakemake.output.table, index=False
)
