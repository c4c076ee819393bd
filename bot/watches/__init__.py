"""Watching what others publish: sources are polled on a schedule, and each poll gives an observation."""
