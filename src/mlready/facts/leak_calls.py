"""What calls do to data: fitting, transforming, predicting, splitting, reading, and what leaves data as it was."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlready.facts import leak_fits, leak_llm, leak_names, leak_splits, leak_tables
from mlready.facts.leak_arguments import Arguments, constant_keyword
from mlready.facts.leak_names import (
    CV_FUNCTIONS,
    FIT_TRANSFORMS,
    FITS,
    PREDICTS,
    SPLIT_FUNCTIONS,
    STATISTICS,
    TRANSFORMS,
    is_scaling_function,
    maker_of,
)
from mlready.facts.leak_values import (
    NOTHING,
    Class,
    Function,
    Instance,
    Maker,
    Mark,
    Value,
    bounded,
    derived,
    flat,
    halves,
    held_out,
    join,
    root_of,
    with_marks,
)

if TYPE_CHECKING:
    from mlready.facts.leak_walk import Walk

_PLAIN = frozenset(
    [
        "len",
        "print",
        "int",
        "float",
        "bool",
        "type",
        "isinstance",
        "id",
        "hash",
        "range",
        "sum",
        "round",
        "display",
        "repr",
        "format",
        "hasattr",
        "getattr",
    ]
)
"""Functions whose result is no data."""
_JOINS = frozenset({"concat", "append", "vstack", "concatenate", "r_", "row_stack", "unionByName", "union"})
_PASSES = frozenset({"list", "tuple", "iter", "tqdm", "reversed", "sorted", "deepcopy", "copy", "clone", "trange"})

_STARTS = frozenset({"submit", "remote", "delay", "fn"})
"""How orchestrators start a function: `prepare.submit(rows)`."""
_WAITS = frozenset({"result", "compute", "persist"})
"""How what a function gives is waited for: `prepare(rows).result()`."""


def call(walk: Walk, node: ast.Call) -> Value:
    """What a call gives, and what it does on the way."""
    name = walk.call_names.get(id(node), "")
    func = node.func
    receiver = walk.value(func.value) if isinstance(func, ast.Attribute) else NOTHING
    if isinstance(func, ast.Attribute):
        thing = walk.attribute(receiver, func.attr, node.lineno).thing if isinstance(receiver.thing, Instance) else None
    else:
        thing = walk.value(func).thing if isinstance(func, ast.Name | ast.Lambda) else None
    args = Arguments(walk, node)
    if isinstance(func, ast.Attribute):
        if func.attr in _WAITS and not node.args and not node.keywords:
            return receiver
        if func.attr in _STARTS and isinstance(receiver.thing, Function):
            thing = receiver.thing
    if isinstance(thing, Function):
        return walk.call_function(thing, args.positional, args.keywords)
    if isinstance(thing, Class):
        known = leak_llm.of_call(walk, node, name, thing.node.name, receiver, args.positional, args.keywords)
        return known if known is not None else _instance(walk, thing, args)
    if isinstance(receiver.thing, Instance) and isinstance(func, ast.Attribute):
        found = _inherited(walk, receiver.thing, func.attr, args)
        if found is not None:
            return found
    last = func.attr if isinstance(func, ast.Attribute) else name.rpartition(".")[2]
    return _known_call(walk, node, name, last, receiver, args)


def _known_call(walk: Walk, node: ast.Call, name: str, last: str, receiver: Value, args: Arguments) -> Value:
    shown = leak_llm.of_call(walk, node, name, last, receiver, args.positional, args.keywords)
    if shown is not None:
        return shown
    maker = maker_of(walk.vocabulary, name, node, _inner_makers(args))
    if maker is not None:
        maker.tried = _tried_in(walk, node)
        return Value(makers=(maker,))
    if isinstance(node.func, ast.Attribute):
        found = _method(walk, node, name, last, receiver, args)
        if found is not None:
            return found
    return _function(walk, node, name, last, receiver, args)


def _tried_in(walk: Walk, node: ast.Call) -> int:
    """The line of the loop whose variable is an argument of the object: one is made for each candidate."""
    given = {n.id for keyword in node.keywords for n in ast.walk(keyword.value) if isinstance(n, ast.Name)}
    given |= {arg.id for arg in node.args if isinstance(arg, ast.Name)}
    return next((line for line, names in reversed(walk.loops) if names & given), 0)


def _inner_makers(args: Arguments) -> tuple[Maker, ...]:
    known = (maker for value in args.all() for maker in value.makers)
    return (*known, *(_own_step(thing) for value in args.all() for thing in _own_things(value)))


def _own_things(value: Value, depth: int = 3) -> Iterator[Instance]:
    """Objects of classes of the file among the steps of a pipeline."""
    if isinstance(value.thing, Instance):
        yield value.thing
    for item in (value.items or ()) if depth else ():
        yield from _own_things(item, depth - 1)


def _own_step(thing: Instance) -> Maker:
    """A step of the project's own: it learns nothing where its fit gives only itself back."""
    fit = thing.kind.methods.get("fit")
    body = [statement for statement in fit.body if not _is_text(statement)] if fit else []
    learns = len(body) != 1 or not isinstance(body[0], ast.Return)
    return Maker("transformer", thing.kind.node.name, "weak" if learns else "none")


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _instance(walk: Walk, kind: Class, args: Arguments) -> Value:
    owner = Value(thing=Instance(kind))
    start = kind.methods.get("__init__")
    if start is not None:
        walk.call_function(Function(start, kind.outer, owner), args.positional, args.keywords)
    return owner


def _inherited(walk: Walk, owner: Instance, method: str, args: Arguments) -> Value | None:
    """`fit_transform` of a class of the file that defines fit and transform; None for other unknown methods."""
    if method != "fit_transform" or "transform" not in owner.kind.methods:
        return None
    for name in ("fit", "transform"):
        node = owner.kind.methods.get(name)
        if node is not None:
            function = Function(node, owner.kind.outer, Value(thing=owner))
            found = walk.call_function(function, args.positional[: 2 if name == "fit" else 1], {})
    return found


# -------------------------------------------------------------------------------------------------------------- methods


def _method(walk: Walk, node: ast.Call, name: str, last: str, receiver: Value, args: Arguments) -> Value | None:
    """Methods of fitted objects and of data; None where the method says nothing by itself."""
    makers = receiver.makers or leak_fits.makers_by_name(walk, node, name)
    if last in FIT_TRANSFORMS:
        return leak_fits.fit_transform(walk, node, makers, args.positional, args.first("X", "raw_documents"))
    if makers:
        found = _of_makers(walk, node, last, makers, args)
        if found is not None:
            return found
    if last in ("extend", "insert", "update", "add") or (last == "append" and not receiver.read and not args.keywords):
        return _grow(walk, node, receiver, args)
    if not receiver.roots and not receiver.marks:
        return None
    return leak_tables.of_data(walk, node, last, receiver, args)


def _of_makers(walk: Walk, node: ast.Call, last: str, makers: tuple[Maker, ...], args: Arguments) -> Value | None:
    data = args.first("X", "x", "raw_documents", "y")
    if last in FITS:
        leak_fits.fit(walk, node, makers, args.positional, args.keywords, data)
        return Value(makers=makers)
    if last in TRANSFORMS:
        return leak_fits.transform(walk, node, makers, data)
    if last in PREDICTS:
        leak_fits.predict(walk, node, makers, data)
        return Value(roots=frozenset({root_of(node)}), parts=data.parts)
    if last == "fit_predict":
        return derived(data)
    if last == "split" and any(maker.role == "splitter" for maker in makers):
        return _fold_split(walk, node, makers, data)
    if last in ("get_support", "get_feature_names_out", "get_feature_names"):
        return fitted_attribute(Value(makers=makers), last)
    if last in ("set_params", "set_output", "compile", "to"):
        return Value(makers=makers)
    return None


def _fold_split(walk: Walk, node: ast.Call, makers: tuple[Maker, ...], data: Value) -> Value:
    base = flat(data)
    shuffled = any(maker.shuffled for maker in makers)
    if base.roots:
        leak_splits.divide(walk, base, node.lineno, shuffled=shuffled, how="the split")
    return Value(element=leak_splits.folds(node.lineno))


def fitted_attribute(base: Value, name: str) -> Value:
    """An attribute of a fitted object: the columns that a selector chose, the best model of a search, else nothing."""
    if name in ("get_support", "support_", "ranking_", "get_feature_names_out", "scores_", "pvalues_"):
        marks = [
            replace(mark, kind="fit", name=f"{maker.name} selection")
            for maker in base.makers
            for mark in maker.fitted
            if "Select" in maker.name or maker.name in ("RFE", "RFECV", "VarianceThreshold")
        ]
        return Value(marks=bounded(marks)) if marks else NOTHING
    if name.startswith("best_estimator") or name in ("named_steps", "steps", "estimator", "model", "estimators_"):
        return Value(makers=base.makers)
    if name.endswith("_"):
        return NOTHING
    return Value(makers=base.makers)


def _grow(walk: Walk, node: ast.Call, receiver: Value, args: Arguments) -> Value:
    """`rows.append(row)`: the list holds what is put in."""
    assert isinstance(node.func, ast.Attribute)
    inside = derived(*args.positional)
    makers = join([receiver, *args.positional]).makers
    if inside is not NOTHING or makers != receiver.makers:
        found = join((flat(receiver), inside))
        found = replace(found, row=False)
        walk.bind(node.func.value, replace(found, makers=makers, element=found if found.roots else None))
    if receiver.roots and receiver.read:
        return join((receiver, inside))
    return NOTHING


# ------------------------------------------------------------------------------------------------------------ functions


def _function(walk: Walk, node: ast.Call, name: str, last: str, receiver: Value, args: Arguments) -> Value:
    line = node.lineno
    known = walk.vocabulary.meaning(name) if name else None
    activities = known.activities if known else ()
    if last in SPLIT_FUNCTIONS or (last == "random_split" and "torch" in name):
        return leak_splits.split_call(walk, node, args.positional or args.all()[:1], name)
    if last in CV_FUNCTIONS:
        _cross_validated(walk, node, args)
        return NOTHING
    if is_scaling_function(name):
        data = flat(args.first("X", "a"))
        return leak_fits.applied(walk, data, Mark("fit", f"{last}()", line, "strong", data.roots, data.parts), line)
    if "read-data" in activities:
        return Value(roots=frozenset({root_of(node)}), read="read-bundled-data" not in activities)
    if name in _PLAIN or last in ("arange", "shape", "len"):
        return NOTHING
    if name.endswith(".resample") and "sklearn" in name:
        return _resampled(node, args)
    if "train" in activities:
        return _train_function(walk, node, last, args)
    if "plot" in activities:
        return NOTHING
    return _combined(node, name, last, receiver, args)


def _train_function(walk: Walk, node: ast.Call, last: str, args: Arguments) -> Value:
    """`xgb.train(params, dtrain, …)`: a model from the data that stands second or is named so."""
    named = next((args.keywords[k] for k in ("dtrain", "train_set", "X", "dtrain_set") if k in args.keywords), None)
    data = named or (args.positional[1] if len(args.positional) > 1 else args.first("data"))
    leak_fits.trained(walk, node, [data], args.keywords)
    return Value(makers=(Maker("model", last, fitted=leak_fits.mark_of(last, node.lineno, [data])),))


def _combined(node: ast.Call, name: str, last: str, receiver: Value, args: Arguments) -> Value:
    """A function that nothing is known of: its result is made of its arguments."""
    first = args.first("objs", "arrays", "data")
    if last in STATISTICS and first.roots and not first.row:
        return replace(derived(first), statistic=last)
    if last in ("enumerate", "zip"):
        return _paired(last, args)
    if last in ("iterrows", "itertuples") and receiver.roots:
        return Value(element=Value(items=(NOTHING, replace(derived(receiver), row=True))))
    if last == "setdiff1d" and len(args.positional) > 1:
        return _without(args.positional[1])
    if last in _PASSES or last == "next":
        return (first.element or first) if last == "next" else first
    if last in ("items", "values", "keys") and (receiver.element is not None or receiver.keys):
        inside = receiver.element if receiver.element is not None else join(receiver.items or ())
        return Value(element=Value(items=(NOTHING, inside)) if last == "items" else inside, makers=receiver.makers)
    made = join((derived(receiver), *(derived(value) for value in args.all())))
    makers = () if name[:1].islower() and made.roots else _inner_makers(args)
    if not made.roots:
        made = replace(made, roots=frozenset({root_of(node)}))
    if last in leak_names.DURATIONS:
        made = leak_names.undated(made)
    if last == "to_datetime" and not leak_names.names_a_life(*node.args[:1]):
        made = with_marks(made, Mark("date", "to_datetime()", node.lineno))
    beside = any(
        k.arg == "axis" and isinstance(k.value, ast.Constant) and k.value.value in (1, "columns") for k in node.keywords
    )
    joined = last in _JOINS and not beside and _sources(first) > 1
    return replace(made, joined=joined or (made.joined and last not in ("read",)), makers=makers, index=False)


def _without(taken: Value) -> Value:
    """The rows that are left where one side of a split is taken away: the other side."""
    other = {"train": "test", "test": "train"}
    return replace(taken, parts=frozenset((line, other.get(side, side)) for line, side in taken.parts))


def _sources(value: Value) -> int:
    """How many different data stand in a list."""
    rows = [item for item in value.items or () if item.roots]
    known: set[int] = set()
    for row in rows:
        known |= row.roots
    return len(known) if len(rows) > 1 else 0


def _paired(last: str, args: Arguments) -> Value:
    parts = [_element(value) for value in args.positional]
    if last == "enumerate":
        parts = [NOTHING, *parts[:1]]
    return Value(element=Value(items=tuple(parts)), makers=join(args.positional).makers if args.positional else ())


def _element(value: Value) -> Value:
    if value.element is not None:
        return value.element
    if value.items is not None and value.items:
        return join(value.items)
    return replace(value, row=True) if value.roots else value


def _resampled(node: ast.Call, args: Arguments) -> Value:
    """sklearn.utils.resample draws with replacement unless told otherwise."""
    items = []
    repeats = constant_keyword(node, "replace") is not False
    for value in args.positional:
        base = flat(value)
        mark = Mark("over", "resample()", node.lineno, "strong", base.roots, base.parts)
        items.append(with_marks(base, mark) if repeats and base.roots else base)
    return items[0] if len(items) == 1 else Value(items=tuple(items))


def _cross_validated(walk: Walk, node: ast.Call, args: Arguments) -> None:
    data = args.positional[1] if len(args.positional) > 1 else args.keywords.get("X", NOTHING)
    target = args.positional[2] if len(args.positional) > 2 else args.keywords.get("y", NOTHING)
    splitters = [maker for maker in args.keywords.get("cv", NOTHING).makers if maker.role == "splitter"]
    shuffled = any(maker.shuffled for maker in splitters)
    base = flat(data)
    if halves(base.parts) and not held_out(base.parts):
        return
    leak_splits.divide(walk, base, node.lineno, target=target, shuffled=shuffled, how="the folds of cross-validation")


# ----------------------------------------------------------------------------------------------------------- operations


def operation(walk: Walk, left: Value, operator: ast.operator, right: Value, line: int) -> Value:
    """`a + b` and the like; a scaler written by hand is a subtraction and a division by statistics of the data."""
    if left.items is not None and right.items is not None and isinstance(operator, ast.Add):
        texts = [v.constant for v in (left, right) if isinstance(v.constant, tuple)]
        both = tuple(c for text in texts for c in text)
        return Value(items=(*left.items, *right.items), makers=join((left, right)).makers, constant=both or None)
    if isinstance(operator, ast.Sub):
        # A duration: an age tells nothing of when its row was made.
        left, right = leak_names.undated(left), leak_names.undated(right)
    if left.statistic and right.statistic:
        return replace(derived(left, right), statistic=right.statistic)
    if right.statistic and left.roots:
        base = derived(left)
        if isinstance(operator, ast.Sub):
            return with_marks(base, Mark("centered", right.statistic, line, "none", right.roots, right.parts))
        if isinstance(operator, ast.Div):
            centered = any(mark.kind == "centered" for mark in left.marks)
            return leak_fits.learned(
                walk, base, right, line, what="a scaler by hand", strength="strong" if centered else "none"
            )
    return derived(left, replace(right, statistic=""))
