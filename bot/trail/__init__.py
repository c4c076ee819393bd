"""The trail: every model call of the team's AI features, from however it was reported to one row a call."""
