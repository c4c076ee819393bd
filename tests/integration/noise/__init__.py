"""Noise: silences, maintenance, inhibition and flapping, on both engines."""
