"""Benchmarks: percentiles, and ratios against a floor measured in the same run; they never gate the tests."""
