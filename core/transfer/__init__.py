"""Answers from files of labels, and whole projects from another database."""
