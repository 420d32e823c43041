"""Rule laws: see decay_atlas.statistics.laws."""

import pandas as pd

from decay_atlas.statistics.laws import laws

laws(pd.read_parquet(snakemake.input.runs), **snakemake.params.settings).to_csv(
    snakemake.output.table, index=False
)
