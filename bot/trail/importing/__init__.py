"""Calls from files: logs, recorded bodies, and recorded bodies with their truth."""
