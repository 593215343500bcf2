"""What benchmarks are made of: teams that type, servers, databases, networks, the truth of labeled sets."""
