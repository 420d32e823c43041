"""Rule importance: see decay_atlas.statistics.importance."""

from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.importance import importance
from decay_atlas.tables.files import read_runs, write_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
write_table(importance(runs, **snakemake.params.settings), snakemake.output.table)
