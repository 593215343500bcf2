"""The composition root: SSH server, sessions, commands and the supervisor."""
