"""Statistics of coupling: pure functions, DataFrame in, DataFrame out. Never imports torch."""
