"""A text as a list of sections, each a list of blocks. What has no language in a block are its marks: code, links, numbers."""

import re
from dataclasses import dataclass, field

# Not a digit within a word such as `7E1` or `arm64`.
NUMBER = re.compile(r"(?<![\w.,/-])\d+(?:[.,]\d+)*(?!\w)")


@dataclass
class Block:
    """A paragraph, an item of a list, a row of a table, a piece of code."""

    kind: str
    line: int
    marks: frozenset[str] = frozenset()


@dataclass
class Section:
    """A heading and what stands below it, down to the next heading."""

    level: int
    title: str
    line: int
    # What stands in the heading in any language, such as the section of a configuration file.
    fixed: str = ""
    blocks: list[Block] = field(default_factory=list)


def numbers(text: str) -> set[str]:
    """4.1 and 4,1 are the same."""
    return {number.replace(",", ".") for number in NUMBER.findall(text)}
