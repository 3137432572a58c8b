"""The walk over one expression: calls, strings and subscripts of interest, references to the project's own names.

The walk keeps its own stack, because machine-written code nests deeper than Python's. An entry is the node, the resolved
name of the call that directly encloses it, and what a string there would be used for.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from mlready.facts.rows import Call, Text
from mlready.facts.syntax import interest
from mlready.facts.syntax.lore import Known
from mlready.facts.syntax.names import callee, chain, dotted, type_of, written
from mlready.facts.syntax.scopes import INSTANCE, UNKNOWN, ModuleState
from mlready.facts.syntax.scores import BY_HAND, SCORING, is_evaluation
from mlready.facts.syntax.subscripts import note_subscript
from mlready.facts.syntax.texts import LONG, kind_of
from mlready.facts.syntax.values import arguments, clean, template

Entry = tuple[ast.expr, str, str]
Stack = list[Entry]


def visit(state: ModuleState, root: ast.expr | None, use: str = "", targets: tuple[str, ...] = ()) -> None:
    """Walk an expression; `targets` are the names that its result is bound to."""
    kind = type(root)
    if kind is ast.Name:
        if root.id in state.own_names:  # type: ignore[union-attr]
            _refer(state, root)  # type: ignore[arg-type]
    elif kind is ast.Constant:
        text = root.value  # type: ignore[union-attr]
        if type(text) is str and len(text) > 3:
            note_text(state, text, root, use)  # type: ignore[arg-type]
    elif kind is ast.Call:
        stack: Stack = []
        _call(state, root, "", stack, targets)  # type: ignore[arg-type]
        _drain(state, stack)
    elif isinstance(root, ast.Await) and isinstance(root.value, ast.Call):
        state.awaited.add(id(root.value))
        visit(state, root.value, use, targets)
    elif root is not None:
        _drain(state, [(root, "", use)])


def _drain(state: ModuleState, stack: Stack) -> None:
    own_names = state.own_names
    pop = stack.pop
    handlers = _HANDLERS
    while stack:
        node, parent, use = pop()
        kind = type(node)
        if kind is ast.Name:
            if node.id in own_names:  # type: ignore[attr-defined]
                _refer(state, node)
        elif kind is ast.Constant:
            value = node.value  # type: ignore[attr-defined]
            if type(value) is str and len(value) > 3:
                note_text(state, value, node, use or parent)
        elif kind is ast.Attribute:
            base = node
            while type(base) is ast.Attribute:
                base = base.value
            if type(base) is not ast.Name:
                stack.append((base, parent, ""))
            elif base.id in own_names:
                _refer(state, node)
        else:
            handler = handlers.get(kind)
            if handler is not None:
                handler(state, node, parent, use, stack)


def _refer(state: ModuleState, node: ast.expr) -> None:
    """Note a use of what may be the project's own."""
    base = node
    while type(base) is ast.Attribute:
        base = base.value
    binding = state.lookup(base.id)  # type: ignore[attr-defined]
    if binding and binding[0] != INSTANCE:
        state.scope.refs[binding if base is node else dotted(state, node)] = None


# ------------------------------------------------------------------------------------------------------------- calls


def _nested_call(state: ModuleState, node: ast.Call, parent: str, use: str, stack: Stack) -> None:
    _call(state, node, parent, stack, ())


def _call(state: ModuleState, node: ast.Call, parent: str, stack: Stack, targets: tuple[str, ...]) -> None:
    name = callee(state, node)
    _push_arguments(state, node, name, parent, stack)
    base = node.func
    while type(base) is ast.Attribute:
        base = base.value
    if type(base) is not ast.Name:
        stack.append((base, name, ""))
    elif base.id in state.own_names:
        _refer(state, node.func)
    if name == "print":
        if _tells_a_person(node):
            state.prints.append((node.lineno, state.scope.index))
    elif name:
        known = state.lore.known(name)
        if name.rpartition(".")[2] in SCORING and is_evaluation(state, node, targets):
            known = BY_HAND
        if known.kept and (name[-3:] != ".to" or _names_a_device(node)):
            state.calls.append(_row(state, node, name, known, parent, targets))
            if known.activities:
                state.scope.notable = True
        if _asserts(state, name, node):
            state.scope.asserts += 1


def _asserts(state: ModuleState, name: str, node: ast.Call) -> bool:
    """Whether a call fails a test: an assertion, `self.fail` (where no `try` may swallow it), warnings made errors."""
    last = name.rpartition(".")[2]
    if last[:6] == "assert" or name in interest.ASSERTING_CALLS:
        return True
    if last == "fail":
        base = node.func.value if type(node.func) is ast.Attribute else None
        swallowed = "try" in state.context.labels and "except" not in state.context.labels
        return type(base) is ast.Name and base.id == "self" and not swallowed
    if name not in interest.WARNING_FILTERS:
        return False
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    return any(type(value) is ast.Constant and value.value in ("error", "raise") for value in values)


def _tells_a_person(node: ast.Call) -> bool:
    """Not `print("")`, which moves a progress bar on, and not `print(json.dumps(row))`, a structured line."""
    first = node.args[0] if len(node.args) == 1 else None
    if not node.args or (type(first) is ast.Constant and type(first.value) is str and not first.value.strip()):
        return False
    if type(first) is not ast.Call:
        return True
    name = ast.unparse(first.func) if type(first.func) in (ast.Attribute, ast.Name) else ""
    return name not in ("json.dumps", "orjson.dumps", "ujson.dumps")


def _names_a_device(node: ast.Call) -> bool:
    """`.to("cuda")`, rather than `.to(device)` or `.to(x.dtype)`."""
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    return any(type(value) is ast.Constant and type(value.value) is str for value in values)


def _row(state: ModuleState, node: ast.Call, name: str, known: Known, parent: str, targets: tuple[str, ...]) -> Call:
    labels = state.context.labels
    if id(node) in state.awaited:
        labels = (*labels, "await")
    func = node.func
    return Call(
        name=name,
        line=node.lineno,
        scope=state.scope.index,
        args=arguments(state, node, 4 if known.asked else 2) if node.args or node.keywords else (),
        activities=known.activities,
        system=known.system,
        receiver=_receiver(state, func),
        targets=targets,
        parent=parent,
        context=labels,
        end_line=node.end_lineno or node.lineno,
    )


def _receiver(state: ModuleState, func: ast.expr) -> str:
    """The object that a method is called on, as written; "" for functions of modules."""
    if type(func) is not ast.Attribute:
        return ""
    base, _ = chain(func)
    if type(base) is ast.Name:
        binding = state.lookup(base.id)
        if binding and binding[0] != INSTANCE and binding not in state.classes:
            return ""
    return written(func.value)


def _push_arguments(state: ModuleState, node: ast.Call, name: str, parent: str, stack: Stack) -> None:
    use = name or parent
    special = name in _SPECIAL_CALLS
    own_names = state.own_names
    for keyword in node.keywords:
        value = keyword.value
        kind = type(value)
        if kind is ast.Name:
            if value.id in own_names:  # type: ignore[attr-defined]
                _refer(state, value)
        elif kind is not ast.Constant:
            stack.append((value, name, _keyword_use(keyword.arg, use)))
        elif type(value.value) is str:  # type: ignore[attr-defined]
            stack.append((value, name, "env-default" if special else _keyword_use(keyword.arg, use)))
    for position in range(len(node.args) - 1, -1, -1):
        value = node.args[position]
        kind = type(value)
        if kind is ast.Name:
            if value.id in own_names:  # type: ignore[attr-defined]
                _refer(state, value)
        elif kind is not ast.Constant or type(value.value) is str:  # type: ignore[attr-defined]
            stack.append((value, name, _special_use(name, position) if special else use))


_SPECIAL_CALLS = interest.SHELL_CALLS | interest.ENVIRONMENT_CALLS


def _keyword_use(keyword: str | None, use: str) -> str:
    if keyword is None:
        return use
    return "help" if keyword in interest.HELP_ARGUMENTS else f"{use}({keyword}=)"


def _special_use(name: str, position: int) -> str:
    if name in interest.SHELL_CALLS:
        return name if position else f"shell:{name}"
    return "env-default" if position else "env-name"


def note_bare_decorator(state: ModuleState, node: ast.expr, target: str) -> None:
    """`@task` without a call stands for a call, where the vocabulary knows it."""
    name = dotted(state, node)
    if name and state.lookup(chain(node)[0].id) is not None and state.lore.known(name).asked:  # type: ignore[attr-defined]
        known = state.lore.known(name)
        line = node.lineno
        row = Call(
            name=name,
            line=line,
            scope=state.scope.index,
            activities=known.activities,
            system=known.system,
            targets=(target,),
            context=(*state.context.labels, "decorator"),
            end_line=line,
        )
        state.calls.append(row)


# ------------------------------------------------------------------------------------------------------------- texts


def note_text(state: ModuleState, text: str, node: ast.expr, use: str) -> None:
    """Keep a string literal if it is of interest."""
    shell = use.startswith("shell:")
    if shell:
        use = use[6:]
    kind = kind_of(text, shell=shell)
    if kind is not None:
        row = Text(kind, clean(text), node.lineno, state.scope.index, use[:LONG], len(text))
        state.texts.append(row)


def _fstring(state: ModuleState, node: ast.JoinedStr, parent: str, use: str, stack: Stack) -> None:
    text = template(node)
    if len(text) > 3:
        note_text(state, text, node, use or parent)
    for part in reversed(node.values):
        if type(part) is ast.FormattedValue:
            stack.append((part.value, parent, "format"))


def _subscript(state: ModuleState, node: ast.Subscript, parent: str, use: str, stack: Stack) -> None:
    note_subscript(state, node)
    stack.append((node.slice, parent, "subscript"))
    stack.append((node.value, parent, ""))


# -------------------------------------------------------------------------------------------------------- the others


def _comprehension(state: ModuleState, node: ast.ListComp, parent: str, use: str, stack: Stack) -> None:
    _generators(state, node.generators, parent, stack)
    stack.append((node.elt, parent, ""))


def _dict_comprehension(state: ModuleState, node: ast.DictComp, parent: str, use: str, stack: Stack) -> None:
    _generators(state, node.generators, parent, stack)
    stack.append((node.value, parent, ""))
    stack.append((node.key, parent, "dict-key"))


def _generators(state: ModuleState, generators: list[ast.comprehension], parent: str, stack: Stack) -> None:
    for generator in generators:
        shadow(state, generator.target)
        stack.append((generator.iter, parent, ""))
        stack.extend((test, parent, "compare") for test in generator.ifs)


def shadow(state: ModuleState, target: ast.expr) -> None:
    """Names bound inside an expression: unknown, unless the scope itself knows them."""
    todo = [target]
    while todo:
        node = todo.pop()
        if type(node) is ast.Name:
            state.scope.names.setdefault(node.id, UNKNOWN)
        elif isinstance(node, ast.Tuple | ast.List):
            todo.extend(node.elts)


def _lambda(state: ModuleState, node: ast.Lambda, parent: str, use: str, stack: Stack) -> None:
    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        state.scope.names.setdefault(argument.arg, UNKNOWN)
    stack.extend((default, parent, "default") for default in (*node.args.defaults, *node.args.kw_defaults) if default)
    stack.append((node.body, parent, ""))


def _dict(state: ModuleState, node: ast.Dict, parent: str, use: str, stack: Stack) -> None:
    for key, value in zip(reversed(node.keys), reversed(node.values), strict=True):
        stack.append((value, parent, use))
        if key is not None:
            stack.append((key, parent, "dict-key"))


def _sequence(state: ModuleState, node: ast.List, parent: str, use: str, stack: Stack) -> None:
    stack.extend([(item, parent, use) for item in reversed(node.elts)])


def _binary(state: ModuleState, node: ast.BinOp, parent: str, use: str, stack: Stack) -> None:
    stack.append((node.right, parent, use))
    stack.append((node.left, parent, use))


def _boolean(state: ModuleState, node: ast.BoolOp, parent: str, use: str, stack: Stack) -> None:
    stack.extend([(value, parent, use) for value in reversed(node.values)])


def _compare(state: ModuleState, node: ast.Compare, parent: str, use: str, stack: Stack) -> None:
    stack.extend([(value, parent, "compare") for value in reversed(node.comparators)])
    stack.append((node.left, parent, "compare"))


def _choice(state: ModuleState, node: ast.IfExp, parent: str, use: str, stack: Stack) -> None:
    stack.append((node.orelse, parent, use))
    stack.append((node.body, parent, use))
    stack.append((node.test, parent, ""))


def _slice(state: ModuleState, node: ast.Slice, parent: str, use: str, stack: Stack) -> None:
    stack.extend((part, parent, "") for part in (node.step, node.upper, node.lower) if part)


def _unary(state: ModuleState, node: ast.UnaryOp, parent: str, use: str, stack: Stack) -> None:
    stack.append((node.operand, parent, use))


def _wrapped(state: ModuleState, node: ast.Await | ast.Yield, parent: str, use: str, stack: Stack) -> None:
    if node.value is not None:
        if type(node) is ast.Await:
            state.awaited.add(id(node.value))
        stack.append((node.value, parent, use))


def _named(state: ModuleState, node: ast.NamedExpr, parent: str, use: str, stack: Stack) -> None:
    name = node.target.id
    kind = type_of(state, node.value)
    state.bind(name, INSTANCE + kind if kind else UNKNOWN)
    if type(node.value) is ast.Call:
        _call(state, node.value, parent, stack, (name,))
    else:
        stack.append((node.value, parent, use))


_HANDLERS: dict[type[ast.expr], Callable[..., None]] = {
    ast.Call: _nested_call,
    ast.JoinedStr: _fstring,
    ast.Subscript: _subscript,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.Lambda: _lambda,
    ast.Dict: _dict,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _choice,
    ast.Slice: _slice,
    ast.UnaryOp: _unary,
    ast.Await: _wrapped,
    ast.Yield: _wrapped,
    ast.YieldFrom: _wrapped,
    ast.Starred: _wrapped,
    ast.NamedExpr: _named,
}
