"""Rule lookahead_claims: see decay_atlas.claims.claims."""

from decay_atlas.claims.claims import claims
from decay_atlas.execution.scripting import log_to
from decay_atlas.schedules.lookahead_tables import last_horizons
from decay_atlas.tables.files import read_table, write_table

log_to(snakemake.log[0])

table, fits = (read_table(path) for path in (snakemake.input.table, snakemake.input.fits))
tables = {"lookahead": table, "lookahead_fits": fits, "last": last_horizons(table)}
write_table(claims(tables, sources=snakemake.params.sources), snakemake.output.table)
