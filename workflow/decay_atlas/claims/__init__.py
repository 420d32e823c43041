"""The figures that the sources report, and the rules that judge them by a study's tables."""
