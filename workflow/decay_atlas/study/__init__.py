"""A study: its files merged, checked and resolved, and what is wrong with one in words."""
