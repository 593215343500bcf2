"""How items get labels: the queue, which answers it takes, and what they decide."""
