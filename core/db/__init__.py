"""What the rows lie in: tables, the one door to either engine, its writer and its clock, schema versions."""
