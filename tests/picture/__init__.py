"""Pictures on the terminal: codecs, clipping, and what is sent."""
