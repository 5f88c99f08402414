"""What is printed of a checkout, and what is refused in it."""

from statistics import median

from . import graph
from .source import Source
from .workspace import Member, depends_on, short

FUNCTION_LINES_MAX = 60
COLUMNS = ("files", "code", "tests", "doc %", "functions", "median", "p95", "longest", "public documented", "floors", "number of tests")


def percentile(values: list[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def figures(code: list[Source], every: list[Source], floors: int) -> list[str]:
    lines = sum(source.lines for source in code)
    test_lines = sum(source.test_lines for source in code) + sum(source.lines + source.test_lines for source in every if source not in code)
    documentation = sum(source.documentation_lines for source in code)
    lengths = [function.length for source in code for function in source.functions()]
    items = [source.public_items() for source in code]
    there, documented = sum(count for count, _ in items), sum(count for _, count in items)
    return [
        str(len(code)),
        str(lines),
        str(test_lines),
        f"{100 * documentation / max(lines + documentation, 1):.0f}",
        str(len(lengths)),
        f"{median(lengths):g}" if lengths else "0",
        str(percentile(lengths, 0.95)),
        str(max(lengths, default=0)),
        f"{100 * documented / max(there, 1):.0f} %",
        str(floors),
        str(sum(source.tests for source in every)),
    ]


def table(members: list[Member]) -> str:
    rows = [["", *COLUMNS]]
    for member in members:
        floors = graph.floors(graph.folded(member.crate.imports, ()))
        rows.append([short(member.name), *figures(member.code, member.sources, floors)])
    code, every = [s for m in members for s in m.code], [s for m in members for s in m.sources]
    rows.append(["all", *figures(code, every, graph.floors(depends_on(members)))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(aligned(row, widths) for row in rows)


def aligned(row: list[str], widths: list[int]) -> str:
    """The first column is a name, the others are numbers."""
    numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join([row[0].ljust(widths[0]), *numbers])


def circles_of_files(member: Member) -> list[str]:
    files, arrows = member.crate.files, member.crate.imports
    found = []
    for group in graph.circles(arrows):
        found.append(" ↔ ".join(files[module].path for module in group))
        for module in group:
            for target in sorted(set(group) & set(arrows[module])):
                found.append(f"    {name(module)} → {name(target)}: {', '.join(sorted(arrows[module][target]))}")
    return found


def name(module: tuple) -> str:
    return "/".join(module) or "the root"


def circles_of_folders(member: Member) -> list[str]:
    """In each folder, the rooms that reach each other; circles of files within one room are told by the other list."""
    arrows, found = member.crate.imports, []
    for folder in graph.folders(arrows):
        for group in graph.circles(graph.folded(arrows, folder)):
            found.append(" ↔ ".join("/".join([member.folder, "src", *folder, room]) for room in group))
            found += between_rooms(arrows, folder, group)
    return found


def between_rooms(arrows: dict, folder: tuple, group: list[str]) -> list[str]:
    depth = len(folder)
    found = []
    for module in sorted(arrows):
        for target in sorted(arrows[module]):
            inside = module[:depth] == target[:depth] == folder and len(module) > depth and len(target) > depth
            if inside and module[depth] != target[depth] and {module[depth], target[depth]} <= set(group):
                found.append(f"    {name(module)} → {name(target)}: {', '.join(sorted(arrows[module][target]))}")
    return found


def without_words(members: list[Member]) -> list[str]:
    return [f"{source.path} does not open with //!" for member in members for source in member.sources if not source.says_what_it_is_for]


def too_long(members: list[Member]) -> list[str]:
    return [
        f"{source.path}:{function.line} {function.name} has {function.length} lines of code, more than {FUNCTION_LINES_MAX}"
        for member in members
        for source in member.code
        for function in source.functions()
        if function.length > FUNCTION_LINES_MAX
    ]


def refusals(members: list[Member]) -> dict[str, list[str]]:
    """Each rule of the house, and where it is broken."""
    return {
        "circles of files": [circle for member in members for circle in circles_of_files(member)],
        "circles of folders": [circle for member in members for circle in circles_of_folders(member)],
        "circles of crates": [" ↔ ".join(group) for group in graph.circles(depends_on(members))],
        "dependencies that are not allowed": [line for member in members for line in member.forbidden()],
        "files that do not say what they are for": without_words(members),
        "functions that are too long": too_long(members),
    }
