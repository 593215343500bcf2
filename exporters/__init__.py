"""Labeled items out to standard formats. Reads core through one module, `exporters.items`."""
