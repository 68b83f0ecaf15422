"""Benchmarks of single operators, and the timing code that all benchmarks share."""
