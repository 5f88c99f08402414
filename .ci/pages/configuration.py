"""A configuration file. Above each key stand lines in French, and then as many in English, which begin with `# en: `."""

import re
from pathlib import Path

from .section import Block, Section, numbers

MARK = "# en: "
KEY = re.compile(r"#?:? ?([a-z-]+) = ")
TABLE = re.compile(r"\[([a-z-]+)\]")
QUOTED = re.compile(r'"[^"]*"')
PLACE = re.compile(r"/[\w./-]*\w")


def sections(file: Path) -> tuple[list[Section], list[Section]]:
    """What the file says in English, and what it says in French: each key is a section."""
    english: list[Section] = []
    french: list[Section] = []
    said: list[Block] = []
    meant: list[Block] = []
    table = ""
    for number, line in enumerate([*file.read_text().splitlines(), ""], 1):
        key = KEY.match(line)
        if line.startswith(MARK):
            said.append(block(line.removeprefix(MARK), number))
        elif line.startswith("# "):
            meant.append(block(line.removeprefix("# "), number))
        elif key or said or meant:
            name = f"{table}{key[1]}" if key else "the words at the top"
            english.append(Section(1, name, number, name, said))
            french.append(Section(1, name, number, name, meant))
            said, meant = [], []
        if name := TABLE.match(line):
            table = f"{name[1]}."
    return english, french


def block(text: str, line: int) -> Block:
    return Block("line", line, frozenset({*QUOTED.findall(text), *PLACE.findall(text), *numbers(QUOTED.sub("", text))}))


def silent_keys(sections: list[Section]) -> list[str]:
    return [section.title for section in sections if not section.blocks]
