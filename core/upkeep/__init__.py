"""The installation as a whole: its state, its log, backup and restore, the rules of its data."""
