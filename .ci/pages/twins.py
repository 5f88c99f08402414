"""Which files have a twin in the other language, and what has to be equal in the two."""

from difflib import SequenceMatcher
from pathlib import Path

from . import blueprints, configuration, manual, markdown
from .section import Block, Section

# Who contributes reads English; a guide of which nothing is said here needs a French twin.
ENGLISH_ONLY = {
    "docs/code-structure.md": "for those who change the code",
    "docs/measurements.md": "for those who repeat the measurements",
    "docs/wire-format.md": "for those who write another reader or bridge",
}
AT_THE_TOP = {"README.md": "README.fr.md", "SECURITY.md": "SECURITY.fr.md"}
# A twin is linked where one sees it at once.
FIRST_LINES = 5


def twin_of(file: str) -> str | None:
    """The French twin that a file has to have."""
    path = Path(file)
    if file in AT_THE_TOP:
        return AT_THE_TOP[file]
    if path.parts[:-1] == ("docs",) and path.suffix == ".md" and file not in ENGLISH_ONLY:
        return f"docs/fr/{path.name}"
    if path.parts[:-1] == ("deploy", "man"):
        return f"deploy/man/fr/{path.name}"
    return None


def is_french(file: str) -> bool:
    return file in AT_THE_TOP.values() or file.startswith(("docs/fr/", "deploy/man/fr/"))


def check(root: Path, files: list[str]) -> list[str]:
    """One line for each thing that one language has and the other has not."""
    pairs = {english: twin for english in files if (twin := twin_of(english))}
    found = [f"{english} has no twin {twin}" for english, twin in pairs.items() if twin not in files]
    found += [f"{file} is the twin of nothing" for file in files if is_french(file) and file not in pairs.values()]
    english_of = {twin: english for english, twin in pairs.items()}
    for english, french in pairs.items():
        if french in files:
            found += pages(root, english, french, english_of) if french.endswith(".md") else manuals(root, english, french)
    for file in files:
        if file.startswith("deploy/etc/") and file.endswith(".toml"):
            found += keys(root, file)
    return found + blueprints.differences(root, files)


def pages(root: Path, english: str, french: str, english_of: dict[str, str]) -> list[str]:
    found = [
        f"{page} has no link to {twin} in its first {FIRST_LINES} lines"
        for page, twin in ((english, french), (french, english))
        if not any(leads_to(root, page, link, twin) for link in markdown.links(first_lines(root / page)))
    ]
    texts = [markdown.sections(root / page, root.resolve(), english_of) for page in (english, french)]
    return found + differences(english, french, *texts)


def first_lines(page: Path) -> str:
    return "\n".join(page.read_text().splitlines()[:FIRST_LINES])


def leads_to(root: Path, page: str, link: str, twin: str) -> bool:
    return not markdown.outside(link) and ((root / page).parent / link).resolve() == (root / twin).resolve()


def manuals(root: Path, english: str, french: str) -> list[str]:
    return differences(english, french, manual.sections(root / english, False), manual.sections(root / french, True))


def keys(root: Path, file: str) -> list[str]:
    english, french = configuration.sections(root / file)
    silent = [f"{file}: {key} has no words in English" for key in configuration.silent_keys(english)]
    silent += [f"{file}: {key} has no words in French" for key in configuration.silent_keys(french)]
    return silent or differences(f"{file} (en)", f"{file} (fr)", english, french)


def differences(english: str, french: str, first: list[Section], second: list[Section]) -> list[str]:
    """Sections that have no twin; where each has one, what differs within."""
    if [(section.level, section.fixed) for section in first] == [(section.level, section.fixed) for section in second]:
        return [line for pair in zip(first, second, strict=True) for line in within(english, french, *pair)]
    return alone(english, french, first, second)


def alone(english: str, french: str, first: list[Section], second: list[Section]) -> list[str]:
    """The sections of one language that the other has not."""
    shapes = [[(section.level, section.fixed, shape(section)) for section in sections] for sections in (first, second)]
    found = []
    for kind, i, j, k, m in SequenceMatcher(None, *shapes, autojunk=False).get_opcodes():
        if kind != "equal":
            found += [f'{english}:{section.line}: "{section.title}" has no twin in {french}' for section in first[i:j]]
            found += [f'{french}:{section.line}: "{section.title}" has no twin in {english}' for section in second[k:m]]
    return found


def shape(section: Section) -> tuple[str, ...]:
    return tuple(block.kind for block in section.blocks)


def within(english: str, french: str, first: Section, second: Section) -> list[str]:
    """The blocks of two sections, one by one."""
    found = []
    for kind, i, j, k, m in SequenceMatcher(None, shape(first), shape(second), autojunk=False).get_opcodes():
        ones, others = first.blocks[i:j], second.blocks[k:m]
        if kind == "equal":
            for one, other in zip(ones, others, strict=True):
                found += unmarked(english, one, french, other) + unmarked(french, other, english, one)
        else:
            found += unpaired(english, first, ones, french) + unpaired(french, second, others, english)
    return found


def unmarked(file: str, block: Block, there: str, twin: Block) -> list[str]:
    return [f"{file}:{block.line} has {mark!r}, {there}:{twin.line} has not" for mark in sorted(block.marks - twin.marks)]


def unpaired(file: str, section: Section, blocks: list[Block], there: str) -> list[str]:
    return [f'{file}:{block.line}, under "{section.title}": this {block.kind} has no twin in {there}' for block in blocks]
