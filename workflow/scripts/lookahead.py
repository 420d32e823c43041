"""Rule lookahead: see decay_atlas.schedules.lookahead_tables."""

from decay_atlas.execution.scripting import log_to
from decay_atlas.schedules.lookahead_tables import lookahead, lookahead_fits
from decay_atlas.tables.files import write_table

log_to(snakemake.log[0])

table = lookahead(**snakemake.params.settings)
write_table(table, snakemake.output.table)
write_table(lookahead_fits(table), snakemake.output.fits)
