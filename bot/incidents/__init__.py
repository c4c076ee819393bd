"""Incidents: findings that belong together, with one owner, one thread and one timeline."""
