"""What the trail keeps for how long, and jobs that must not meet."""
