"""What is asked of the trail, and how the answers read."""
