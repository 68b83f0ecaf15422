"""Benchmarks of single operators, and the clock that all benchmarks share."""
