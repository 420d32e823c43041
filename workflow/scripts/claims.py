"""Rule claims: see decay_atlas.statistics.claims."""

import pandas as pd

from decay_atlas.statistics.claims import claims

tables = {name: pd.read_csv(path) for name, path in snakemake.input.items()}
claims(tables, snakemake.params.recipes, snakemake.params.unit).to_csv(snakemake.output.table, index=False)
