"""What every labeling screen does alike. Each file adds to the one before: base, words, page, saving, clock, earlier, submitting, screen."""
