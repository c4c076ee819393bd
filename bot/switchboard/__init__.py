"""The switchboard: the routes and features that products obey."""
