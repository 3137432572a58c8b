"""Where data is divided: by functions, by folds, by slices and masks whose names say train and test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlready.facts import leak_llm
from mlready.facts.leak_names import names_target, names_test, names_train, names_validation
from mlready.facts.leak_values import (
    NOTHING,
    Mark,
    Value,
    bounded,
    columns_of,
    derived,
    flat,
    halves,
    join,
    part_of,
    root_of,
    select,
    sides,
    with_marks,
)

if TYPE_CHECKING:
    from mlready.facts.leak_walk import Walk

_ROWS = ("loc", "iloc", "ix")
_SMALL_SPLIT = 4
_ROW_NAMES = re.compile(r"mask|msk|idx|ind(ex|ices)?$|rows|rnd|perm", re.I)


# ------------------------------------------------------------------------------------------------ what is split too late


def divide(
    walk: Walk, value: Value, line: int, *, target: Value = NOTHING, shuffled: bool = False, how: str = ""
) -> None:
    """Say what was learned from this data before it is divided on this line."""
    for mark in value.marks:
        if mark.kind == "fit":
            _learned_before(walk, mark, value, target, line, how)
        elif mark.kind == "over" and mark.roots & value.roots and not halves(mark.parts):
            walk.report(
                "overlap-leakage",
                mark.line,
                line,
                f"{mark.name} repeats or blends rows on line {mark.line}, before the split on line {line}: test rows are in training",
                certain=mark.strength == "strong",
            )
        elif mark.kind in ("lag", "date", "entity") and shuffled:
            _shuffled_time(walk, mark, line)


def _learned_before(walk: Walk, mark: Mark, value: Value, target: Value, line: int, how: str) -> None:
    if mark.strength == "none" or not mark.roots & value.roots:
        return
    if mark.columns and all(names_target(column) for column in mark.columns):
        return
    nested = halves(mark.parts)
    if nested and (how or any(side == "test" for _, side in nested)):
        return
    if mark.name == "target mean" and not (mark.columns and set(target.selected)):
        return
    what = how or "the split"
    message = f"{mark.name} is fitted on line {mark.line}, before {what} on line {line}"
    walk.report("preprocessing-leakage", mark.line, line, message, certain=mark.strength == "strong" and not nested)


def _shuffled_time(walk: Walk, mark: Mark, line: int) -> None:
    what = {
        "lag": "holds values of other rows in time",
        "date": "tells when a row was made",
        "entity": "is shared by rows of one entity",
    }[mark.kind]
    message = f"{mark.name} (line {mark.line}) {what}, and the split on line {line} shuffles rows"
    walk.report("time-split", line, mark.line, message, certain=mark.kind == "lag")


# --------------------------------------------------------------------------------------------------- splitting functions


def split_call(walk: Walk, node: ast.Call, args: list[Value], name: str) -> Value:
    """`train_test_split(X, y, …)`: two parts of each argument."""
    shuffled = not any(
        keyword.arg == "shuffle" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        for keyword in node.keywords
    )
    divided = features_of(node, args)
    target = args[-1] if len(args) > 1 else NOTHING
    for value in divided:
        divide(walk, flat(value), node.lineno, target=target, shuffled=shuffled and not _grouped(node))
    items: list[Value] = []
    for value in args:
        base = _as_rows(value, node)
        items += [part_of(base, node.lineno, "train"), part_of(base, node.lineno, "test")]
    return Value(items=tuple(items))


def _grouped(node: ast.Call) -> bool:
    return any(keyword.arg == "groups" for keyword in node.keywords)


def _as_rows(value: Value, node: ast.expr) -> Value:
    """Data of unknown make has a root from here on; what has none before a split is numbers of rows."""
    base = flat(value)
    if base.roots:
        return replace(base, index=value.index)
    return Value(roots=frozenset({root_of(node)}), marks=base.marks, index=True)


def features_of(node: ast.Call, args: list[Value]) -> list[Value]:
    """The arguments of a split that are not the target."""
    if len(args) < 2:
        return args
    kept = []
    for number, (value, source) in enumerate(zip(args, node.args, strict=False)):
        name = source.id if isinstance(source, ast.Name) else source.attr if isinstance(source, ast.Attribute) else ""
        if number == 0 or (not names_target(name) and number < len(args) - 1):
            kept.append(value)
    return kept


def folds(line: int) -> Value:
    """What iteration over the folds of a splitter gives: numbers of rows for training and for testing."""
    root = frozenset({-1 - line})
    return Value(
        items=(
            Value(roots=root, parts=frozenset({(line, "train")}), index=True),
            Value(roots=root, parts=frozenset({(line, "test")}), index=True),
        )
    )


# ---------------------------------------------------------------------------------------------------------- subscripts


def subscript(walk: Walk, node: ast.Subscript) -> Value:
    """`values[index]`: columns by name, rows by slice, mask or numbers, an item of a list."""
    holder = node.value
    rows_only = isinstance(holder, ast.Attribute) and holder.attr in _ROWS
    base = walk.value(holder.value if rows_only and isinstance(holder, ast.Attribute) else holder)
    if base is NOTHING:
        walk.value(node.slice) if not isinstance(node.slice, ast.Slice) else None
        return NOTHING
    if isinstance(node.slice, ast.Tuple) and node.slice.elts:
        return _by_two(walk, node, base)
    if isinstance(node.slice, ast.Slice):
        return cut(walk, node, replace(base, items=None) if base.items is None else base, node.slice)
    return _by_index(walk, base, walk.value(node.slice), node.slice, columns_first=not rows_only)


def _by_two(walk: Walk, node: ast.Subscript, base: Value) -> Value:
    """`table.loc[rows, columns]`, `array[rows, columns]`."""
    assert isinstance(node.slice, ast.Tuple)
    rows, *rest = node.slice.elts
    if isinstance(rows, ast.Slice):
        found = cut(walk, node, base, rows)
    else:
        found = _by_index(walk, base, walk.value(rows), rows, columns_first=False)
    for column in rest[:1]:
        if not isinstance(column, ast.Slice):
            index = walk.value(column)
            names = columns_of(index)
            found = select(found, names) if names else found
            found = replace(found, marks=bounded({*found.marks, *_selection(index)}))
    return found


def _by_index(walk: Walk, base: Value, index: Value, node: ast.expr, *, columns_first: bool) -> Value:
    if (
        base.items is not None
        and isinstance(index.constant, int)
        and -len(base.items) <= index.constant < len(base.items)
    ):
        return base.items[index.constant]
    if base.keys and base.items is not None and index.constant in base.keys:
        return base.items[base.keys.index(str(index.constant))]
    if base.keys and base.items is not None:
        return join(base.items)
    if base.element is not None and not base.roots:
        return base.element
    names = columns_of(index)
    if names and not base.roots and any(mark.kind == "llm" for mark in base.marks):
        return leak_llm.part_of_answer(base, names[0])
    if names and columns_first:
        return replace(select(base, names), makers=base.makers)
    if index.parts and index.index:
        return rows_of(walk, base, index)
    found = derived(base) if base.roots or base.marks else base
    mask = isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr)
    )
    return replace(found, marks=bounded({*found.marks, *_selection(index)}), filtered=mask or base.filtered)


def rows_of(walk: Walk, base: Value, index: Value) -> Value:
    """Rows by the numbers that a splitter gave."""
    data = flat(base)
    if not data.roots:
        return base
    for split, seen in sides(index.parts).items():
        if split not in sides(data.parts) and seen != {"some"}:  # a slice of the numbers is no split of its own
            divide(walk, data, split, how="the split")
    return replace(data, parts=frozenset({*data.parts, *index.parts}), index=base.index)


def _selection(index: Value) -> Iterator[Mark]:
    """Columns that were chosen by what a selector learned carry what it learned from."""
    return (mark for mark in index.marks if mark.kind == "fit" and mark.name.endswith("selection"))


# -------------------------------------------------------------------------------------------------------------- slices


def cut(walk: Walk, node: ast.Subscript, base: Value, piece: ast.Slice) -> Value:
    """`values[:1000]`: marked as a cut unless the rest of it is used too."""
    data = flat(base) if base.roots or base.marks else base
    if isinstance(node.value, ast.Attribute) and node.value.attr == "str":
        return data
    if isinstance(node.value, ast.Name) and node.value.id in walk.elements:
        return data
    number = piece.upper
    if data.roots and (piece.lower is not None or number is not None):
        data = replace(data, parts=frozenset({*data.parts, (-root_of(node), "some")}))
    if piece.lower is not None or piece.step is not None or not base.read or walk.debugging:
        return data
    if not (isinstance(number, ast.Constant) and type(number.value) is int and number.value > 1):
        return data
    if str(number.value) in walk.complements or base.filtered or in_two(walk, node.value):
        return data
    text = f"[:{number.value}]"
    return with_marks(data, Mark("cut", text, node.lineno, "strong", data.roots, data.parts))


def in_two(walk: Walk, data: ast.expr) -> bool:
    """Whether some piece of the data is called train and another one test."""
    return isinstance(data, ast.Name) and walk.divided.get(data.id, set()) >= {"train", "test"}


def looked_ahead(tree: ast.Module) -> tuple[frozenset[str], dict[str, set[str]], frozenset[str]]:
    """What the whole module tells of its slices, before it is followed.

    The bounds that slices begin at: `[:800]` beside `[800:]` (or `[801:]`, one row lost) divides and loses nothing. The
    names of data of which pieces are called train and test: {"df": {"train", "test"}}. The parameters of lambdas, which
    are handed one element after the other.
    """
    bounds, divided, elements = set[str](), dict[str, set[str]](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Slice):
            if isinstance(node.lower, ast.Constant) and type(node.lower.value) is int:
                bounds.update(str(node.lower.value + step) for step in (-1, 0, 1))
        elif isinstance(node, ast.Lambda):
            elements.update(arg.arg for arg in node.args.args)
        elif isinstance(node, ast.Assign):
            for name, side in _named_pieces(node):
                divided.setdefault(name, set()).add(side)
    return frozenset(bounds), divided, frozenset(elements)


# --------------------------------------------------------------------------------------------------- parts by their names


def _named_pieces(node: ast.Assign) -> Iterator[tuple[str, str]]:
    """(data, side) of the pieces of data that an assignment calls train or test."""
    for target, source in _assigned(node):
        name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
        side = side_of(name)
        base = _base_of(source) if side and _is_piece(source) else None
        if isinstance(base, ast.Name):
            yield base.id, side
            if side == "test" and not names_validation(name):
                yield base.id, "final test"


def _assigned(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    target = node.targets[-1]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        yield from zip(target.elts, node.value.elts, strict=False)
    else:
        yield target, node.value


def side_of(name: str) -> str:
    """The side of a split that a name tells of, or ""."""
    return "test" if names_test(name) else "train" if names_train(name) else ""


def named_part(walk: Walk, targets: list[ast.expr], source: ast.expr, found: Value) -> Value:
    """A value whose target is called train or test, and that is plainly a piece of other data, is a part of a split."""
    target = targets[-1]
    if isinstance(target, ast.Tuple | ast.List):
        return _unpacked_parts(walk, target, source, found)
    name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
    side = side_of(name)
    if not side or not found.roots or found.joined or names_target(name):
        return found
    if not _is_piece(source) or halves(found.parts):
        return found
    base = _base_of(source)
    if not isinstance(base, ast.Name) or not in_two(walk, base):
        return found
    if names_validation(name) and "final test" in walk.divided[base.id]:
        return found
    whole = walk.value(base)
    if not whole.roots or whole.joined or halves(whole.parts) or (len(whole.roots) > 1 and not whole.read):
        return found
    if names_test(base.id):
        return found
    split = -min(abs(root) for root in whole.roots)
    walk.split_lines.setdefault(split, source.lineno)
    if side == "test":
        divide(walk, flat(whole), source.lineno)
    return part_of(replace(found, parts=whole.parts), split, side)


def _unpacked_parts(walk: Walk, target: ast.Tuple | ast.List, source: ast.expr, found: Value) -> Value:
    """`X_train, X_test, … = anything(…)`: the names say that it splits."""
    names = [item.id if isinstance(item, ast.Name) else "" for item in target.elts]
    if found.items is not None or not isinstance(source, ast.Call) or not _names_split(names, source):
        return found
    data = flat(found)
    if halves(data.parts):
        return found
    if not data.roots:
        data = replace(data, roots=frozenset({root_of(source)}))
    elif len(names) >= _SMALL_SPLIT and not data.joined:
        divide(walk, data, source.lineno)
    return Value(items=tuple(_named_side(walk, data, source.lineno, name, names) for name in names))


def _named_side(walk: Walk, data: Value, line: int, name: str, names: list[str]) -> Value:
    """The part that a name tells of; beside a test part, a validation part is cut out of training."""
    side = side_of(name)
    three = any(map(names_validation, names)) and any(side_of(n) == "test" and not names_validation(n) for n in names)
    if not side or not three:
        return part_of(data, line, side) if side else data
    inner = -line
    walk.split_lines[inner] = line
    if side == "test" and not names_validation(name):
        return part_of(data, line, "test")
    return part_of(part_of(data, line, "train"), inner, side)


def _names_split(names: list[str], source: ast.Call) -> bool:
    """Whether the targets of a call are the parts of a split: labels of a test part among them, none given to it."""
    if not any(map(names_train, names)) or not any(map(names_test, names)) or len(names) > 8:
        return False
    given = [n.id for arg in source.args for n in ast.walk(arg) if isinstance(n, ast.Name)]
    if any(names_test(name) for name in given):
        return False
    function = source.func.attr if isinstance(source.func, ast.Attribute) else getattr(source.func, "id", "")
    return "split" in function.lower() or any(names_target(name) and names_test(name) for name in names)


def _is_piece(source: ast.expr) -> bool:
    """Whether an expression takes some rows: a slice, a mask, sample(), drop(other.index)."""
    if isinstance(source, ast.Subscript):
        index = source.slice.elts[0] if isinstance(source.slice, ast.Tuple) and source.slice.elts else source.slice
        if isinstance(index, ast.Slice):
            return index.lower is not None or index.upper is not None
        if isinstance(index, ast.Name):
            return bool(_ROW_NAMES.search(index.id))
        return isinstance(index, ast.Compare | ast.UnaryOp | ast.BinOp) or (
            isinstance(index, ast.Call) and isinstance(index.func, ast.Attribute) and index.func.attr == "isin"
        )
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute):
        if source.func.attr in ("reset_index", "copy", "to_numpy", "dropna"):
            return _is_piece(source.func.value)
        if source.func.attr in ("sample", "drop", "head", "tail", "query"):
            return any(
                isinstance(item, ast.Attribute) and item.attr == "index" for item in ast.walk(source)
            ) or source.func.attr in ("sample",)
    return False


def _base_of(source: ast.expr) -> ast.expr | None:
    node: ast.AST = source
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        else:
            return None
    return node


def rest_of(base: Value, index: Value, line: int) -> Value | None:
    """`table.drop(train.index)`: the other side of the split; None where the index says nothing of a split."""
    if not index.index or not index.parts:
        return None
    (split, side), *_ = sorted(index.parts)
    return replace(part_of(base, split, "test" if side == "train" else "train"))
