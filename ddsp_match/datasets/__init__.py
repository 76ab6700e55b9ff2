"""Which sounds there are in a folder, NSynth, or a table."""
