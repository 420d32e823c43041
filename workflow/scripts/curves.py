"""Rule curves: see decay_atlas.statistics.curves."""

from decay_atlas.stage import log_to
from decay_atlas.statistics.curves import curves
from decay_atlas.statistics.tables import read_runs

log_to(snakemake.log[0])

curves(read_runs(snakemake.input.runs, ["path"])["path"]).to_parquet(snakemake.output.curves, index=False)
