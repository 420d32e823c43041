"""Rule law_costs: see decay_atlas.statistics.law_costs."""

from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.law_costs import law_costs
from decay_atlas.tables.files import read_runs, write_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
write_table(law_costs(runs, **snakemake.params.settings), snakemake.output.table)
