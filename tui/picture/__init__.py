"""The picture on the terminal: prepared in a worker thread, placed by cells, sent as the terminal takes it."""
