"""Promises of the screens, kept by pure tests and by Textual's Pilot on a real database."""
