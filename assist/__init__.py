"""The learning worker, a process of its own: the only place where torch may be imported."""
