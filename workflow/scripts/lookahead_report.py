"""Rule lookahead_report: see decay_atlas.reporting.lookahead."""

from pathlib import Path

from decay_atlas.execution.scripting import log_to
from decay_atlas.reporting.lookahead import draw, render
from decay_atlas.tables.files import read_table

log_to(snakemake.log[0])

table, fits, claims = (read_table(snakemake.input[name]) for name in ("table", "fits", "claims"))
figure = draw(table, fits)
Path(snakemake.output.figure).write_text(figure)
Path(snakemake.output.html).write_text(render(snakemake.params.study, table, fits, claims, figure))
