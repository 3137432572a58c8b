"""Def/use per statement: what each top-level statement reads, binds, changes in place and does to the world.

Pure `ast`, one pass, no imports of anything analyzed. Unknown calls are taken at their worst: they may change whatever
is handed to them (`may_mutate`), while `mutates` holds only what the syntax or a known method says for sure.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlready.flow.effects import MUTATING, MUTATING_FUNCTIONS, PURE_METHODS, Effect, call_effect, is_pure_function
from mlready.flow.scopes import (
    COMPREHENSIONS,
    FUNCTIONS,
    class_names,
    immediate_parts,
    imported_names,
    outer_names,
    root_name,
    target_names,
)

IMPURE_TABLE_METHODS = frozenset({"apply", "map", "applymap", "transform", "agg", "aggregate"})
"""Pure themselves, but they run a function that is handed to them."""


@dataclass(frozen=True)
class StatementFlow:
    """What one statement does. Names are those of the scope that the statement stands in."""

    line: int
    end_line: int
    reads: frozenset[str] = frozenset()
    """Names whose value from before the statement may be used while it runs."""
    deferred: frozenset[str] = frozenset()
    """Names that functions and lambdas made here read when they are called later."""
    binds: frozenset[str] = frozenset()
    """Names that it may bind."""
    certain: frozenset[str] = frozenset()
    """Names that are bound for sure once it has ended."""
    deletes: frozenset[str] = frozenset()
    mutates: frozenset[str] = frozenset()
    """Names of objects that it changes in place for sure."""
    may_mutate: frozenset[str] = frozenset()
    """Names of objects that it hands to code which is not known."""
    global_writes: frozenset[str] = frozenset()
    """Names that functions made here bind through `global` when they are called."""
    global_mutates: frozenset[str] = frozenset()
    """Names of outer objects that functions made here change when they are called."""
    effects: frozenset[Effect] = frozenset()
    calls: tuple[str, ...] = ()
    """Resolved names of the calls in it, in order; of methods on a plain name "name.method"."""
    aliases: tuple[tuple[str, frozenset[str]], ...] = ()
    """(bound name, names whose objects it may share or hold)."""
    star_imports: tuple[str, ...] = ()
    imports: frozenset[str] = frozenset()
    """Names that are bound by an import."""

    @property
    def touches(self) -> frozenset[str]:
        """Every name that must be there before or comes out of it."""
        return self.reads | self.binds | self.mutates


@dataclass
class Imports:
    """Local name -> dotted name, as imports say so far."""

    names: dict[str, str] = field(default_factory=dict)

    def add(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                local = alias.asname or alias.name.split(".")[0]
                self.names[local] = alias.name if alias.asname else local
            elif alias.name != "*":
                module = "." * node.level + (node.module or "")
                self.names[alias.asname or alias.name] = f"{module}.{alias.name}" if module else alias.name

    def resolve(self, node: ast.expr) -> str:
        """Dotted name of an expression with its root resolved; "" where it is no dotted name; ".m" for f().m."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return "." + parts[0] if parts else ""
        return ".".join([self.names.get(node.id, node.id), *reversed(parts)])


def analyze(statements: Iterable[ast.stmt], imports: Imports | None = None) -> tuple[StatementFlow, ...]:
    """One flow per statement. `imports` carries names over from earlier code and is added to."""
    known = imports if imports is not None else Imports()
    return tuple(_Walker(known).run(statement) for statement in statements)


def free_reads(statements: Sequence[ast.stmt]) -> frozenset[str]:
    """Names that a run of statements needs from outside, now or in functions that it makes."""
    reads: set[str] = set()
    deferred: set[str] = set()
    bound: set[str] = set()
    for flow in analyze(statements):
        reads |= flow.reads - bound
        deferred |= flow.deferred
        bound |= flow.certain
    return frozenset(reads | (deferred - bound))


class _Walker:
    """Walks one statement in the order of execution."""

    def __init__(self, imports: Imports) -> None:
        self.imports = imports
        self.reads: set[str] = set()
        self.deferred: set[str] = set()
        self.binds: set[str] = set()
        self.bound: set[str] = set()
        self.deletes: set[str] = set()
        self.mutates: set[str] = set()
        self.may_mutate: set[str] = set()
        self.global_writes: set[str] = set()
        self.global_mutates: set[str] = set()
        self.effects: set[Effect] = set()
        self.calls: list[str] = []
        self.aliases: list[tuple[str, frozenset[str]]] = []
        self.star_imports: list[str] = []
        self.imported: set[str] = set()
        self.shadow: list[set[str]] = []
        self.values_used: set[str] = set()

    def run(self, statement: ast.stmt) -> StatementFlow:
        self.statement(statement)
        return StatementFlow(
            line=min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))]),
            end_line=statement.end_lineno or statement.lineno,
            reads=frozenset(self.reads),
            deferred=frozenset(self.deferred),
            binds=frozenset(self.binds),
            certain=frozenset(self.bound - self.deletes),
            deletes=frozenset(self.deletes - self.bound),
            mutates=frozenset(self.mutates),
            may_mutate=frozenset(self.may_mutate - self.mutates - set(self.imports.names)),
            global_writes=frozenset(self.global_writes),
            global_mutates=frozenset(self.global_mutates),
            effects=frozenset(self.effects),
            calls=tuple(self.calls),
            aliases=tuple(self.aliases),
            star_imports=tuple(self.star_imports),
            imports=frozenset(self.imported),
        )

    # ------------------------------------------------------------------------------------------------ names

    def load(self, name: str) -> None:
        if any(name in names for names in self.shadow):
            return
        if name not in self.bound:
            self.reads.add(name)

    def bind(self, name: str) -> None:
        self.binds.add(name)
        self.bound.add(name)
        self.deletes.discard(name)

    def change(self, node: ast.AST, *, certain: bool) -> None:
        name = root_name(node)
        if name and not any(name in names for names in self.shadow):
            (self.mutates if certain else self.may_mutate).add(name)

    # ------------------------------------------------------------------------------------------- statements

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        handler = _STATEMENTS.get(type(node))
        if handler is not None:
            handler(self, node)
        else:
            for child in ast.iter_child_nodes(node):
                self.expression(child)

    def branches(self, blocks: Sequence[Sequence[ast.stmt]]) -> None:
        """Runs each block from the same start; afterwards bound is what every block that goes on has bound."""
        before, ends = set(self.bound), []
        for statements in blocks:
            self.bound = set(before)
            self.block(statements)
            if not _leaves(statements):
                ends.append(self.bound)
        self.bound = set.intersection(*ends) if ends else before

    def assign(self, node: ast.Assign) -> None:
        self.expression(node.value)
        shared = shared_names(node.value, self.imports)
        for target in node.targets:
            self.target(target)
            for name in target_names(target):
                self.aliases.append((name, shared))
            if isinstance(target, ast.Attribute | ast.Subscript) and shared and root_name(target):
                self.aliases.append((root_name(target), shared))

    def annotated(self, node: ast.AnnAssign) -> None:
        self.expression(node.annotation)
        if node.value is not None:
            self.expression(node.value)
            self.target(node.target)
            for name in target_names(node.target):
                self.aliases.append((name, shared_names(node.value, self.imports)))

    def augmented(self, node: ast.AugAssign) -> None:
        self.change(node.target, certain=True)
        if isinstance(node.target, ast.Name):
            self.load(node.target.id)
        self.expression(node.value)
        self.target(node.target)

    def target(self, node: ast.expr) -> None:
        if isinstance(node, ast.Name):
            self.bind(node.id)
        elif isinstance(node, ast.Tuple | ast.List):
            for element in node.elts:
                self.target(element)
        elif isinstance(node, ast.Starred):
            self.target(node.value)
        else:
            self.change(node, certain=True)
            self.environment(node)
            for child in ast.iter_child_nodes(node):
                self.expression(child)

    def environment(self, node: ast.expr) -> None:
        name = self.imports.resolve(node.value if isinstance(node, ast.Subscript) else node)
        if name.startswith(("os.environ", "sys.", "matplotlib.")):
            self.effects.add("plot" if name.startswith("matplotlib.") else "environment")

    def delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            for element in target.elts if isinstance(target, ast.Tuple | ast.List) else (target,):
                if isinstance(element, ast.Name):
                    self.load(element.id)
                    self.bound.discard(element.id)
                    self.deletes.add(element.id)
                else:
                    self.target(element)

    def loop(self, node: ast.For | ast.AsyncFor) -> None:
        self.expression(node.iter)
        before = set(self.bound)
        self.target(node.target)
        for name in target_names(node.target):
            self.aliases.append((name, shared_names(node.iter, self.imports)))
        self.block(node.body)
        self.bound = before
        self.block(node.orelse)
        self.bound = before

    def repeat(self, node: ast.While) -> None:
        self.expression(node.test)
        before = set(self.bound)
        self.block(node.body)
        forever = isinstance(node.test, ast.Constant) and node.test.value
        if not forever:
            self.bound = before
        self.block(node.orelse)

    def condition(self, node: ast.If) -> None:
        self.expression(node.test)
        self.branches([node.body, node.orelse])

    def attempt(self, node: ast.Try) -> None:
        before = set(self.bound)
        self.block(node.body)
        self.block(node.orelse)
        ends = [] if _leaves([*node.body, *node.orelse]) else [set(self.bound)]
        for handler in node.handlers:
            self.bound = set(before)
            if handler.type is not None:
                self.expression(handler.type)
            if handler.name:
                self.binds.add(handler.name)
                self.bound.add(handler.name)
            self.block(handler.body)
            self.bound.discard(handler.name or "")
            if not _leaves(handler.body):
                ends.append(set(self.bound))
        after = set.intersection(*ends) if ends else before
        self.bound = set(before)
        self.block(node.finalbody)
        self.bound |= after

    def context(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.expression(item.context_expr)
            if item.optional_vars is not None:
                self.target(item.optional_vars)
        self.block(node.body)

    def match(self, node: ast.Match) -> None:
        self.expression(node.subject)
        before = set(self.bound)
        for case in node.cases:
            self.bound = set(before)
            for part in ast.walk(case.pattern):
                if isinstance(part, ast.MatchValue | ast.MatchClass):
                    self.expression(part.value if isinstance(part, ast.MatchValue) else part.cls)
                elif isinstance(part, ast.MatchAs | ast.MatchStar) and part.name:
                    self.bind(part.name)
            if case.guard is not None:
                self.expression(case.guard)
            self.block(case.body)
        self.bound = before

    def imports_from(self, node: ast.Import | ast.ImportFrom) -> None:
        self.imports.add(node)
        for name in imported_names(node):
            self.bind(name)
            self.imported.add(name)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            self.star_imports.append("." * node.level + (node.module or ""))

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in immediate_parts(node):
            self.expression(part)
        self.bind(node.name)
        self.nested(node)

    def nested(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        outer = outer_names(node)
        hidden = set().union(*self.shadow) if self.shadow else set()
        self.deferred |= outer.reads - hidden
        self.global_writes |= outer.writes
        self.global_mutates |= outer.mutates - {""} - hidden

    def classed(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.expression(part)
        body = _Walker(self.imports)
        body.block(node.body)
        for name in body.reads:
            self.load(name)
        outer = class_names(node)
        self.deferred |= outer.reads - body.reads
        self.global_writes |= outer.writes
        self.global_mutates |= outer.mutates - {""}
        self.bind(node.name)

    # ------------------------------------------------------------------------------------------ expressions

    def expression(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            self.load(node.id)
        elif isinstance(node, ast.Call):
            self.call(node)
        elif isinstance(node, FUNCTIONS):
            for part in immediate_parts(node):
                self.expression(part)
            self.nested(node)
        elif isinstance(node, COMPREHENSIONS):
            self.comprehension(node)
        elif isinstance(node, ast.NamedExpr):
            self.expression(node.value)
            self.bind(node.target.id)
            self.aliases.append((node.target.id, shared_names(node.value, self.imports)))
        elif not isinstance(node, ast.Constant | ast.expr_context):
            for child in ast.iter_child_nodes(node):
                self.expression(child)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.expression(node.generators[0].iter)
        targets = {name for generator in node.generators for name in target_names(generator.target)}
        self.shadow.append(targets)
        for number, generator in enumerate(node.generators):
            if number:
                self.expression(generator.iter)
            for condition in generator.ifs:
                self.expression(condition)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.expression(part)
        self.shadow.pop()

    def call(self, node: ast.Call) -> None:
        name = self.imports.resolve(node.func)
        self.expression(node.func)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.expression(argument)
        if name:
            self.calls.append(name)
            effect = call_effect(name)
            if effect == "read" and name == "open" and _opens_for_writing(node):
                effect = "write"
            if effect:
                self.effects.add(effect)
        self.changes_of_call(node, name)

    def changes_of_call(self, node: ast.Call, name: str) -> None:
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method and root_name(node.func) and not self.is_module(node.func):
            inplace = any(k.arg == "inplace" and not _is_false(k.value) for k in node.keywords)
            if method in MUTATING or inplace:
                self.change(node.func, certain=True)
            elif method not in PURE_METHODS:
                self.change(node.func, certain=False)
            if method in PURE_METHODS - IMPURE_TABLE_METHODS or method in MUTATING:
                return
        elif is_pure_function(name):
            return
        if name in MUTATING_FUNCTIONS and node.args:
            self.change(node.args[0], certain=True)
            return
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            for shared in shared_names(argument, self.imports):
                self.change(ast.Name(shared, ast.Load()), certain=False)

    def is_module(self, node: ast.expr) -> bool:
        return root_name(node) in self.imports.names


def shared_names(node: ast.AST, imports: Imports) -> frozenset[str]:
    """Names whose objects the value of an expression may be, view or hold."""
    if isinstance(node, ast.Name):
        return frozenset() if node.id in imports.names else frozenset({node.id})
    if isinstance(node, ast.Constant | ast.JoinedStr | ast.Compare | ast.BinOp | ast.UnaryOp | ast.Lambda):
        return frozenset()
    if isinstance(node, ast.Subscript):
        return shared_names(node.value, imports)
    if isinstance(node, ast.Call):
        return _shared_by_call(node, imports)
    parts = (shared_names(child, imports) for child in ast.iter_child_nodes(node))
    return frozenset().union(*parts)


def _shared_by_call(node: ast.Call, imports: Imports) -> frozenset[str]:
    name = imports.resolve(node.func)
    if is_pure_function(name) and not name.startswith(("numpy.asarray", "numpy.ravel", "numpy.reshape")):
        return frozenset()
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if method in PURE_METHODS and root_name(node.func) not in imports.names:
        views = {"reshape", "ravel", "transpose", "values", "items", "get", "to_numpy", "groupby"}
        return shared_names(node.func, imports) if method in views else frozenset()
    parts = [shared_names(argument, imports) for argument in node.args]
    parts += [shared_names(keyword.value, imports) for keyword in node.keywords]
    if isinstance(node.func, ast.Attribute):
        parts.append(shared_names(node.func.value, imports))
    return frozenset().union(*parts)


def _leaves(statements: Sequence[ast.stmt]) -> bool:
    """True where a block never reaches its end."""
    return bool(statements) and isinstance(statements[-1], ast.Raise | ast.Return | ast.Continue | ast.Break)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _opens_for_writing(node: ast.Call) -> bool:
    modes = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and set(str(mode.value)) & set("wax+") for mode in modes)


_STATEMENTS: dict[type[ast.stmt], Callable[[_Walker, Any], None]] = {
    ast.Assign: _Walker.assign,
    ast.AnnAssign: _Walker.annotated,
    ast.AugAssign: _Walker.augmented,
    ast.Delete: _Walker.delete,
    ast.For: _Walker.loop,
    ast.AsyncFor: _Walker.loop,
    ast.While: _Walker.repeat,
    ast.If: _Walker.condition,
    ast.Try: _Walker.attempt,
    ast.TryStar: _Walker.attempt,
    ast.With: _Walker.context,
    ast.AsyncWith: _Walker.context,
    ast.Match: _Walker.match,
    ast.Import: _Walker.imports_from,
    ast.ImportFrom: _Walker.imports_from,
    ast.FunctionDef: _Walker.function,
    ast.AsyncFunctionDef: _Walker.function,
    ast.ClassDef: _Walker.classed,
}
