"""Methods of tables and arrays: what they keep, drop, cut, join or mark."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlready.facts import leak_fits, leak_splits
from mlready.facts.leak_arguments import Arguments, constant_keyword
from mlready.facts.leak_names import LAGS, STATISTICS
from mlready.facts.leak_values import (
    NOTHING,
    Function,
    Mark,
    Value,
    bounded,
    derived,
    drop,
    flat,
    halves,
    join,
    select,
    with_marks,
)

if TYPE_CHECKING:
    from mlready.facts.leak_walk import Walk

_FORGETS = frozenset(
    [
        "info",
        "describe",
        "unique",
        "nunique",
        "value_counts",
        "corr",
        "cov",
        "plot",
        "hist",
        "boxplot",
        "show",
        "to_csv",
        "to_excel",
        "to_pickle",
        "savefig",
        "keys",
        "isnull",
        "isna",
        "notnull",
        "any",
        "all",
        "count",
        "get_feature_names",
        "get_feature_names_out",
        "duplicated",
        "memory_usage",
        "close",
        "startswith",
        "endswith",
    ]
)
"""Methods whose result tells about data and is none."""


def of_data(walk: Walk, node: ast.Call, last: str, receiver: Value, args: Arguments) -> Value | None:
    assert isinstance(node.func, ast.Attribute)
    if last in STATISTICS and receiver.roots and not receiver.row:
        return replace(derived(receiver), statistic=last)
    if last in _FORGETS:
        return NOTHING
    found = _changed(walk, node, last, receiver, args)
    if any(k.arg == "inplace" and isinstance(k.value, ast.Constant) and k.value.value is True for k in node.keywords):
        walk.bind(node.func.value, found)
    return found


def _changed(walk: Walk, node: ast.Call, last: str, receiver: Value, args: Arguments) -> Value:
    line = node.lineno
    base = derived(replace(receiver, statistic=""))
    match last:
        case "drop" | "pop":
            return _dropped(receiver, last, args)
        case "fillna" | "fill_null":
            return leak_fits.learned(walk, base, args.first("value"), line, what="fillna", strength="weak")
        case "apply" | "transform" | "pipe" | "applymap" if args.first("func").thing is not None:
            return _applied(walk, node, last, base, receiver, args)
        case "sample":
            return _sampled(walk, node, base, args)
        case "head" | "limit" | "take":
            return _head(walk, node, base, receiver)
        case "iloc" | "copy" | "reset_index" | "set_index" | "astype" | "dropna" | "sort_values":
            return replace(base, filtered=receiver.filtered)
        case "train_test_split" | "random_split" | "randomSplit":
            return leak_splits.split_call(walk, node, [receiver], last)
        case "groupby":
            return replace(base, selected=())
        case "map" | "join" | "merge" | "append" | "concat" | "assign":
            made = join((base, *(derived(value) for value in args.all())))
            return replace(made, joined=last in ("append", "concat") or base.joined, statistic="", makers=())
    index = args.first("indices")
    if index.index and halves(index.parts):
        return leak_splits.rows_of(walk, base, index)
    if last in LAGS or (last == "diff" and receiver.read):
        return with_marks(base, Mark("lag", f"{last}()", line))
    given = [derived(value) for value in args.positional]
    if receiver.read or not any(value.roots for value in given):
        return replace(base, marks=bounded({*base.marks, *(m for g in given for m in g.marks if m.kind == "llm")}))
    return replace(join((base, *given)), joined=False, statistic="", thing=None)


def _applied(walk: Walk, node: ast.Call, last: str, base: Value, receiver: Value, args: Arguments) -> Value:
    """`table.apply(function)`: the function sees columns, or rows, or single values."""
    function = args.first("func").thing
    if not isinstance(function, Function):
        return base
    by_row = constant_keyword(node, "axis") in (1, "columns") or last == "applymap" or len(receiver.selected) == 1
    shown = replace(base, row=by_row and last != "pipe")
    made = walk.call_function(function, [shown, *args.positional[1:]], {})
    return replace(join((base, flat(made))), row=False)


def _dropped(receiver: Value, last: str, args: Arguments) -> Value:
    index = args.first("labels", "columns", "index")
    names = [v.constant for v in (index, args.keywords.get("columns", NOTHING))]
    columns = tuple(c for n in names for c in ((n,) if isinstance(n, str) else n if isinstance(n, tuple) else ()))
    if last == "pop":
        return select(receiver, columns) if columns else derived(receiver)
    rest = leak_splits.rest_of(receiver, index, 0)
    if rest is not None:
        return rest
    return drop(receiver, columns) if columns else derived(receiver)


def _constant(node: ast.Call, *names: str) -> object:
    for keyword in node.keywords:
        if keyword.arg in names and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None


def _sampled(walk: Walk, node: ast.Call, base: Value, args: Arguments) -> Value:
    number, share = _constant(node, "n"), _constant(node, "frac")
    repeats = constant_keyword(node, "replace") is True
    if repeats:
        return with_marks(base, Mark("over", "sample(replace=True)", node.lineno, "strong", base.roots, base.parts))
    whole = base.filtered or not base.read or walk.debugging or not isinstance(number, int) or isinstance(number, bool)
    whole = whole or _divided(walk, node)
    if whole or (share is not None and not node.args) or number == 1:
        return replace(base, filtered=True)
    return with_marks(base, Mark("cut", f"sample({number})", node.lineno, "strong", base.roots, base.parts))


def _divided(walk: Walk, node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and leak_splits.in_two(walk, node.func.value)


def _head(walk: Walk, node: ast.Call, base: Value, receiver: Value) -> Value:
    number = _constant(node, "n", "num")
    plain = base.read and not receiver.filtered and not walk.debugging and not receiver.statistic
    plain = plain and not _divided(walk, node)
    if plain and type(number) is int and str(number) not in walk.complements:
        return with_marks(base, Mark("cut", f"head({number})", node.lineno, "strong", base.roots, base.parts))
    return base
