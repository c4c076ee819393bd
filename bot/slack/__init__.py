"""The Slack face: everything that a person sees and does in Slack."""
