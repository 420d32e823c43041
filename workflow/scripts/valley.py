"""Rule valley: see decay_atlas.statistics.valley."""

from decay_atlas.stage import log_to
from decay_atlas.statistics.tables import read_runs, write_table
from decay_atlas.statistics.valley import valley

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
write_table(valley(runs, **snakemake.params.settings), snakemake.output.table)
