"""Where a study stands: what is done, what runs, what failed and what is left, without starting Snakemake."""
