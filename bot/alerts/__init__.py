"""Alerts that other systems send: read, kept, and turned into findings and incidents."""
