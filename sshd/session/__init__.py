"""One SSH session. Each file adds to the one before: channel, keys, command, app."""
