"""Arrows between names: which of them form circles, and on how many floors the rest stands."""

from collections.abc import Hashable, Iterable


def circles(arrows: dict[Hashable, set]) -> list[list]:
    """Every group of names that all reach each other, two at least (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(name) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in arrows.get(name, ()):
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            group = [stack.pop()]
            while group[-1] != name:
                group.append(stack.pop())
            found.append(sorted(group))

    for name in sorted(arrows):
        if name not in index:
            visit(name)
    return sorted(group for group in found if len(group) > 1)


def floors(arrows: dict[Hashable, set]) -> int:
    """The most names on one way down. A circle counts as one name."""
    home = {name: tuple(group) for group in circles(arrows) for name in group}
    above = {}
    for name, targets in arrows.items():
        above.setdefault(home.get(name, name), set()).update(home.get(target, target) for target in targets)
    height = {}

    def measure(name) -> int:
        if name not in height:
            height[name] = 1 + max((measure(target) for target in above.get(name, ()) if target != name), default=0)
        return height[name]

    return max((measure(name) for name in above), default=0)


def folded(arrows: dict[tuple, set[tuple]], within: tuple) -> dict[str, set[str]]:
    """The arrows between the rooms of one folder: a room is a file, or a folder with all that is in it."""
    depth = len(within)
    rooms = {module[depth]: set() for module in arrows if len(module) > depth and module[:depth] == within}
    for module, targets in arrows.items():
        for target in targets:
            if (
                module[:depth] == target[:depth] == within
                and len(module) > depth
                and len(target) > depth
                and module[depth] != target[depth]
            ):
                rooms[module[depth]].add(target[depth])
    return rooms


def folders(modules: Iterable[tuple]) -> list[tuple]:
    """Every module that has modules in it."""
    return sorted({module[:length] for module in modules for length in range(len(module))})
