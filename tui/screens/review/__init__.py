"""Screens of leads and admins: the data page, one item large, conflicts, and the questions that they ask."""
