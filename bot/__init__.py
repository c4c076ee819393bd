"""Badday: the Slack on-call bot for teams that run AI features in production."""
