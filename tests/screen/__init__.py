"""A terminal without a window, for tests: it knows what text and which pixels a user would see."""
