"""The screens of leads and admins: insight, settings, label classes, people, the log, and making a project."""
