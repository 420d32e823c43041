"""Rule claims: see decay_atlas.statistics.claims."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.claims import claims

log_to(snakemake.log[0])

tables = {name: pd.read_csv(path) for name, path in snakemake.input.items()}
claims(tables, snakemake.params.recipes, snakemake.params.unit).to_csv(snakemake.output.table, index=False)
