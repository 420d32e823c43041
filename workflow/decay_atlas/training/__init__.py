"""Training runs: data, models, optimizers, schedules, the loop. Importing the package is cheap (no torch)."""
