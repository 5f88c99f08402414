"""A page in Markdown, as far as this project uses it."""

import re
from pathlib import Path

from .section import Block, Section, numbers

LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"(#+) +(.*)$")
LINE_OF_CODE = re.compile(r" {4}")
ITEM = re.compile(r"(?:\*|\d+\.) ")
CELL = re.compile(r"(?<!\\)\|")
CODE = re.compile(r"`([^`]+)`")
# What the reader of a command puts in: <meter>, <compteur>.
PLACEHOLDER = re.compile(r"<[^<>]+>")
COMMENT = re.compile(r"(^|\s+)#\s.*$", re.MULTILINE)
# The words in a drawing are in the language of the page.
DRAWING = "──"


def anchor(heading: str) -> str:
    """As forges make it: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|^ {4}.*$", "", text, flags=re.DOTALL | re.MULTILINE)


def links(text: str) -> list[str]:
    return [match[1] or match[2] for match in LINK.finditer(text)]


def outside(link: str) -> bool:
    return "://" in link or link.startswith("mailto:")


def sections(page: Path, root: Path, english_of: dict[str, str]) -> list[Section]:
    """The page by its headings. `english_of` has the English page of each French one."""
    found: list[Section] = []
    for kind, line, text in blocks(page.read_text()):
        heading = HEADING.match(text) if kind == "heading" else None
        if heading:
            found.append(Section(len(heading[1]), heading[2], line))
        elif found:
            found[-1].blocks.append(Block(kind, line, frozenset(marks(kind, text, page, root, english_of))))
    return found


def blocks(text: str) -> list[tuple[str, int, str]]:
    """Kind, line and text of each block."""
    found: list[tuple[str, int, str]] = []
    before, fenced = "", False
    for number, line in enumerate(text.splitlines(), 1):
        kind = "code" if fenced else kind_of(line, before, found)
        if line.lstrip().startswith("```"):
            fenced, kind = not fenced, "code" if fenced else "new code"
        if kind.startswith("new "):
            found.append((kind.removeprefix("new "), number, line))
        elif kind and found:
            found[-1] = (found[-1][0], found[-1][1], f"{found[-1][2]}\n{line}")
        before = line
    return found


def kind_of(line: str, before: str, found: list[tuple[str, int, str]]) -> str:
    """The kind of a block that begins here, "more" for a line of the block before, nothing for an empty line."""
    within = found[-1][0] if found else ""
    if not line.strip():
        return ""
    if LINE_OF_CODE.match(line) and (within == "code" or not before.strip()):
        return "more" if within == "code" else "new code"
    if HEADING.match(line):
        return "new heading"
    if line.startswith("|"):
        return f"new row of {len(CELL.findall(line)) - 1} cells"
    if ITEM.match(line):
        return "new item"
    if line.startswith("<img"):
        return "new image"
    return "more" if before.strip() and within in ("paragraph", "item") else "new paragraph"


def marks(kind: str, text: str, page: Path, root: Path, english_of: dict[str, str]) -> set[str]:
    if kind == "code":
        return {"a drawing"} if DRAWING in text else {PLACEHOLDER.sub("<>", COMMENT.sub("", text)).strip()}
    prose = CODE.sub(" ", LINK.sub(" ", text))
    found = {f"`{PLACEHOLDER.sub('<>', code)}`" for code in CODE.findall(text)} | numbers(prose)
    return found | {mark for link in links(text) for mark in link_mark(link, page, root, english_of)}


def link_mark(link: str, page: Path, root: Path, english_of: dict[str, str]) -> list[str]:
    """Where the link leads, nothing if that is the twin of this page. A link to a page with a twin leads to this page's language."""
    if outside(link):
        return [link]
    name, _, part = link.partition("#")
    target = (page.parent / name).resolve() if name else page.resolve()
    here = page.resolve().relative_to(root).as_posix()
    there = target.relative_to(root).as_posix()
    if there != here and english_of.get(there, there) == english_of.get(here, here):
        return []
    place = f"#{place_of(target, part)}" if part else ""
    if there in english_of.values() and here in english_of:
        return [f"{there}{place} in English"]
    return [f"{english_of.get(there, there)}{place}"]


def place_of(page: Path, part: str) -> int:
    """Which heading of the page it is; its words are in the language of the page."""
    headings = [text.lstrip("# ") for kind, _, text in blocks(page.read_text()) if kind == "heading"] if page.is_file() else []
    return next((number for number, heading in enumerate(headings, 1) if anchor(heading) == part), 0)
