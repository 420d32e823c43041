"""Training runs: data, models, optimizers, schedules, the loop. Importing the package is cheap (no torch)."""

TRAINING_VERSION = 2
"""Raise it when a change alters the numbers a run produces; it is part of every run's digest."""
