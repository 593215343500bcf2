"""Boxes and polygons on one image. Each file adds to the one before: picture, regions, drawing, aids, mouse, screen."""
