"""What the pixels say about regions: where an object's edge runs, and where objects may be. Pure numpy and OpenCV; no I/O."""
