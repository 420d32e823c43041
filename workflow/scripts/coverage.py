"""Rule coverage: see decay_atlas.simulation.coverage and decay_atlas.reporting.coverage."""

from pathlib import Path

from decay_atlas.execution.scripting import log_to
from decay_atlas.reporting.coverage import interval_table, regret_table, render, verdict_table
from decay_atlas.simulation.coverage import coverage
from decay_atlas.simulation.designs import network_designs, published_design, standard_designs, stress_designs
from decay_atlas.simulation.references import judge, references_of, summary
from decay_atlas.tables.files import read_runs, write_table

# The simulation's worker processes may import this file again.
if __name__ == "__main__":
    log_to(snakemake.log[0])
    designs = [*standard_designs(), published_design(), *stress_designs(), *network_designs()]
    outcomes = coverage(designs, snakemake.params.repeats, processes=snakemake.threads)
    references = [one for file in snakemake.input.landscapes for one in references_of(read_runs(file, []))]
    studies = judge(references, repeats=snakemake.params.draws, processes=snakemake.threads)
    write_table(studies, snakemake.output.studies)
    write_table(summary(studies), snakemake.output.references)
    write_table(verdict_table(outcomes), snakemake.output.verdicts)
    write_table(interval_table(outcomes), snakemake.output.intervals)
    write_table(regret_table(outcomes), snakemake.output.regrets)
    Path(snakemake.output.html).write_text(render(outcomes, studies))
