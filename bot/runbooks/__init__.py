"""Runbooks: plans for a bad day, loaded, pinned to an incident, run by one click a step."""
