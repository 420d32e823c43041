"""Rule deviation: see decay_atlas.statistics.deviation."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.deviation import deviation

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
table, fit = deviation(runs, **snakemake.params.settings)
table.to_csv(snakemake.output.table, index=False)
fit.to_csv(snakemake.output.fit, index=False)
