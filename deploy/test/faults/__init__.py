"""Faults of the whole chain: `faults` is the table of what can go wrong, `run` plays it."""
