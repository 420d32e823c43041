"""Around Snakemake, which it does not know: locks, kills, SLURM, devices, what the code behind a file is."""
