"""The page's template and style sheet, as package data."""
