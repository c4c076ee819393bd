"""The systems that hold what actions set; one file a system. Each knows its own API, and no sibling."""
