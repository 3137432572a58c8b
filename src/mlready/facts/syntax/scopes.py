"""What is known at one point of the walk: the scopes that are open, what their names mean, and the rows so far."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal, NamedTuple

from mlready.facts.rows import (
    Assign,
    Call,
    Field,
    Guard,
    Handler,
    Import,
    Param,
    Scope,
    Subscript,
    Text,
    Value,
)

if TYPE_CHECKING:
    from mlready.facts.syntax.lore import Lore

UNKNOWN = ""
"""Binding of a name that holds an object of unknown make."""

INSTANCE = "="
"""First character of the binding of a name that holds an object whose class is known: "=sklearn.svm.SVC"."""


class Context(NamedTuple):
    """What encloses a statement in its scope."""

    labels: tuple[str, ...] = ()
    optional: bool = False
    typing_only: bool = False


class ScopeState:
    """A module, class or function while its body is walked.

    `names` binds a name to the dotted name that it means, to INSTANCE + class, or to UNKNOWN.
    `attributes` holds the same for the attributes of a class's objects; `methods` the names that its body defines.
    """

    __slots__ = (
        "asserts",
        "attributes",
        "bases",
        "body_line",
        "decorators",
        "documented",
        "enclosing",
        "end_line",
        "examples",
        "gives",
        "global_names",
        "harmless",
        "index",
        "is_async",
        "kind",
        "line",
        "methods",
        "name",
        "names",
        "notable",
        "params",
        "raises",
        "refs",
        "returned",
        "returns",
        "statements",
        "trivial",
    )

    def __init__(self, kind: Literal["module", "class", "function"], name: str, enclosing: ScopeState | None) -> None:
        self.kind: Literal["module", "class", "function"] = kind
        self.name = name
        self.enclosing = enclosing
        self.index = 0
        self.line = 1
        self.body_line = 1
        self.end_line = 0
        self.names: dict[str, str] = {}
        self.global_names: set[str] = set()
        self.attributes: dict[str, str] = {}
        self.methods: set[str] = set()
        self.bases: tuple[str, ...] = ()
        self.decorators: tuple[Value, ...] = ()
        self.params: tuple[Param, ...] = ()
        self.returns = ""
        self.returned = ""
        self.gives: tuple[str, ...] = ()
        self.documented = False
        self.is_async = False
        self.trivial = False
        self.examples = False
        self.harmless = False
        self.statements = 0
        self.asserts = 0
        self.raises = False
        self.notable = False
        """Whether a call or subscript in it was of interest, so that it is worth a hash."""
        self.refs: dict[str, None] = {}

    def row(self, body_hash: str) -> Scope:
        """The finished row."""
        return Scope(
            name=self.name,
            kind=self.kind,
            parent=self.enclosing.index if self.enclosing else -1,
            line=self.line,
            end_line=self.end_line,
            statements=self.statements,
            documented=self.documented,
            decorators=self.decorators,
            bases=self.bases,
            params=self.params,
            returns=self.returns,
            is_async=self.is_async,
            trivial=self.trivial,
            asserts=self.asserts,
            body_hash=body_hash,
            refs=tuple(self.refs),
            raises=self.raises,
            examples=self.examples,
            harmless=self.harmless,
            gives=self.gives,
        )


class ModuleState:
    """One module while it is walked: its open scope, its context, and the rows that were found."""

    __slots__ = (
        "assigns",
        "awaited",
        "call_names",
        "calls",
        "classes",
        "context",
        "exports",
        "fields",
        "functions",
        "guards",
        "handlers",
        "imports",
        "lore",
        "main_guard",
        "own_names",
        "prints",
        "root",
        "scope",
        "scopes",
        "subscripts",
        "tabular",
        "texts",
    )

    def __init__(self, lore: Lore) -> None:
        self.lore = lore
        self.root = ScopeState("module", "", None)
        self.scope = self.root
        self.scopes = [self.root]
        self.context = Context()
        self.classes: dict[str, ScopeState] = {}
        self.functions: dict[str, ScopeState] = {}
        self.own_names: set[str] = set()
        """Names that are bound, somewhere in the module, to what may be the project's own."""
        self.call_names: dict[int, str] = {}
        """Resolved names of calls already looked at, by the identity of their nodes."""
        self.awaited: set[int] = set()
        self.tabular = False
        self.imports: list[Import] = []
        self.calls: list[Call] = []
        self.fields: list[Field] = []
        self.assigns: list[Assign] = []
        self.texts: list[Text] = []
        self.subscripts: list[Subscript] = []
        self.handlers: list[Handler] = []
        self.prints: list[tuple[int, int]] = []
        self.exports: tuple[str, ...] = ()
        self.guards: list[Guard] = []
        self.main_guard = 0

    def open_scope(self, kind: Literal["class", "function"], node: ast.AST, name: str) -> ScopeState:
        """A scope inside the current one; it becomes current when its body is walked."""
        outer = self.scope
        scope = ScopeState(kind, f"{outer.name}.{name}" if outer.name else name, outer)
        scope.index = len(self.scopes)
        scope.line = getattr(node, "lineno", 1)
        scope.end_line = getattr(node, "end_lineno", scope.line) or scope.line
        self.scopes.append(scope)
        return scope

    def main_scope(self, node: ast.If) -> ScopeState:
        """The scope "<main>": what runs when the file is started and not when it is imported. Its names are the module's."""
        scope = self.open_scope("function", node, "<main>")
        scope.names = self.root.names
        scope.body_line = node.body[0].lineno
        scope.trivial = True
        return scope

    def bind(self, name: str, binding: str) -> None:
        """Let a name mean something from here on."""
        scope = self.root if name in self.scope.global_names else self.scope
        scope.names[name] = binding

    def lookup(self, name: str) -> str | None:
        """What a name means here; None for builtins and names that nothing in the module binds."""
        binding = self.scope.names.get(name)
        scope = self.scope.enclosing
        while binding is None and scope is not None:
            if scope.kind != "class":
                binding = scope.names.get(name)
            scope = scope.enclosing
        return binding
