"""Rule law_costs: see decay_atlas.statistics.law_costs."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.law_costs import law_costs

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
law_costs(runs, **snakemake.params.settings).to_csv(snakemake.output.table, index=False)
