"""Rule plan: see decay_atlas.simulation.planning and decay_atlas.reporting.plan."""

import sys
from pathlib import Path

from decay_atlas.execution.scripting import log_to
from decay_atlas.reporting.plan import render
from decay_atlas.simulation.planning import plan

# The simulation's worker processes may import this file again.
if __name__ == "__main__":
    log_to(snakemake.log[0])
    try:
        planned = plan(snakemake.params.study, snakemake.params.config_files, processes=snakemake.threads)
    except ValueError as error:
        sys.exit(str(error))
    Path(snakemake.output.html).write_text(render(planned))
