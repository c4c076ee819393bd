"""What people read in Slack: one file a message, a pure function from a small view to a Message."""
