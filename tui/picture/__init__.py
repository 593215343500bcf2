"""The picture on the terminal: prepared once in a worker thread, placed by cells, sent by the protocol that the terminal takes."""
