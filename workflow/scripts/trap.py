"""Rule trap: see decay_atlas.statistics.trap."""

from decay_atlas.stage import log_to
from decay_atlas.statistics.tables import read_runs, write_table
from decay_atlas.statistics.trap import trap

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
write_table(trap(runs, **snakemake.params.settings), snakemake.output.table)
