"""Rule curves: see decay_atlas.statistics.curves."""

from decay_atlas.stage import log_to, write_parquet
from decay_atlas.statistics.curves import curves
from decay_atlas.statistics.tables import read_runs

log_to(snakemake.log[0])

write_parquet(curves(read_runs(snakemake.input.runs, ["path"])["path"]), snakemake.output.curves)
