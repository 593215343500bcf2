"""Screens, widgets and the picture on the terminal. Talks to core only through `tui.desk`."""
