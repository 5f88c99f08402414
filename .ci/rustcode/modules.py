"""One crate: its files are modules. A path such as `crate::tic::Label` leads to the file that defines the thing, through re-exports too."""

import re
from dataclasses import dataclass
from functools import cached_property

from .source import Source

USE = re.compile(r"(?:^|[;{}\n])\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);")
CHILD = re.compile(r"\bmod\s+(\w+)\s*;")
PATH = re.compile(r"(?<![\w:])(crate|super|self)((?:::\w+)+)")
Module = tuple  # of names: () is the root, ("tic", "labels") the file of crate::tic::labels


def expand(tree: str) -> list[tuple[list[str], str]]:
    """`a::{b, c as d}` as its paths, each with the name under which it is known afterwards."""
    tree = tree.strip()
    head, brace, rest = tree.partition("{")
    if not brace:
        path, _, alias = (part.strip() for part in re.sub(r"\s+as\s+", "\x00", tree).partition("\x00"))
        names = [name.strip() for name in path.split("::") if name.strip()]
        if names[-1:] == ["self"] and len(names) > 1:
            names.pop()
        return [(names, alias or names[-1])] if names else []
    prefix = [name.strip() for name in head.split("::") if name.strip()]
    parts = [path for part in split(rest[: rest.rfind("}")]) for path in expand(part)]
    return [(prefix, prefix[-1]) if names == ["self"] else (prefix + names, alias) for names, alias in parts]


def split(group: str) -> list[str]:
    """A group at its own commas, not at those of groups within."""
    parts, depth, last = [], 0, 0
    for at, char in enumerate(group):
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            parts.append(group[last:at])
            last = at + 1
    return [part for part in [*parts, group[last:]] if part.strip()]


@dataclass
class Crate:
    """`name` as in code (teleinfo_proto), `files` by module."""

    name: str
    files: dict[Module, Source]

    @cached_property
    def modules(self) -> set[Module]:
        """Folders are modules too, also where their file is missing."""
        return {module[:length] for module in self.files for length in range(len(module) + 1)}

    @cached_property
    def reexports(self) -> dict[Module, list[tuple[list[str], str]]]:
        return {
            module: [path for public, tree in USE.findall(file.code) if public for path in expand(tree)]
            for module, file in self.files.items()
        }

    @cached_property
    def macros(self) -> dict[str, Module]:
        """`macro_rules!` are known by name alone, wherever they stand."""
        return {name: module for module, file in self.files.items() for name in re.findall(r"\bmacro_rules!\s*(\w+)", file.code)}

    @cached_property
    def imports(self) -> dict[Module, dict[Module, set[str]]]:
        """The arrows between files, each with the names that make it."""
        return {module: self._imports_of(module, file.code) for module, file in self.files.items()}

    def _imports_of(self, module: Module, code: str) -> dict[Module, set[str]]:
        body, found = USE.sub(";", code), {}
        for path in self._paths(module, USE.findall(code), body):
            target = self.resolve(module, path)
            if target in self.files and target != module:
                found.setdefault(target, set()).add(path[-1])
        return found

    def _paths(self, module: Module, uses: list[tuple[str, str]], body: str) -> list[list[str]]:
        """Every path that the file follows. A re-export that the file does not use itself only passes a name on."""
        paths = [[first, *rest.split("::")[1:]] for first, rest in PATH.findall(body)]
        modules = {child: [child] for child in CHILD.findall(body)}
        for public, tree in uses:
            for names, alias in expand(tree):
                if self.module_at(module, names) is not None and alias != "*":
                    modules[alias] = names
                elif not public or re.search(rf"\b{re.escape(alias)}\b", body):
                    paths.append(names)
        for alias, names in modules.items():
            paths += [[*names, name] for name in re.findall(rf"(?<![\w:]){alias}::(\w+)", body)]
        return paths

    def module_at(self, module: Module, names: list[str]) -> Module | None:
        """The module that a path names, if it names a module and nothing in it."""
        at, rest = self._walk(module, names)
        return at if not rest else None

    def _walk(self, module: Module, names: list[str]) -> tuple[Module | None, list[str]]:
        at, rest = self._start(module, names)
        while at is not None and rest and at + (rest[0],) in self.modules:
            at, rest = at + (rest[0],), rest[1:]
        return at, rest

    def resolve(self, module: Module, names: list[str], seen: frozenset = frozenset()) -> Module | None:
        """The module whose file defines what the path names; None for what belongs to another crate."""
        at, rest = self._walk(module, names)
        if at is None or (at, tuple(rest)) in seen:
            return None
        if not rest or rest[0] == "*":
            return at
        if rest[0] in self.macros:
            return self.macros[rest[0]]
        return self._reexported(at, rest, seen | {(at, tuple(rest))}) or at

    def _start(self, module: Module, names: list[str]) -> tuple[Module | None, list[str]]:
        rest = list(names)
        if rest and rest[0] in ("crate", self.name):
            return (), rest[1:]
        at = module
        while rest and rest[0] in ("self", "super"):
            at = at[:-1] if rest.pop(0) == "super" else at
            if not rest or rest[0] not in ("self", "super"):
                return at, rest
        return (module, rest) if rest and module + (rest[0],) in self.modules else (None, rest)

    def _reexported(self, module: Module, rest: list[str], seen: frozenset) -> Module | None:
        for names, alias in self.reexports.get(module, []):
            if alias == rest[0]:
                return self.resolve(module, names + rest[1:], seen)
        for names, alias in self.reexports.get(module, []):
            behind = self.resolve(module, names[:-1], seen) if alias == "*" else None
            if behind is not None and behind != module and self._defines(behind, rest[0]):
                return self.resolve(behind, ["self", *rest], seen)
        return None

    def _defines(self, module: Module, name: str) -> bool:
        file = self.files.get(module)
        return bool(file and re.search(rf"\b(?:fn|struct|enum|trait|type|const|static|union|mod)\s+{name}\b", file.code))
