"""Rule lookahead: see decay_atlas.statistics.lookahead_tables."""

from decay_atlas.stage import log_to
from decay_atlas.statistics.lookahead_tables import lookahead, lookahead_fits
from decay_atlas.statistics.tables import write_table

log_to(snakemake.log[0])

table = lookahead(**snakemake.params.settings)
write_table(table, snakemake.output.table)
write_table(lookahead_fits(table), snakemake.output.fits)
