"""The three rival laws of λ*(η), by name. Source: C, Rival laws."""

LAWS = {"ratio": 1.0, "decoupled": 0.0, "product": -1.0}
"""The log–log slope b of λ* on η under each law."""

POOLED = "(all)"
"""The arch of the rows that pool the architectures of a data set and recipe."""

HETEROGENEOUS = 0.10
"""Architectures whose slopes differ with a smaller p have no law in common; the usual level for a test of low power."""
