"""Widgets of the labeling screen; they draw lines, hold no rules, and know nothing of the desk."""
