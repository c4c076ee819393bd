"""`badday doctor`: what is missing before the bot can work, and what to do about it."""

from bot.doctor.examination import command

__all__ = ["command"]
