"""The demo world: two simulated providers, a simulated product, and the panel that shows them."""
