"""What a project is: its settings, its label classes, and how both change while it lives."""
