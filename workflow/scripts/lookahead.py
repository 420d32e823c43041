"""Rule lookahead: see decay_atlas.statistics.lookahead_tables."""

from decay_atlas.stage import log_to
from decay_atlas.statistics.lookahead_tables import lookahead, lookahead_fits

log_to(snakemake.log[0])

table = lookahead(**snakemake.params.settings)
table.to_csv(snakemake.output.table, index=False)
lookahead_fits(table).to_csv(snakemake.output.fits, index=False)
