"""Landscapes of known law: in place of training, to plan a study, to judge the statistics."""
