"""Runnable measurements of what Tagline promises: `python -m benchmarks NAME`, JSON on standard output."""
