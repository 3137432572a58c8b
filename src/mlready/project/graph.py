"""The import and call graph of a project's own modules: which code is reached from an entry point.

A node is a scope (module, class or function) of one file. An edge leads from a scope to every project scope that it names,
and from an import to the top level of the module that is imported. A class that is reached brings all its methods: the
graph may reach too much, never too little, as far as names can tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlready.facts.rows import Import, PythonFacts

Node = tuple[str, int]
"""(path, index of the scope)."""

_MAX_DEPTH = 12


def module_parts(path: str) -> tuple[str, ...]:
    """The dotted parts that a file could be imported by, whole path first: a/b/__init__.py -> ("a", "b")."""
    folder, slash, name = path.rpartition("/")
    parts = (*(folder.split("/") if slash else ()), name.rpartition(".")[0] or name)
    return parts[:-1] if parts[-1] == "__init__" else parts


def _folders(path: str) -> tuple[str, ...]:
    """The folders above a file, outermost first."""
    return tuple(path.split("/")[:-1])


@dataclass(slots=True)
class ModuleIndex:
    """Finds the file that an import means, by every dotted suffix of its path."""

    by_suffix: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _nearest: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[str]) -> ModuleIndex:
        index = cls()
        for path in sorted(paths):
            parts = index.parts[path] = module_parts(path)
            for start in range(max(0, len(parts) - _MAX_DEPTH), len(parts)):
                index.by_suffix[".".join(parts[start:])].append(path)
        return index

    def find(self, module: str, *, importer: str) -> str | None:
        """The file that `module` means when `importer` names it: the one that is nearest in the tree."""
        found = self.by_suffix.get(module)
        if not found:
            return None
        if len(found) == 1:
            return found[0]
        key = (module, importer.rpartition("/")[0])
        if key not in self._nearest:
            home, depth = _folders(importer), module.count(".") + 1
            self._nearest[key] = min(found, key=lambda path: _distance(home, self.parts[path], path, depth))
        return self._nearest[key]

    def find_relative(self, module: str, *, level: int, importer: str) -> str | None:
        """The file that `from ..module` means."""
        parent = _folders(importer)
        if level - 1 > len(parent):
            return None
        base = parent[: len(parent) - (level - 1)]
        parts = (*base, *(part for part in module.split(".") if part))
        for path in self.by_suffix.get(".".join(parts[-_MAX_DEPTH:]), ()):
            if self.parts[path] == parts:
                return path
        return None


def _distance(home: tuple[str, ...], parts: tuple[str, ...], path: str, depth: int) -> tuple[int, int, str]:
    """How far the root that a module of `depth` names starts from is away from the importer's folder."""
    root = parts[: len(parts) - depth]
    shared = 0
    for mine, theirs in zip(home, root, strict=False):
        if mine != theirs:
            break
        shared += 1
    return (len(home) - shared + len(root) - shared, len(root), path)


@dataclass(frozen=True, slots=True)
class CallGraph:
    """Edges between the scopes of a project, and the files that each file imports."""

    edges: Mapping[Node, tuple[Node, ...]]
    imports: Mapping[str, tuple[str, ...]]
    _memory: dict[tuple[Node, ...], frozenset[Node]] = field(default_factory=dict, repr=False, compare=False)

    def reach(self, starts: Iterable[Node]) -> frozenset[Node]:
        """All scopes that can run when `starts` run."""
        key = tuple(starts)
        found = self._memory.get(key)
        if found is None:
            found = self._memory[key] = self._search(key)
        return found

    def _search(self, starts: tuple[Node, ...]) -> frozenset[Node]:
        seen: set[Node] = set()
        todo = list(starts)
        while todo:
            node = todo.pop()
            if node in seen:
                continue
            seen.add(node)
            todo.extend(self.edges.get(node, ()))
        return frozenset(seen)


def build_graph(modules: Mapping[str, PythonFacts]) -> CallGraph:
    """The graph of all Python files (and notebooks) of a project."""
    index = ModuleIndex.of(path for path in modules if path.endswith(".py"))
    linker = _Linker(modules=modules, index=index)
    edges: dict[Node, tuple[Node, ...]] = {}
    imports: dict[str, tuple[str, ...]] = {}
    for path, facts in modules.items():
        bound, imported = linker.bindings(path, facts)
        imports[path] = imported
        for number, scope in enumerate(facts.scopes):
            targets = set(linker.own_members(path, number))
            for ref in scope.refs:
                targets.update(linker.resolve(ref, path=path, bound=bound))
            if number == 0:
                targets.update((target, 0) for target in imported)
            else:
                targets.update((t, 0) for t in linker.local_imports(path, number))
            targets.discard((path, number))
            if targets:
                edges[(path, number)] = tuple(sorted(targets))
    return CallGraph(edges=edges, imports=imports)


@dataclass(slots=True)
class _Linker:
    modules: Mapping[str, PythonFacts]
    index: ModuleIndex
    scope_names: dict[str, dict[str, int]] = field(default_factory=dict)
    members: dict[str, dict[int, list[int]]] = field(default_factory=dict)

    def names(self, path: str) -> dict[str, int]:
        if path not in self.scope_names:
            self.scope_names[path] = {s.name: i for i, s in enumerate(self.modules[path].scopes) if i}
        return self.scope_names[path]

    def own_members(self, path: str, number: int) -> list[Node]:
        """Methods of a class, and functions defined inside of a function (they are passed on as values)."""
        if path not in self.members:
            table: dict[int, list[int]] = defaultdict(list)
            scopes = self.modules[path].scopes
            for i, scope in enumerate(scopes):
                inside = 0 < scope.parent < len(scopes)
                if i and inside and scopes[scope.parent].kind in ("class", "function"):
                    table[scope.parent].append(i)
            self.members[path] = table
        return [(path, i) for i in self.members[path].get(number, ())]

    def target_of(self, row: Import, *, importer: str) -> list[tuple[str, str]]:
        """(file, dotted rest) that an import row can mean: the module itself, or a module inside the package."""
        found: list[tuple[str, str]] = []
        whole = f"{row.module}.{row.name}" if row.module and row.name else (row.module or row.name)
        for module, rest in ((whole, ""), (row.module, row.name)):
            path = self._file(module, level=row.level, importer=importer)
            if path and path != importer:
                found.append((path, rest))
                break
        return found

    def _file(self, module: str, *, level: int, importer: str) -> str | None:
        if level:
            return self.index.find_relative(module, level=level, importer=importer)
        return self.index.find(module, importer=importer) if module else None

    def bindings(self, path: str, facts: PythonFacts) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
        """What imported names mean in this file, and the files imported at the top level."""
        bound: dict[str, tuple[str, str]] = {}
        imported: set[str] = set()
        for row in facts.imports:
            for target, rest in self.target_of(row, importer=path):
                dots = "." * row.level
                name = f"{row.module}.{row.name}" if row.module and row.name else (row.module or row.name)
                bound[dots + name] = (target, rest)
                bound.setdefault(row.alias or row.name or row.module, (target, rest))
                if row.scope == 0 and not row.typing_only:
                    imported.add(target)
                    imported.update(self._packages_above(target))
        return bound, tuple(sorted(imported))

    def _packages_above(self, path: str) -> list[str]:
        """The __init__ files that run when a module inside them is imported."""
        found, folder = [], path.rpartition("/")[0]
        while folder:
            init = f"{folder}/__init__.py"
            if init in self.modules and init != path:
                found.append(init)
            folder = folder.rpartition("/")[0]
        return found

    def local_imports(self, path: str, number: int) -> set[str]:
        rows = [row for row in self.modules[path].imports if row.scope == number and not row.typing_only]
        return {target for row in rows for target, _ in self.target_of(row, importer=path)}

    def resolve(self, ref: str, *, path: str, bound: dict[str, tuple[str, str]]) -> list[Node]:
        """The scopes of the project that a name means; none when it belongs to somebody else."""
        own = self._scope(path, ref)
        if own:
            return own
        parts = ref.split(".") if not ref.startswith(".") else _relative_parts(ref)
        for end in range(len(parts), 0, -1):
            prefix = ".".join(parts[:end])
            if prefix in bound:
                target, rest = bound[prefix]
                return self._member(target, ".".join(filter(None, (rest, *parts[end:]))))
        found = None
        for end in range(len(parts), 0, -1):
            found = self.index.find(".".join(parts[:end]), importer=path) if end > 1 else None
            if found:
                return self._member(found, ".".join(parts[end:]))
        return []

    def _scope(self, path: str, name: str) -> list[Node]:
        names = self.names(path)
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            number = names.get(".".join(parts[:end]))
            if number is not None:
                return [(path, number)]
        return []

    def _member(self, path: str, name: str, depth: int = 0) -> list[Node]:
        """A name inside a module, followed through re-exports of packages."""
        if path not in self.modules:
            return []
        if not name:
            return [(path, 0)]
        own = self._scope(path, name)
        if own:
            return [*own, (path, 0)]
        if depth < 4:
            head = name.split(".", maxsplit=1)[0]
            for row in self.modules[path].imports:
                if (row.alias or row.name) == head or row.name == "*":
                    rest = name if row.name == "*" else ".".join(name.split(".")[1:])
                    for target, inner in self.target_of(row, importer=path):
                        inner = "" if inner == "*" else inner
                        found = self._member(target, ".".join(filter(None, (inner, rest))), depth + 1)
                        if found:
                            return [*found, (path, 0)]
        return [(path, 0)]


def _relative_parts(ref: str) -> list[str]:
    """ "..a.b" -> ["..a", "b"]: the dots stay with the first part."""
    level = len(ref) - len(ref.lstrip("."))
    head, *rest = ref[level:].split(".")
    return ["." * level + head, *rest]
