"""Variant scores against measured effects; see `benchmarks.truth.__main__`."""
