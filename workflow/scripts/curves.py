"""Rule curves: see decay_atlas.statistics.curves."""

from decay_atlas.stage import log_to
from decay_atlas.statistics.curves import curves

log_to(snakemake.log[0])

curves(snakemake.input).to_parquet(snakemake.output.curves, index=False)
