"""Blueprints for Home Assistant: the two languages do the same, and differ in what a person reads."""

import re
from pathlib import Path

FOLDER = "deploy/home-assistant/blueprints"
# What a person reads: comments, names, descriptions, and the labels of what can be chosen.
READ = re.compile(r"^#.*|(?<=name: ).*|(?<=description: ).*|(?<=label: )[^,]*|(?<=description: >-\n).*", re.MULTILINE)


def differences(root: Path, files: list[str]) -> list[str]:
    ours = {file for file in files if file.startswith(f"{FOLDER}/")}
    names = {Path(file).name for file in ours}
    found = []
    for name in sorted(names):
        pair = [f"{FOLDER}/{language}/{name}" for language in ("en", "fr")]
        missing = [file for file in pair if file not in ours]
        if missing:
            found.append(f"{missing[0]} does not exist, the other language does")
        elif len({READ.sub("", (root / file).read_text()) for file in pair}) > 1:
            found.append(f"{pair[0]} and {pair[1]} do not do the same")
    return found
