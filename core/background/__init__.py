"""Work that nobody waits for: jobs, each from claim to end, and the processes that do them."""
