"""A man page. What stands in bold is typed as it is, so it is the same in each language; what stands in italics is, if it is a path."""

import re
from pathlib import Path

from .section import Block, Section, numbers

# The French names are those that man pages of Debian have.
NAMES = {
    "NAME": "NOM",
    "SYNOPSIS": "SYNOPSIS",
    "DESCRIPTION": "DESCRIPTION",
    "COMMANDS": "COMMANDES",
    "OPTIONS": "OPTIONS",
    "KEYS": "CLÉS",
    "TOPICS": "TOPICS",
    "SIGNALS": "SIGNAUX",
    "EXIT STATUS": "CODE DE RETOUR",
    "ENVIRONMENT": "ENVIRONNEMENT",
    "FILES": "FICHIERS",
    "EXAMPLE": "EXEMPLE",
    "EXAMPLES": "EXEMPLES",
    "SEE ALSO": "VOIR AUSSI",
}
ENGLISH = {french: english for english, french in NAMES.items()}
BLOCKS = {".TP": "entry", ".PP": "paragraph", ".nf": "code", ".fi": "paragraph", ".br": "line"}
LEVELS = {".TH": 0, ".SH": 1, ".SS": 2}
ARGUMENT = re.compile(r'"[^"]*"|\S+')


def sections(page: Path, french: bool) -> list[Section]:
    found: list[Section] = []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        macro, _, rest = line.partition(" ")
        if macro in LEVELS:
            title = rest.strip()
            fixed = ENGLISH.get(title, title) if french else title
            found.append(Section(LEVELS[macro], title, number, fixed, [Block("paragraph", number)]))
        elif macro in BLOCKS:
            found[-1].blocks.append(Block(BLOCKS[macro], number))
        else:
            block = found[-1].blocks[-1]
            block.marks |= {line.replace(" ", "")} if block.kind == "code" else marks(macro, rest, line)
    return found


def marks(macro: str, rest: str, line: str) -> set[str]:
    if not line.startswith("."):
        return numbers(line)
    found = set()
    for place, argument in enumerate(ARGUMENT.findall(rest)):
        font = macro[1 + place % 2] if len(macro) == 3 else macro[1]
        word = argument.strip('"').strip()
        if font == "B" and not word.startswith("\\f") or font == "I" and "/" in word:
            found.add(word.replace("\\~", ""))
        elif font == "R":
            found |= numbers(word)
    return found - {"", ":", ";"}
