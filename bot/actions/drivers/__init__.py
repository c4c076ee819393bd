"""One file an action; each knows the system that it acts on, and no sibling."""
