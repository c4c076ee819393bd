"""Deciding: pure functions from observations and a given time to findings."""
