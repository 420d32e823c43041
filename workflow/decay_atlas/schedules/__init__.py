"""Bounds of learning-rate schedules, and the look-ahead schedule that is built on one. Source: L, Bounds."""
