"""From tables to figures and the page a person reads. Knows neither Snakemake nor torch."""
