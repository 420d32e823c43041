"""Rule tuning: see decay_atlas.statistics.tuning."""

from decay_atlas.stage import log_to
from decay_atlas.statistics.tables import read_runs, write_table
from decay_atlas.statistics.tuning import tuning

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
write_table(tuning(runs, **snakemake.params.settings), snakemake.output.table)
