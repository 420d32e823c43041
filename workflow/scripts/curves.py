"""Rule curves: see decay_atlas.tables.curves."""

from decay_atlas.execution.scripting import log_to, write_parquet
from decay_atlas.tables.curves import curves
from decay_atlas.tables.files import read_runs

log_to(snakemake.log[0])

write_parquet(curves(read_runs(snakemake.input.runs, ["path"])["path"]), snakemake.output.curves)
