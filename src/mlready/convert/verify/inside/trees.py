"""Two described values: equal, equal within a tolerance, or where they differ."""

from __future__ import annotations

import importlib
from typing import Any

from mlready.convert.verify.inside.describe import Tree, is_steady

EQUAL, CLOSE, NEAR, DIFFERS = 0, 1, 2, 3
LEVELS = ("equal", "equal within 1e-9", "equal within 1e-6", "differs")


class Worst(list[int]):
    """The worst level met so far, and whether keys that look like the clock's count."""

    strict = False

    def __init__(self) -> None:
        super().__init__([EQUAL])


class Difference(Exception):
    """Two trees differ: where, and how."""


def compare(left: Tree, right: Tree, *, strict: bool = False) -> tuple[int, str]:
    """Level and, for a difference, its path and what is there on each side. Keys of dicts that look like the clock's are
    compared only if `strict`."""
    worst = Worst()
    worst.strict = strict
    try:
        _compare(left, right, "", worst)
    except Difference as difference:
        return DIFFERS, str(difference)
    return worst[0], ""


def _compare(left: Tree, right: Tree, path: str, worst: Worst) -> None:
    if left[0] in ("rng", "opaque", "limit", "plot") and right[0] == left[0]:
        return
    if "again" in (left[0], right[0]):
        _compare_again(left, right, path, worst)
        return
    if left[0] != right[0]:
        raise Difference(f"{path or 'value'}: {short(left)} is not {short(right)}")
    if left[0] == "axes":  # kept runs of an earlier version tell less
        left, right = left[: len(right)], right[: len(left)]
    if left[0] == "array":
        _compare_arrays(left, right, path, worst)
    elif left[0] == "number":
        _compare_numbers(left, right, path, worst)
    elif left[0] == "dict":
        _compare_dicts(left, right, path, worst)
    elif left[0] == "object":
        if left[1] != right[1]:
            raise Difference(f"{path or 'value'}: {left[1]} is not {right[1]}")
        _compare_dicts((0, 0, left[2], len(left[2])), (0, 0, right[2], len(right[2])), path, worst)
    else:
        _compare_sequences(left, right, path, worst)


def _compare_again(left: Tree, right: Tree, path: str, worst: Worst) -> None:
    """An object that was met before on one side: the same place on the other, or equal to what is there. Not of circles."""
    if left[:2] == right[:2]:
        return
    one, other = (tree[2] if tree[0] == "again" and len(tree) > 2 else tree for tree in (left, right))
    if one is not None and other is not None and "again" not in (one[0], other[0]):
        _compare(one, other, path, worst)


def _compare_sequences(left: Tree, right: Tree, path: str, worst: Worst) -> None:
    if len(left) != len(right):
        raise Difference(f"{path or 'value'}: {short(left)} is not {short(right)}")
    for place, (one, other) in enumerate(zip(left, right, strict=True)):
        if isinstance(one, tuple) and one and isinstance(one[0], str) and one[0] in _KINDS and isinstance(other, tuple):
            _compare(one, other, path, worst)
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                raise Difference(f"{path or 'value'}: {len(one)} items are not {len(other)}")
            for number, (item, second) in enumerate(zip(one, other, strict=True)):
                if isinstance(item, tuple):
                    _compare(item, second, f"{path}[{number}]", worst)
                elif item != second:
                    raise Difference(f"{path}[{number}]: {item!r:.60} is not {second!r:.60}")
        elif place and not (one is other or one == other):
            raise Difference(f"{path or 'value'}: {one!r:.60} is not {other!r:.60}")


_KINDS = frozenset(
    {
        "plain",
        "number",
        "array",
        "objects",
        "record",
        "masked",
        "frame",
        "series",
        "multiindex",
        "index",
        "column",
        "repr",
    }
    | {"sparse", "figure", "axes", "plot", "dict", "list", "set", "object", "opaque", "limit", "rng", "module", "class"}
    | {"function", "again"}
)


def _compare_dicts(left: Tree, right: Tree, path: str, worst: Worst) -> None:
    one, other = dict(left[2]), dict(right[2])
    for key in [key for key in (*one, *other) if not is_steady(key.strip("'"))]:
        if not (worst.strict and key in one and key in other):
            one.pop(key, None)
            other.pop(key, None)
    if one.keys() != other.keys():
        names = sorted(one.keys() ^ other.keys())[:3]
        raise Difference(f"{path or 'value'}: keys {', '.join(map(str, names))} are only on one side")
    for key, item in one.items():
        _compare(item, other[key], f"{path}.{key}", worst)


def _compare_numbers(left: Tree, right: Tree, path: str, worst: Worst) -> None:
    one, other = left[2], right[2]
    if one == other or (one != one and other != other):
        return
    _grade(abs(one - other), max(abs(one), abs(other)), path, f"{one!r} is not {other!r}", worst)


def _grade(gap: float, size: float, path: str, text: str, worst: Worst) -> None:
    if gap <= 1e-9 * size:
        worst[0] = max(worst[0], CLOSE)
    elif gap <= 1e-6 * size:
        worst[0] = max(worst[0], NEAR)
    else:
        raise Difference(f"{path or 'value'}: {text}")


def _compare_arrays(left: Tree, right: Tree, path: str, worst: Worst) -> None:
    np: Any = importlib.import_module("numpy")

    one, other = left[2], right[2]
    where = path or "value"
    if left[1] != right[1]:
        raise Difference(f"{where}: dtype {left[1]} is not {right[1]}")
    if one.shape != other.shape:
        raise Difference(f"{where}: shape {one.shape} is not {other.shape}")
    if one.dtype.kind not in "fc":
        if not np.array_equal(one, other):
            raise Difference(f"{where}: {one.ravel()[one.ravel() != other.ravel()][:1]} is not equal")
        return
    if np.array_equal(one, other, equal_nan=True):
        return
    if not np.array_equal(np.isnan(one), np.isnan(other)) or not np.array_equal(np.isinf(one), np.isinf(other)):
        raise Difference(f"{where}: missing or infinite values in other places")
    finite = np.isfinite(one)
    gap = np.abs(one[finite] - other[finite])
    size = float(np.max(np.abs(one[finite]), initial=0.0))
    place = int(np.argmax(gap)) if gap.size else 0
    text = f"{one[finite][place]!r} is not {other[finite][place]!r}" if gap.size else "infinite values differ"
    _grade(float(gap.max(initial=0.0)), size, where, text, worst)


def short(tree: Tree) -> str:
    return f"{tree[0]} {tree[1] if len(tree) > 1 and isinstance(tree[1], str) else ''}".strip()
