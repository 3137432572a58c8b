"""The import and call graph of a project's own modules: which code is reached from an entry point.

A node is a scope (module, class or function) of one file. An edge leads from a scope to every project scope that it names,
and from an import to the top level of the module that is imported. A class that is reached brings all its methods: the
graph may reach too much, never too little, as far as names can tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mlready.facts.rows import Import, PythonFacts, Scope

Node = tuple[str, int]
"""(path, index of the scope)."""

_MAX_DEPTH = 12
_MAX_RE_EXPORTS = 4
"""Modules that a name is followed through."""


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
    by_parts: dict[tuple[str, ...], str] = field(default_factory=dict)
    _nearest: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[str]) -> ModuleIndex:
        index = cls()
        for path in sorted(paths):
            parts = index.parts[path] = module_parts(path)
            index.by_parts.setdefault(parts, path)
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
        return self.by_parts.get(parts) if parts else None


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
    resolve: Callable[[str, str], list[Node]] = field(default=lambda path, name: [], repr=False, compare=False)
    """(path, name as it is known in that file) -> the scopes of the project that it means."""
    _memory: dict[tuple[Node, ...], frozenset[Node]] = field(default_factory=dict, repr=False, compare=False)
    _callers: dict[Node, list[Node]] = field(default_factory=dict, repr=False, compare=False)

    def reach(self, starts: Iterable[Node]) -> frozenset[Node]:
        """All scopes that can run when `starts` run."""
        key = tuple(starts)
        found = self._memory.get(key)
        if found is None:
            found = self._memory[key] = _search(self.edges, key)
        return found

    def leading_to(self, targets: Iterable[Node]) -> frozenset[Node]:
        """All scopes that can make one of `targets` run: one search instead of one for each entry point."""
        if not self._callers:
            for node, called in self.edges.items():
                for target in called:
                    self._callers.setdefault(target, []).append(node)
        return _search(self._callers, targets)


def _search(edges: Mapping[Node, Sequence[Node]], starts: Iterable[Node]) -> frozenset[Node]:
    """The starts, and all that edges lead to from there."""
    seen = set(starts)
    todo = list(seen)
    while todo:
        for node in edges.get(todo.pop(), ()):
            if node not in seen:
                seen.add(node)
                todo.append(node)
    return frozenset(seen)


_INSTANTIATES = ("instantiate", "get_class", "get_method", "LightningCLI")
"""Last parts of calls that make what a configuration file names (`_target_: package.Class`)."""


def build_graph(modules: Mapping[str, PythonFacts], *, configured: Iterable[str] = ()) -> CallGraph:
    """The graph of all Python files (and notebooks) of a project; `configured` are classes that its configuration names."""
    index = ModuleIndex.of(path for path in modules if path.endswith(".py"))
    linker = _Linker(modules=modules, index=index)
    edges: dict[Node, tuple[Node, ...]] = {}
    imports: dict[str, tuple[str, ...]] = {}
    bindings: dict[str, dict[str, tuple[str, str]]] = {}
    named = sorted({node for name in configured for node in linker.find_path(name.split("."), importer="")})
    for path, facts in modules.items():
        names = linker.imported_names(path)
        bindings[path] = names.bound
        imports[path] = names.at_top
        making = {call.scope for call in facts.calls if call.name.rpartition(".")[2] in _INSTANTIATES} if named else ()
        inside = _members(facts.scopes)
        resolved: dict[str, list[Node]] = {}  # a file names the same things in many scopes
        for number, scope in enumerate(facts.scopes):
            targets = {(path, member) for member in inside.get(number, ())}
            targets.update(named if number in making else ())
            for ref in scope.refs:
                if ref not in resolved:
                    resolved[ref] = linker.resolve(ref, path=path, bound=names.bound)
                targets.update(resolved[ref])
            targets.update((target, 0) for target in (names.in_scopes.get(number, ()) if number else names.at_top))
            targets.discard((path, number))
            if targets:
                edges[(path, number)] = tuple(sorted(targets))

    for node, classes in _trained_unnamed(modules, edges):
        edges[node] = tuple(sorted({*edges.get(node, ()), *classes}))

    def resolve(path: str, name: str) -> list[Node]:
        return linker.resolve(name, path=path, bound=bindings[path]) if path in bindings else []

    return CallGraph(edges=edges, imports=imports, resolve=resolve)


def _trained_unnamed(
    modules: Mapping[str, PythonFacts], edges: Mapping[Node, tuple[Node, ...]]
) -> Iterator[tuple[Node, set[Node]]]:
    """Where Lightning trains, and its modules that no code names: they are made by a name that is told at run time."""
    starts = [
        (path, call.scope)
        for path, facts in modules.items()
        for call in facts.calls
        if call.system == "lightning" and "train" in call.activities
    ]
    if starts:
        known = {target for called in edges.values() for target in called}
        modular = {
            (path, number)
            for path, facts in modules.items()
            for number, scope in enumerate(facts.scopes)
            if scope.kind == "class" and any(base.endswith("LightningModule") for base in scope.bases)
        }
        unnamed = modular - known
        yield from ((start, unnamed) for start in starts if unnamed)


def _members(scopes: Sequence[Scope]) -> dict[int, list[int]]:
    """Methods of a class, and functions defined inside of a function (they are passed on as values), by its number."""
    table: dict[int, list[int]] = {}
    for number, scope in enumerate(scopes):
        inside = number and 0 < scope.parent < len(scopes)
        if inside and scopes[scope.parent].kind in ("class", "function"):
            table.setdefault(scope.parent, []).append(number)
    return table


class _Imported(NamedTuple):
    """What the imports of a file mean."""

    bound: dict[str, tuple[str, str]]
    """Name -> the file that it comes from, and the dotted rest inside it."""
    at_top: tuple[str, ...]
    """Files that are imported when the module is."""
    in_scopes: dict[int, set[str]]
    """Files that are imported when a class or function runs."""


_Handed = tuple[int, str, str]
"""(position of the import, file that it leads to, dotted rest inside it or "*")."""


class _Exports(NamedTuple):
    """What other modules can get from a module by name."""

    heads: set[str]
    """First parts of the names that it defines or imports."""
    named: dict[str, list[_Handed]]
    stars: list[_Handed]


@dataclass(slots=True)
class _Linker:
    modules: Mapping[str, PythonFacts]
    index: ModuleIndex
    scope_names: dict[str, dict[str, int]] = field(default_factory=dict)
    handed_on: dict[tuple[str, str], list[Node]] = field(default_factory=dict)
    """What a name inside a module was found to mean."""
    above: dict[str, list[str]] = field(default_factory=dict)
    imported: dict[str, list[tuple[Import, str, str]]] = field(default_factory=dict)
    exports: dict[str, _Exports] = field(default_factory=dict)
    through: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)

    def names(self, path: str) -> dict[str, int]:
        if path not in self.scope_names:
            self.scope_names[path] = {s.name: i for i, s in enumerate(self.modules[path].scopes) if i}
        return self.scope_names[path]

    def targets(self, path: str) -> list[tuple[Import, str, str]]:
        """The imports of a file that mean a file of the project: (row, that file, dotted rest inside it)."""
        if path not in self.imported:
            rows = self.modules[path].imports
            found = [(row, self._target(row, importer=path)) for row in rows]
            self.imported[path] = [(row, *target) for row, target in found if target is not None]
        return self.imported[path]

    def _target(self, row: Import, *, importer: str) -> tuple[str, str] | None:
        """What an import means: the module itself, or a name inside of it."""
        whole = f"{row.module}.{row.name}" if row.module and row.name else (row.module or row.name)
        for module, rest in ((whole, ""), (row.module, row.name)):
            path = self._file(module, level=row.level, importer=importer)
            if path and path != importer:
                return path, rest
        return None

    def _file(self, module: str, *, level: int, importer: str) -> str | None:
        if level:
            return self.index.find_relative(module, level=level, importer=importer)
        return self.index.find(module, importer=importer) if module else None

    def imported_names(self, path: str) -> _Imported:
        """What imported names mean in this file, and the files that its imports run."""
        bound: dict[str, tuple[str, str]] = {}
        at_top: set[str] = set()
        in_scopes: dict[int, set[str]] = defaultdict(set)
        for row, target, rest in self.targets(path):
            dots = "." * row.level
            name = f"{row.module}.{row.name}" if row.module and row.name else (row.module or row.name)
            bound[dots + name] = (target, rest)
            bound.setdefault(row.alias or row.name or row.module, (target, rest))
            if row.typing_only:
                continue
            if row.scope == 0:
                at_top.add(target)
                at_top.update(self._packages_above(target))
            else:
                in_scopes[row.scope].add(target)
        return _Imported(bound, tuple(sorted(at_top)), in_scopes)

    def _packages_above(self, path: str) -> list[str]:
        """The __init__ files that run when a module inside them is imported."""
        if path not in self.above:
            found, folder = [], path.rpartition("/")[0]
            while folder:
                init = f"{folder}/__init__.py"
                if init in self.modules and init != path:
                    found.append(init)
                folder = folder.rpartition("/")[0]
            self.above[path] = found
        return self.above[path]

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
                return self._meant(target, ".".join(filter(None, (rest, *parts[end:]))))
        return self.find_path(parts, importer=path)

    def find_path(self, parts: list[str], *, importer: str) -> list[Node]:
        """The scopes that a dotted path from a root of the project means."""
        for end in range(len(parts), 0, -1):
            found = self.index.find(".".join(parts[:end]), importer=importer) if end > 1 else None
            if found:
                return self._meant(found, ".".join(parts[end:]))
        return []

    def _meant(self, path: str, name: str) -> list[Node]:
        """The scopes that a name inside a module means, searched for once."""
        key = (path, name)
        if key not in self.handed_on:
            self.handed_on[key] = self._member(path, name)
        return self.handed_on[key]

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
        if depth < _MAX_RE_EXPORTS:
            head, _, rest = name.partition(".")
            for _, target, inner in self._handing_on(path, head, depth):
                star = inner == "*"
                sought = name if star else ".".join(filter(None, (inner, rest)))
                found = self._member(target, sought, depth + 1)
                if any(number for _, number in found) or (found and not star):
                    return [*found, (path, 0)]
        return [(path, 0)]

    def _handing_on(self, path: str, head: str, depth: int) -> list[_Handed]:
        """The imports of a module that can give it a name, in their order."""
        exports = self._exports(path)
        stars = [row for row in exports.stars if head in self._names_through(row[1], depth + 1)]
        return sorted([*exports.named.get(head, ()), *stars])

    def _exports(self, path: str) -> _Exports:
        if path not in self.exports:
            exports = self.exports[path] = _Exports({name.partition(".")[0] for name in self.names(path)}, {}, [])
            for position, (row, target, inner) in enumerate(self.targets(path)):
                rows = exports.stars if row.name == "*" else exports.named.setdefault(row.alias or row.name, [])
                rows.append((position, target, inner))
            exports.heads.update(exports.named)
        return self.exports[path]

    def _names_through(self, path: str, depth: int) -> frozenset[str]:
        """First parts of all names that a module has or gets by star imports; packages star-import hundreds of modules."""
        key = (path, depth)
        if key not in self.through:
            heads: set[str] = set()
            if path in self.modules:
                exports = self._exports(path)
                heads.update(exports.heads)
                for _, target, _ in exports.stars if depth < _MAX_RE_EXPORTS else ():
                    heads |= self._names_through(target, depth + 1)
            self.through[key] = frozenset(heads)
        return self.through[key]


def _relative_parts(ref: str) -> list[str]:
    """ "..a.b" -> ["..a", "b"]: the dots stay with the first part."""
    level = len(ref) - len(ref.lstrip("."))
    head, *rest = ref[level:].split(".")
    return ["." * level + head, *rest]
