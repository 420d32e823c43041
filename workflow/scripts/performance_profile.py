"""Rule performance_profile: see decay_atlas.statistics.performance_profile."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.performance_profile import performance_profile

log_to(snakemake.log[0])

performance_profile(pd.read_csv(snakemake.input.tuning)).to_csv(snakemake.output.table, index=False)
