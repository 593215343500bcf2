"""Steps that bring an older schema to the newest one. Each step is one file in `versions`."""
