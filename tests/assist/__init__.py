"""The learning worker. What needs PyTorch is skipped without it; the plain backbone needs none."""
