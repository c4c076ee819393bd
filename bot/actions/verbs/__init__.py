"""What steps can do; one file an action, found by the registry. None knows a sibling."""
