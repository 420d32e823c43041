"""Rule robustness: see decay_atlas.statistics.robustness."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.claims import published
from decay_atlas.statistics.robustness import robustness

log_to(snakemake.log[0])

ratio, laws = (pd.read_csv(path) for path in (snakemake.input.ratio, snakemake.input.laws))
figures = published("coupling")[1]["robustness"]
table = robustness(ratio, laws, recipes=snakemake.params.recipes, published=figures)
table.to_csv(snakemake.output.table, index=False)
