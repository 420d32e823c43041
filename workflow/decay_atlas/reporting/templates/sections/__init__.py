"""Sections of the report that stand only where a study has something to show in them."""
