"""Running a file over abstract values: statements in order, functions where they are called, branches side by side."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from mlready.facts import leak_calls, leak_llm, leak_names, leak_splits
from mlready.facts.leak_statements import STATEMENTS
from mlready.facts.leak_values import (
    NOTHING,
    Function,
    FunctionNode,
    Instance,
    Mark,
    Names,
    Value,
    bounded,
    columns_of,
    derived,
    flat,
    join,
    placed,
    root_of,
    select,
    with_marks,
)

if TYPE_CHECKING:
    from mlready.vocabulary import Vocabulary

_BUDGET = 60_000
"""Expressions and statements looked at in one file; what lies behind is left out."""
_MAX_DEPTH = 6
_MAX_RUNS = 40
"""How often one function is followed."""
_BUILTINS = frozenset(dir(builtins))
_NO_DATA = frozenset({"shape", "size", "ndim", "dtypes", "dtype", "columns", "name", "names", "feature_names"})
_VIEWS = frozenset({"values", "T", "loc", "iloc", "ix", "at", "iat", "str", "data", "A", "cat", "x", "train"})


class Found(NamedTuple):
    """What a walk found, before it is a row."""

    kind: str
    line: int
    other_line: int
    message: str
    certain: bool


class OutOfBudget(Exception):
    """The file is too large to be followed to its end."""


class Walk:
    """One run over one module."""

    def __init__(self, vocabulary: Vocabulary, call_names: Mapping[int, str], tree: ast.Module) -> None:
        self.vocabulary = vocabulary
        self.call_names = call_names
        self.complements, self.divided, self.elements = leak_splits.looked_ahead(tree)
        self.names = Names()
        self.root = self.names
        self.found: dict[tuple[str, int, int], Found] = {}
        self.split_lines: dict[int, int] = {}
        """Lines of splits that are not named by their line."""
        self.fitted_whole: set[int] = set()
        self.cut_fits: list[tuple[Mark, int, Value]] = []
        self.loops: list[tuple[int, frozenset[str]]] = []
        self.parsed: dict[int, str] = {}
        self.checked: set[int] = set()
        self._budget = _BUDGET
        self._stack: list[ast.AST] = []
        self._runs: dict[int, int] = {}
        self.returns: list[list[Value]] = []
        self.functions: list[Function] = []
        self.debug_depth = 0

    # -------------------------------------------------------------------------------------------------- the whole

    def run(self, tree: ast.Module) -> None:
        """Follow the module, then every function that nothing in it calls."""
        self.block(tree.body)
        for function in list(self.functions):
            if not self._runs.get(id(function.node)):
                self.call_function(function, [], {})

    def report(self, kind: str, line: int, other_line: int, message: str, *, certain: bool = True) -> None:
        key = (kind, line, other_line)
        known = self.found.get(key)
        if known is None or (certain and not known.certain):
            self.found[key] = Found(kind, line, other_line, message, certain)

    @property
    def debugging(self) -> bool:
        return self.debug_depth > 0

    # ------------------------------------------------------------------------------------------------- statements

    def block(self, body: Sequence[ast.stmt]) -> None:
        for node in body:
            self._spend()
            handler = STATEMENTS.get(type(node))
            if handler is not None:
                handler(self, node)

    def _spend(self) -> None:
        self._budget -= 1
        if self._budget < 0:
            raise OutOfBudget

    # ---------------------------------------------------------------------------------------------------- binding

    def bind(self, target: ast.expr, found: Value) -> None:
        """Let a target hold a value."""
        if isinstance(target, ast.Name):
            self.names.known[target.id] = found
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, found)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, found)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value)
            if isinstance(owner.thing, Instance):
                owner.thing.attributes[target.attr] = found
            elif isinstance(target.value, ast.Name):
                self.names.known[f"{target.value.id}.{target.attr}"] = found
        elif isinstance(target, ast.Subscript):
            self._store(target, found)

    def _unpack(self, targets: list[ast.expr], found: Value) -> None:
        items = found.items
        if items is not None and len(items) == len(targets):
            for target, item in zip(targets, items, strict=True):
                self.bind(target, item)
            return
        single = self.element(found)
        for target in targets:
            self.bind(target, single)

    def _store(self, target: ast.Subscript, found: Value) -> None:
        """`table["a"] = …`, `table.loc[rows, "a"] = …`, `things[key] = …`."""
        holder = target.value
        if isinstance(holder, ast.Attribute) and holder.attr in ("loc", "iloc", "at", "iat", "ix"):
            holder = holder.value
        base = self.value(holder)
        index = self.value(target.slice)
        columns = columns_of(index)
        if isinstance(index.items, tuple) and len(index.items) == 2 and columns is None:
            columns = columns_of(index.items[1])
        inside = flat(found)
        if not base.roots:
            new = join((base, replace(inside, marks=placed(inside, columns), makers=found.makers)))
        else:
            marks = bounded({*base.marks, *placed(inside, columns)})
            new = replace(base, marks=marks, makers=join((base, found)).makers)
        if new is not base:
            self.bind(holder, new)

    # ------------------------------------------------------------------------------------------------ expressions

    def value(self, node: ast.expr) -> Value:
        """What an expression may hold."""
        handler = _EXPRESSIONS.get(type(node))
        if handler is None:
            return NOTHING
        self._spend()
        found: Value = handler(self, node)
        return found

    def _name(self, node: ast.Name) -> Value:
        found = self.names.get(node.id)
        if found is None and node.id not in _BUILTINS:
            found = self.root.known[node.id] = Value(roots=frozenset({root_of(node)}))
        return found or NOTHING

    def _constant(self, node: ast.Constant) -> Value:
        return Value(constant=node.value) if isinstance(node.value, str | int | float) else NOTHING

    def _sequence(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        if len(node.elts) > 200:
            return NOTHING
        items = tuple(self.value(item) for item in node.elts)
        texts = tuple(item.constant for item in items if isinstance(item.constant, str))
        constant = texts if texts and len(texts) == len(items) else None
        return Value(
            items=items, makers=join(items).makers if items else (), constant=constant, index=_all_index(items)
        )

    def _dict(self, node: ast.Dict) -> Value:
        values = [self.value(item) for item in node.values[:200]]
        inside = join(values)
        keys = tuple(k.value for k in node.keys if isinstance(k, ast.Constant) and isinstance(k.value, str))
        if len(keys) == len(values) and values:
            return Value(items=tuple(values), keys=keys, makers=inside.makers)
        return Value(element=inside, makers=inside.makers)

    def _attribute(self, node: ast.Attribute) -> Value:
        if isinstance(node.value, ast.Name):
            stored = self.names.get(f"{node.value.id}.{node.attr}")
            if stored is not None:
                return stored
        if node.attr == "dt" and leak_names.names_a_life(node.value):
            return flat(self.value(node.value))
        return self.attribute(self.value(node.value), node.attr, node.lineno)

    def attribute(self, base: Value, name: str, line: int) -> Value:
        """An attribute of a value: of an object of the file, of a fitted object, a column or a view of a table."""
        if isinstance(base.thing, Instance):
            return self._of_instance(base.thing, name)
        if base.makers:
            return leak_calls.fitted_attribute(base, name)
        if name in _NO_DATA:
            return NOTHING
        if name == "index":
            return Value(roots=base.roots, parts=base.parts, index=True)
        if not base.roots and not base.marks:
            return NOTHING
        if any(mark.kind == "llm" for mark in base.marks):
            return leak_llm.part_of_answer(base, name)
        if name in leak_names.DURATIONS:
            return leak_names.undated(base)
        if name == "dt":
            return with_marks(flat(base), Mark("date", "date parts", line))
        if name in _VIEWS or name.startswith("_"):
            return flat(base)
        return select(base, (name,))

    def _of_instance(self, owner: Instance, name: str) -> Value:
        held = owner.attributes.get(name)
        if held is not None:
            return held
        method = owner.kind.methods.get(name)
        return Value(thing=Function(method, owner.kind.outer, Value(thing=owner))) if method is not None else NOTHING

    def _subscript(self, node: ast.Subscript) -> Value:
        return leak_splits.subscript(self, node)

    def _call(self, node: ast.Call) -> Value:
        return leak_calls.call(self, node)

    def _operation(self, node: ast.BinOp) -> Value:
        return leak_calls.operation(self, self.value(node.left), node.op, self.value(node.right), node.lineno)

    def _unary(self, node: ast.UnaryOp) -> Value:
        return self.value(node.operand)

    def _choice(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        return join((self.value(node.body), self.value(node.orelse)))

    def _alternatives(self, node: ast.BoolOp) -> Value:
        return join([self.value(item) for item in node.values])

    def _compare(self, node: ast.Compare) -> Value:
        self.value(node.left)
        for item in node.comparators:
            self.value(item)
        return NOTHING

    def _text(self, node: ast.JoinedStr) -> Value:
        holes = [self.value(item.value) for item in node.values if isinstance(item, ast.FormattedValue)]
        return Value(marks=bounded(m for hole in holes for m in flat(hole).marks if m.kind == "llm"))

    def _inner(self, node: ast.Await | ast.Starred | ast.YieldFrom) -> Value:
        return self.value(node.value)

    def _yield(self, node: ast.Yield) -> Value:
        found = self.value(node.value) if node.value is not None else NOTHING
        if self.returns:
            self.returns[-1].append(Value(element=found))
        return NOTHING

    def _walrus(self, node: ast.NamedExpr) -> Value:
        found = self.value(node.value)
        self.bind(node.target, found)
        return found

    def _lambda(self, node: ast.Lambda) -> Value:
        return Value(thing=Function(node, self.names))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
        with self._inside(Names(self.names)):
            sources = self._generators(node.generators)
            inside = self.value(node.elt)
        if inside is NOTHING and not any(source.constant for source in sources):
            return NOTHING
        if isinstance(inside.constant, tuple):
            return Value(constant=inside.constant)
        return replace(derived(inside), element=inside, makers=inside.makers, row=False)

    def _mapping(self, node: ast.DictComp) -> Value:
        with self._inside(Names(self.names)):
            self._generators(node.generators)
            inside = self.value(node.value)
        return Value(element=inside, makers=inside.makers)

    def _generators(self, generators: list[ast.comprehension]) -> list[Value]:
        sources = []
        for generator in generators:
            source = self.value(generator.iter)
            sources.append(source)
            self.bind(generator.target, self.element(source))
            for test in generator.ifs:
                self.value(test)
        return sources

    def element(self, value: Value) -> Value:
        """What iteration over a value gives."""
        if value.element is not None:
            return value.element
        if value.keys:
            return Value(constant=value.keys)
        if isinstance(value.constant, tuple):
            return Value(constant=value.constant)
        if value.items is not None:
            return join(value.items) if value.items else NOTHING
        splitter = next((maker for maker in value.makers if maker.role == "splitter"), None)
        if splitter is not None:
            return leak_splits.folds(splitter.line)
        if value.roots:
            return replace(value, row=True)
        return value if value.marks or value.makers else NOTHING

    # -------------------------------------------------------------------------------------------------- functions

    @contextmanager
    def _inside(self, names: Names) -> Iterator[None]:
        outer, self.names = self.names, names
        try:
            yield
        finally:
            self.names = outer

    def call_function(self, function: Function, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        """Follow a function of the file with these arguments; NOTHING where it was followed too often or too deep."""
        node = function.node
        runs = self._runs.get(id(node), 0)
        if node in self._stack or len(self._stack) >= _MAX_DEPTH or runs >= _MAX_RUNS:
            return derived(*args, *keywords.values())
        self._runs[id(node)] = runs + 1
        names = Names(function.outer, self._parameters(function, list(args), keywords))
        self._stack.append(node)
        loops, self.loops = self.loops, []
        try:
            with self._inside(names):
                if isinstance(node, ast.Lambda):
                    return self.value(node.body)
                self.returns.append([])
                self.block(node.body)
                return join(self.returns.pop())
        finally:
            self._stack.pop()
            self.loops = loops

    def _parameters(self, function: Function, args: list[Value], keywords: Mapping[str, Value]) -> dict[str, Value]:
        spec = function.node.args
        names = [*spec.posonlyargs, *spec.args]
        bound: dict[str, Value] = {}
        static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in _decorators(function.node))
        if function.owner is not None and names and not static:
            bound[names.pop(0).arg] = function.owner
        defaults = dict(zip([a.arg for a in names][-len(spec.defaults) :], spec.defaults, strict=False))
        for number, parameter in enumerate([*names, *spec.kwonlyargs]):
            name = parameter.arg
            if number < len(args) and number < len(names):
                bound[name] = args[number]
            elif name in keywords:
                bound[name] = keywords[name]
            elif name in defaults and not isinstance(defaults[name], ast.Constant):
                bound[name] = self.value(defaults[name])
            else:
                bound[name] = Value(roots=frozenset({root_of(parameter)}))
        return bound


def _all_index(items: tuple[Value, ...]) -> bool:
    return bool(items) and all(item.index for item in items)


def _decorators(node: ast.AST) -> list[ast.expr]:
    return node.decorator_list if isinstance(node, FunctionNode) else []


_EXPRESSIONS: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Name: Walk._name,
    ast.Constant: Walk._constant,
    ast.Tuple: Walk._sequence,
    ast.List: Walk._sequence,
    ast.Set: Walk._sequence,
    ast.Dict: Walk._dict,
    ast.Attribute: Walk._attribute,
    ast.Subscript: Walk._subscript,
    ast.Call: Walk._call,
    ast.BinOp: Walk._operation,
    ast.UnaryOp: Walk._unary,
    ast.IfExp: Walk._choice,
    ast.BoolOp: Walk._alternatives,
    ast.Compare: Walk._compare,
    ast.JoinedStr: Walk._text,
    ast.Await: Walk._inner,
    ast.Starred: Walk._inner,
    ast.YieldFrom: Walk._inner,
    ast.Yield: Walk._yield,
    ast.NamedExpr: Walk._walrus,
    ast.Lambda: Walk._lambda,
    ast.ListComp: Walk._comprehension,
    ast.SetComp: Walk._comprehension,
    ast.GeneratorExp: Walk._comprehension,
    ast.DictComp: Walk._mapping,
}
