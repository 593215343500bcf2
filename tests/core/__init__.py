"""Tests: the docstring of each states a promise to a user."""
