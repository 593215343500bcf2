"""Counts kept as things happen, and how far a project is by them."""
