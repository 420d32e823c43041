"""Rule universality: see decay_atlas.statistics.universality."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.universality import universality

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
universality(runs, **snakemake.params.settings).to_csv(snakemake.output.table, index=False)
