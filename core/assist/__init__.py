"""What the learning worker reads and writes: runs, suggestions, doubts, its settings and its schedule."""
