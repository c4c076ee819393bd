"""A local Slack workspace: the Web API, Socket Mode, signed HTTP delivery and a page, without Slack."""
