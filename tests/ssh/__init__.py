"""Promises of the SSH server, kept with a real OpenSSH client under a pty."""
