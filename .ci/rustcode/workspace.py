"""A checkout: its crates, which of them may depend on which, and all its Rust files."""

import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .modules import Crate
from .source import Source

# Who may depend on whom: docs/code-structure.md says why. What stands here is all that is allowed; `*` is everybody.
MAY_DEPEND_ON = {
    "teleinfo-proto": set(),
    "teleinfo-people": set(),
    "teleinfo-zenoh-client": set(),
    "teleinfo-reader": {"teleinfo-proto", "teleinfo-people", "teleinfo-zenoh-client"},
    "teleinfo-bridge": {"teleinfo-proto", "teleinfo-people"},
    "teleinfo-simulator": {"teleinfo-proto"},
    "teleinfo-lab": {"*"},
    "teleinfo-app": {"teleinfo-people"},
}
# Programs are started by tests, never linked into each other: what tests may use beside the above.
TESTS_MAY_DEPEND_ON = {"teleinfo-bridge": {"teleinfo-simulator"}}


@dataclass
class Member:
    """One crate of the workspace: `folder` as in Cargo.toml, `sources` all of its Rust files."""

    folder: str
    name: str
    dependencies: set[str]
    test_dependencies: set[str]
    sources: list[Source]
    crate: Crate

    @property
    def code(self) -> list[Source]:
        """What is shipped: no tests, benchmarks, examples or fuzz targets."""
        return [source for source in self.crate.files.values() if not source.is_test]

    def forbidden(self) -> list[str]:
        allowed = MAY_DEPEND_ON.get(self.name)
        if allowed is None:
            return [f"{self.name} has no place in the table of dependencies (.ci/rustcode/workspace.py)"]
        if "*" in allowed:
            return []
        beyond = self.dependencies - allowed
        in_tests = self.test_dependencies - {self.name} - allowed - TESTS_MAY_DEPEND_ON.get(self.name, set())
        return [f"{self.name} may not depend on {other}" for other in sorted(beyond | in_tests)]


def rust_files(root: Path) -> list[str]:
    """Files that belong to the project: what git knows or would add; everything where there is no repository."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-co", "--exclude-standard", "--", "*.rs"], capture_output=True, text=True, check=False
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else [str(path.relative_to(root)) for path in root.rglob("*.rs")]
    return sorted(name for name in set(names) if (root / name).is_file() and "target" not in Path(name).parts)


def module_of(path: str, has_library: bool) -> tuple:
    """src/tic/labels/mod.rs is ("tic", "labels"). Beside a library the program's main.rs is a room of its own."""
    parts = list(Path(path).with_suffix("").parts)
    if parts[-1] == "mod":
        parts.pop()
    if parts == ["lib"] or (parts == ["main"] and not has_library):
        parts.pop()
    return tuple(parts)


def crate_of(name: str, folder: str, sources: list[Source]) -> Crate:
    prefix = f"{folder}/src/"
    inside = {source.path.removeprefix(prefix): source for source in sources if source.path.startswith(prefix)}
    files = {module_of(path, "lib.rs" in inside): source for path, source in inside.items()}
    mark_tests(files)
    shipped = {module: source for module, source in files.items() if not source.is_test}
    return Crate(name.replace("-", "_"), shipped)


def mark_tests(files: dict[tuple, Source]) -> None:
    """A file is a test if it is declared under `#[cfg(test)]`, or stands below one that is."""
    for module in sorted(files, key=len):
        if files.get(module[:-1], files[module]).is_test and module:
            files[module].is_test = True
        for child in files[module].test_children:
            if module + (child,) in files:
                files[module + (child,)].is_test = True


def dependencies(manifest: dict, names: set[str], *tables: str) -> set[str]:
    """Those of our own crates, by the name of their package."""
    found = {}
    for place in (manifest, *manifest.get("target", {}).values()):
        for table in tables:
            found |= place.get(table, {})
    return names & {value.get("package", name) if isinstance(value, dict) else name for name, value in found.items()}


def members(root: Path) -> list[Member]:
    manifest = tomllib.loads((root / "Cargo.toml").read_text())
    folders = [str(path.relative_to(root)) for pattern in manifest["workspace"]["members"] for path in sorted(root.glob(pattern))]
    manifests = {folder: tomllib.loads((root / folder / "Cargo.toml").read_text()) for folder in folders}
    ours = {manifest["package"]["name"] for manifest in manifests.values()}
    sources = {path: Source(path, (root / path).read_text()) for path in rust_files(root)}
    return [member(folder, manifests[folder], ours, sources, folders) for folder in folders]


def member(folder: str, manifest: dict, ours: set[str], sources: dict[str, Source], folders: list[str]) -> Member:
    nested = tuple(f"{other}/" for other in folders if other.startswith(f"{folder}/"))
    own = [source for path, source in sources.items() if path.startswith(f"{folder}/") and not path.startswith(nested)]
    name = manifest["package"]["name"]
    shipped, in_tests = dependencies(manifest, ours, "dependencies", "build-dependencies"), dependencies(manifest, ours, "dev-dependencies")
    return Member(folder, name, shipped, in_tests, own, crate_of(name, folder, own))


def depends_on(found: list[Member]) -> dict[str, set[str]]:
    return {member.name: member.dependencies for member in found}


def short(name: str) -> str:
    return re.sub(r"^teleinfo-", "", name)
