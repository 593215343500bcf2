"""Labels from standard formats back in: read a file, compare it with the project, and only then write."""
