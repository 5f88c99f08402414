"""Faults of the whole chain: `faults` is the table of what can go wrong, `run` plays it.

`members` are three bridges that are one: `group` plays faults on them, `pages` looks at their pages.
"""
