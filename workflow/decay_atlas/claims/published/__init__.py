"""The figures that the sources report, as claims: one file a source, named after it."""
