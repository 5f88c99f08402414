"""Reads Rust source well enough to count it and to draw who imports whom. It knows tokens, items and `use`; it knows no types.

Read in this order: `source` (one file), `modules` (one crate: paths become files), `graph` (circles and floors), `workspace` (crates and
their rules), `report` (what is printed, what is refused).
"""
