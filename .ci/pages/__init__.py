"""Reads what a user reads, in French and in English, and holds the two against each other: guides, man pages, configuration files.

Read in this order: `section` (a text as headings and blocks), `markdown`, `manual`, `configuration` (how each kind becomes that), `twins`
(which files are twins, and what has to be equal). No words are compared, so a sentence that says another thing is for a person to find.
"""
