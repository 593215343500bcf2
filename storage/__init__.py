"""Bytes: datastores, and decoding image files into pixels. Knows nothing of labeling."""
