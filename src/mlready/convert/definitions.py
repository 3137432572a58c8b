"""Which functions and classes become members of modules, and what parameters those get that read notebook variables.

A definition moves when nothing of it depends on where it stood: it is bound once, and all that it takes from outside is
imports, builtins, other such definitions, or, for a function that is only ever called by name, notebook variables, which
become its leading parameters. Every other definition stays in the step that makes it, as a closure.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mlready.convert.imports import Imported
from mlready.convert.model import Definition, Statement
from mlready.convert.settings import Extracted
from mlready.convert.strings import quoted_names
from mlready.convert.tokens import CONFIG, OUTPUT_DIR
from mlready.flow.scopes import inner_names, target_names
from mlready.flow.statements import analyze

MAX_EXTRA = 5
MAX_SETTINGS = 4
"""Settings that are handed over one by one; code that reads more gets the configuration."""


@dataclass(frozen=True)
class Moved:
    """The definitions that move."""

    definitions: dict[str, Definition] = field(default_factory=dict)

    def added_reads(self, names: Iterable[str]) -> frozenset[str]:
        """Variables that a statement reads too because of the moved functions that it calls."""
        return frozenset(extra for name in names if name in self.definitions for extra in self.definitions[name].extra)

    @property
    def from_config(self) -> dict[str, frozenset[str]]:
        """Functions with the settings that they read from the configuration."""
        return {name: definition.from_config for name, definition in self.definitions.items() if definition.from_config}

    @property
    def leading(self) -> dict[str, tuple[str, ...]]:
        """Functions with the parameters that they get: every call of one passes them first."""
        return {name: definition.extra for name, definition in self.definitions.items() if definition.extra}


def plan_definitions(statements: Sequence[Statement], imported: Imported, extracted: Extracted) -> Moved:
    """Narrows the candidates down until each depends only on what moves as well."""
    world = _World(statements, imported, extracted)
    candidates = {name: s for name, s in world.definitions.items() if world.may_move(s)}
    while True:
        extra = world.extra_parameters(candidates)
        kept = {name: s for name, s in candidates.items() if world.holds(s, candidates, extra)}
        if len(kept) == len(candidates):
            break
        candidates = kept
    definitions = {
        name: Definition(
            name,
            s,
            world.parameters(extra[name]),
            frozenset((world.needs(s) & candidates.keys()) - {name}),
            world.from_config(extra[name]),
        )
        for name, s in candidates.items()
    }
    return Moved(definitions)


class _World:
    """What has to be known of the whole notebook to judge one definition."""

    def __init__(self, statements: Sequence[Statement], imported: Imported, extracted: Extracted) -> None:
        self.imports = imported.names - {line.name for line in imported.lines if line.late}
        self.late = {line.name for line in imported.lines if line.late}
        self.extracted = extracted
        self.statements = statements
        self.settings = {setting.name for setting in extracted.settings}
        binds: Counter[str] = Counter()
        for statement in statements:
            if statement.index not in imported.hoisted:
                binds.update(statement.flow.binds | statement.flow.global_writes | statement.flow.deletes)
        self.binds = binds
        self.definitions = {
            s.node.name: s
            for s in statements
            if isinstance(s.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and binds[s.node.name] == 1
        }
        self.variables = {name for name in binds if name not in self.definitions} | self.settings
        self.by_value = _used_by_value(statements, self.definitions)
        self.first_bound = self._first_bound()

    def _first_bound(self) -> dict[str, int]:
        found = dict.fromkeys(self.settings, -1)
        for statement in self.statements:
            for name in statement.flow.binds:
                found.setdefault(name, statement.index)
        return found

    def immediate(self, statement: Statement) -> frozenset[str]:
        return statement.flow.reads | self.extracted.reads.get(statement.index, frozenset())

    def needs(self, statement: Statement) -> frozenset[str]:
        deferred = self.extracted.deferred.get(statement.index, frozenset())
        return self.immediate(statement) | statement.flow.deferred | deferred

    def may_move(self, statement: Statement) -> bool:
        """What can be told of one definition alone."""
        flow = statement.flow
        if flow.global_writes or flow.effects or self.needs(statement) & self.late:
            return False
        return not any(name in self.variables for name in self.immediate(statement))

    def extra_parameters(self, candidates: dict[str, Statement]) -> dict[str, set[str]]:
        """Notebook variables that each candidate reads, itself or through the candidates that it calls."""
        extra = {name: set(self.needs(s) & self.variables) for name, s in candidates.items()}
        changed = True
        while changed:
            changed = False
            for name, statement in candidates.items():
                wider = extra[name].union(*(extra[called] for called in self.needs(statement) & candidates.keys()))
                if wider != extra[name]:
                    extra[name], changed = wider, True
        return extra

    def from_config(self, wanted: set[str]) -> frozenset[str]:
        """Settings among these names that are read from the configuration: none where they are few."""
        return many(frozenset(wanted & self.settings) - {OUTPUT_DIR})

    def parameters(self, wanted: set[str]) -> tuple[str, ...]:
        """The parameters that give a function these names."""
        through = self.from_config(wanted)
        return (*sorted(wanted - through), *([CONFIG] if through else ()))

    def holds(self, statement: Statement, candidates: dict[str, Statement], extra: dict[str, set[str]]) -> bool:
        """True where a candidate can move, given the others."""
        node = statement.node
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        others = self.needs(statement) & self.definitions.keys()
        if not others <= candidates.keys():
            return False
        if any(extra[name] for name in self.immediate(statement) & candidates.keys()):
            return False
        wanted = extra[node.name]
        if not wanted:
            return True
        if (
            isinstance(node, ast.ClassDef)
            or node.decorator_list
            or node.name in self.by_value
            or len(self.parameters(wanted)) > MAX_EXTRA
        ):
            return False
        if wanted & inner_names(node) or self.from_config(wanted) & quoted_names(node):
            return False
        return all(self._bound_before_use(node.name, name) for name in wanted)

    def _bound_before_use(self, function: str, name: str) -> bool:
        first = self.first_bound.get(name, 1 << 30)
        users = [s for s in self.statements if function in s.flow.reads]
        return all(first < user.index or _binds_before([user.node], name, function) for user in users)


def many(settings: frozenset[str]) -> frozenset[str]:
    """Which of the settings that code reads come from the configuration."""
    return settings if len(settings) > MAX_SETTINGS else frozenset()


def _binds_before(block: Sequence[ast.stmt], name: str, function: str) -> bool:
    """True where each statement of a block that has to do with the function is reached with the name bound in it."""
    bound = False
    for node in block:
        if not bound and _names(node, function) and not _binds_inside(node, name, function):
            return False
        bound = bound or name in analyze([node])[0].certain
    return True


def _binds_inside(node: ast.stmt, name: str, function: str) -> bool:
    """The same of a compound statement: by its own target, or in each block of it."""
    if isinstance(node, ast.For | ast.With):
        heads = [node.iter, *node.orelse] if isinstance(node, ast.For) else [i.context_expr for i in node.items]
        targets = (
            [node.target] if isinstance(node, ast.For) else [i.optional_vars for i in node.items if i.optional_vars]
        )
        if any(_names(head, function) for head in heads):
            return False
        own = {bound for target in targets for bound in target_names(target)}
        deleted = any(isinstance(inner, ast.Delete) and _names(inner, name) for inner in ast.walk(node))
        return (name in own and not deleted) or _binds_before(node.body, name, function)
    if isinstance(node, ast.If | ast.While):
        parts = (node.body, node.orelse)
        return not _names(node.test, function) and all(_binds_before(part, name, function) for part in parts)
    return False


def _names(node: ast.AST, name: str) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(node))


def _used_by_value(statements: Sequence[Statement], definitions: dict[str, Statement]) -> set[str]:
    """Definitions that are used other than in a plain call by name, or in a class."""
    found: set[str] = set()
    for statement in statements:
        callees = set()
        for node in ast.walk(statement.node):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                callees.add(id(node.func))
            elif isinstance(node, ast.ClassDef):
                found |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in definitions}
        for node in ast.walk(statement.node):
            if isinstance(node, ast.Name) and node.id in definitions and id(node) not in callees:
                found.add(node.id)
    return found
