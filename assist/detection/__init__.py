"""Boxes and outlines: a detector is trained on drawn regions, evaluated on the audit sample, and draws for labelers."""
