"""Pages: attempts to reach the person who is responsible."""
