"""Data sets, prepared once, and batches of them. Importing the package is cheap."""
