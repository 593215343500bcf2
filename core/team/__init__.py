"""Who works here and what they did: accounts, memberships, the append-only history."""
