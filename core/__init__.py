"""What labeling is: types, rules, the queue and the database. Knows no screen, no socket and no model."""
