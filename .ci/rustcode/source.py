"""One Rust file: which characters are code, which lines are documentation, where tests, functions and public items are."""

import re
from dataclasses import dataclass
from functools import cached_property

# Everything whose inside is not code. A lifetime ('a) is no character literal, since no quote follows its letter.
OPAQUE = re.compile(
    r"""
      //[^\n]*
    | /\*.*?\*/
    | \b[bc]?r(?P<hashes>\#*)".*?"(?P=hashes)
    | (?:\b[bc])?"(?:\\.|[^"\\])*"
    | (?:\bb)?'(?:\\(?:u\{[^}]*\}|x[0-9a-fA-F]{2}|.)|[^\\'\n])'
    """,
    re.DOTALL | re.VERBOSE,
)
TEST_ATTRIBUTE = re.compile(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]")
TEST = re.compile(r"#\[(?:\w+::)?test\b[^\]]*\]")
FUNCTION = re.compile(r"\bfn\s+(\w+)")
# An item or a field that other crates can see. `pub use` and `pub mod x;` have their words where the thing itself is.
PUBLIC = re.compile(r"^\s*pub\s+(?!use\b|mod\s+\w+\s*;|\()((?:(?:const|async|unsafe|extern)\s+)*)(\w+)", re.MULTILINE)
OPENING = {"(": ")", "[": "]", "{": "}"}


def blank(text: str, fill: str = " ") -> str:
    """The same number of lines and characters, with nothing to read."""
    return re.sub(r"[^\n]", fill, text)


def mask(text: str) -> str:
    """The code alone: comments become spaces, strings become quotes (so that their lines still count as code)."""

    def cover(match: re.Match) -> str:
        found = match.group()
        return blank(found) if found.startswith(("//", "/*")) else blank(found, '"')

    return OPAQUE.sub(cover, text)


def closing(code: str, start: int) -> int:
    """Where the bracket that opens at `start` is closed."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at
    return len(code) - 1


def item_end(code: str, start: int) -> int:
    """The end of the item that begins at `start`: its `;`, or the brace that closes its body."""
    at = start
    while at < len(code):
        if code[at] == ";":
            return at
        if code[at] == "{":
            return closing(code, at)
        at = closing(code, at) + 1 if code[at] in "([" else at + 1
    return len(code) - 1


def code_lines(code: str) -> int:
    return sum(1 for line in code.splitlines() if line.strip())


@dataclass
class Function:
    name: str
    line: int
    length: int


@dataclass
class Source:
    """One file. `path` is relative to the checkout."""

    path: str
    text: str
    is_test: bool = False

    @cached_property
    def masked(self) -> str:
        return mask(self.text)

    @cached_property
    def for_tests_only(self) -> list[tuple[int, int]]:
        """Where each item under `#[cfg(test)]` begins and ends."""
        return [(match.start(), item_end(self.masked, match.end()) + 1) for match in TEST_ATTRIBUTE.finditer(self.masked)]

    @cached_property
    def code(self) -> str:
        """The masked text without what is compiled for tests only."""
        code = self.masked
        for start, end in self.for_tests_only:
            code = code[:start] + blank(code[start:end]) + code[end:]
        return code

    @property
    def test_children(self) -> list[str]:
        """The files of this module that are compiled for tests only."""
        items = (TEST_ATTRIBUTE.sub("", self.masked[start:end]) for start, end in self.for_tests_only)
        return [found[1] for item in items if (found := re.match(r"\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;", item))]

    @property
    def lines(self) -> int:
        return code_lines(self.code)

    @property
    def test_lines(self) -> int:
        return code_lines(self.masked) - self.lines

    @property
    def documentation_lines(self) -> int:
        return len(re.findall(r"^\s*//[/!]", self.text, re.MULTILINE))

    @property
    def tests(self) -> int:
        return len(TEST.findall(self.masked))

    @property
    def says_what_it_is_for(self) -> bool:
        """A shebang or an inner attribute may stand before the first `//!`; an item may not."""
        first = re.sub(r"\A(?:#!?\[[^\n]*\n|\s)*", "", self.text)
        return first.startswith("//!")

    def functions(self) -> list[Function]:
        found = []
        for match in FUNCTION.finditer(self.code):
            end = item_end(self.code, match.end())
            if self.code[end] == "}":
                line = self.code.count("\n", 0, match.start()) + 1
                found.append(Function(match[1], line, code_lines(self.code[match.start() : end + 1])))
        return found

    def public_items(self) -> tuple[int, int]:
        """How many there are, and how many of them have a documentation comment."""
        starts = [match.start(2) for match in PUBLIC.finditer(self.code)]
        return len(starts), sum(self._is_documented(start) for start in starts)

    def _is_documented(self, start: int) -> bool:
        """Attributes may stand between an item and its words."""
        lines = self.text[: self.text.rfind("\n", 0, start) + 1].splitlines()
        while lines and re.match(r"\s*(#\[|[^/]*\]\s*$|\)\]\s*$)", lines[-1]) and not lines[-1].strip().endswith(("{", "}", ";", ",")):
            lines.pop()
        return bool(lines) and (lines[-1].lstrip().startswith("///") or "#[doc" in lines[-1])
