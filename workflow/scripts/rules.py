"""Rule batch_rules: see decay_atlas.statistics.rules."""

from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.rules import rules
from decay_atlas.tables.files import read_runs, write_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
write_table(rules(runs, **snakemake.params.settings), snakemake.output.table)
