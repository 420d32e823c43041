"""Rule performance_profile: see decay_atlas.statistics.performance_profile."""

from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.performance_profile import performance_profile
from decay_atlas.tables.files import read_table, write_table

log_to(snakemake.log[0])

write_table(performance_profile(read_table(snakemake.input.tuning)), snakemake.output.table)
