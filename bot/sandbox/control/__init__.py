"""The control API: what people do in the workspace, faults, the clock, and the state that the page shows."""
