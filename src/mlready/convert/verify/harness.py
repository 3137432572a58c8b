"""Runs inside the notebook's interpreter: records what a notebook or a package leaves behind, and compares two records.

Stands alone on the standard library (numpy, pandas, matplotlib are looked at only where they are loaded already), so the
interpreter needs no mlready. Used as a module in a kernel (`install`, `dump`) and as a script:

    harness.py launch MEGABYTES COMMAND...     limit memory, then become the command
    harness.py candidate JOB.json              run a package, write its record
    harness.py compare JOB.json                compare records, print JSON
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.abc
import importlib.util
import io
import json
import os
import pickle
import re
import sys
import traceback
import types
import weakref
from pathlib import Path
from typing import Any

MAX_NODES = 300_000
MAX_DEPTH = 14
MAX_ITEMS = 20_000
VOLATILE = re.compile(
    r"(^|_)(cache|datetime|timestamp|elapsed|duration|runtime|uuid|tempdir)s?_?$|^_?time_?$|_times?_?$|^_cache|^_repr_html_"
    r"|(^|_)(rng|random_state|bit_generator)_?$|^_sklearn_output_config$|^__"
)
"""Attributes that hold the clock, paths or caches, never compared; keys of dicts only where the notebook has them stable."""

Tree = Any


# ------------------------------------------------------------------------------------------------------------- describing


class Describer:
    """Turns values into trees of plain tuples and arrays that can be compared without the classes they came from."""

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.trees: dict[int, Tree] = {}
        self.keep: list[Any] = []
        self.nodes = 0

    def __call__(self, value: Any, depth: int = 0) -> Tree:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            return ("limit",)
        if value is None or type(value) in (bool, int, str, bytes):
            return ("plain", type(value).__name__, value)
        if type(value) in (float, complex):
            return ("number", type(value).__name__, value)
        if id(value) in self.seen:
            return ("again", self.seen[id(value)], self.trees.get(id(value)))
        self.seen[id(value)] = len(self.seen)
        self.keep.append(value)
        try:
            tree = self.special(value, depth) or self.container(value, depth) or self.object(value, depth)
        except Exception as error:
            tree = ("opaque", type(value).__name__, type(error).__name__)
        self.trees[id(value)] = tree
        return tree

    def special(self, value: Any, depth: int) -> Tree | None:
        kind = type(value)
        module = kind.__module__.split(".")[0]
        if isinstance(value, types.ModuleType):
            return ("module", value.__name__)
        if isinstance(value, type):
            return ("class", value.__name__)
        if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
            return ("function", value.__name__)
        if module == "numpy" or _is_a(value, "numpy", "ndarray"):
            return self.numpy(value, depth)
        if module == "pandas" or _is_a(value, "pandas", "DataFrame", "Series", "Index"):
            return self.pandas(value, depth)
        if module == "scipy" and hasattr(value, "tocsr") and hasattr(value, "nnz"):
            csr = value.tocsr()
            return ("sparse", value.shape, *(self(part, depth + 1) for part in (csr.data, csr.indices, csr.indptr)))
        if module in ("matplotlib", "mpl_toolkits"):
            return self.plot(value, depth)
        if module in ("datetime", "decimal", "fractions", "uuid", "pathlib", "re", "zoneinfo"):
            return ("repr", kind.__name__, repr(value))
        return None

    def numpy(self, value: Any, depth: int) -> Tree | None:
        np: Any = importlib.import_module("numpy")

        if isinstance(value, np.ma.MaskedArray):
            return ("masked", self(np.asarray(value.filled()), depth + 1), self(np.asarray(value.mask), depth + 1))
        if isinstance(value, np.ndarray):
            if value.dtype.names:
                return (
                    "record",
                    value.dtype.names,
                    *(self(np.asarray(value[n]), depth + 1) for n in value.dtype.names),
                )
            if value.dtype.kind == "O":
                flat = value.ravel().tolist()
                return ("objects", value.shape, [self(item, depth + 1) for item in flat[:MAX_ITEMS]], len(flat))
            return ("array", str(value.dtype), np.array(value))
        if isinstance(value, np.generic):
            return ("array", str(value.dtype), np.array(value))
        if (
            type(value).__name__ in ("RandomState", "Generator", "SeedSequence")
            or "bit_generator" in type(value).__module__
        ):
            return ("rng",)
        if isinstance(value, np.dtype):
            return ("repr", "dtype", str(value))
        return None

    def pandas(self, value: Any, depth: int) -> Tree | None:
        pd: Any = importlib.import_module("pandas")

        if isinstance(value, pd.DataFrame):
            columns = [self(value.iloc[:, place], depth + 1) for place in range(value.shape[1])]
            return ("frame", self(value.columns, depth + 1), self(value.index, depth + 1), columns)
        if isinstance(value, pd.Series):
            data = self.column(value.array, depth)
            return ("series", str(value.dtype), self(value.name, depth + 1), self(value.index, depth + 1), data)
        if isinstance(value, pd.MultiIndex):
            levels = [self(value.get_level_values(level), depth + 1) for level in range(value.nlevels)]
            return ("multiindex", levels)
        if isinstance(value, pd.Index):
            return ("index", str(value.dtype), self(value.name, depth + 1), self.column(value.array, depth))
        if isinstance(value, pd.api.extensions.ExtensionArray):
            return ("column", self.column(value, depth))
        if isinstance(value, pd.Timestamp | pd.Timedelta | pd.Period | pd.Interval | type(pd.NaT) | type(pd.NA)):
            return ("repr", type(value).__name__, repr(value))
        return None

    def column(self, values: Any, depth: int) -> Tree:
        np: Any = importlib.import_module("numpy")

        array = np.asarray(values)
        if array.dtype.kind == "O":
            return (
                "objects",
                array.shape,
                [self(item, depth + 1) for item in array.ravel().tolist()[:MAX_ITEMS]],
                array.size,
            )
        return ("array", str(array.dtype), np.array(array))

    def plot(self, value: Any, depth: int) -> Tree:
        if hasattr(value, "get_axes") and hasattr(value, "canvas"):
            return ("figure", [self.axes(ax, depth + 1) for ax in value.get_axes()])
        if hasattr(value, "get_xlabel") and hasattr(value, "lines"):
            return self.axes(value, depth)
        return ("plot", type(value).__name__)

    def axes(self, ax: Any, depth: int) -> Tree:
        lines = [self(line.get_xydata(), depth + 1) for line in ax.lines]
        texts = (ax.get_title(), ax.get_xlabel(), ax.get_ylabel())
        shapes = [self(_place(patch), depth + 1) for patch in ax.patches]
        shapes += [
            self(part, depth + 1) for found in ax.collections for part in (found.get_offsets(), found.get_array())
        ]
        shapes += [self(image.get_array(), depth + 1) for image in ax.images]
        return ("axes", texts, lines, (len(ax.patches), len(ax.collections), len(ax.images)), shapes)

    def container(self, value: Any, depth: int) -> Tree | None:
        if isinstance(value, dict):
            items = [(self.key(key), self(item, depth + 1)) for key, item in list(value.items())[:MAX_ITEMS]]
            return ("dict", type(value).__name__, items, len(value))
        if isinstance(value, list | tuple) and len(value) > MAX_ITEMS:
            return self.long_list(value) or ("limit",)
        if isinstance(value, list | tuple):
            return ("list", type(value).__name__, [self(item, depth + 1) for item in value[:MAX_ITEMS]], len(value))
        if isinstance(value, set | frozenset):
            return ("set", type(value).__name__, sorted(self.key(item) for item in value))
        if isinstance(value, range | slice):
            return ("repr", type(value).__name__, repr(value))
        return None

    def long_list(self, value: Any) -> Tree | None:
        """Many numbers or texts: compared as a whole."""
        kinds = {type(item) for item in value}
        if kinds <= {int, float, bool} and "numpy" in sys.modules:
            array = importlib.import_module("numpy").array(value)
            return ("list", type(value).__name__, [("array", str(array.dtype), array)], len(value))
        if kinds <= {int, float, bool, str, bytes, type(None)}:
            digest = hashlib.sha256(repr(value).encode("utf-8", "replace")).hexdigest()
            return ("list", type(value).__name__, [("plain", "str", digest)], len(value))
        return None

    def key(self, value: Any) -> str:
        text = repr(value)
        return re.sub(r" at 0x[0-9a-f]+", "", text)

    def object(self, value: Any, depth: int) -> Tree:
        name = type(value).__qualname__.rsplit(".", 1)[-1]
        if isinstance(value, io.IOBase) and isinstance(getattr(value, "name", None), str):
            return ("repr", "file", f"{Path(str(getattr(value, 'name', ''))).name} closed={value.closed}")
        if (
            hasattr(value, "__next__")
            or isinstance(value, io.IOBase)
            or name in ("lock", "RLock", "Thread", "ZMQDisplayPublisher")
        ):
            return ("opaque", name, "has no value")
        state = _state(value)
        if state is None:
            return ("opaque", name, "keeps its state to itself")
        return ("object", name, sorted((key, self(item, depth + 1)) for key, item in state.items() if _steady(key)))


def _place(patch: Any) -> Any:
    """Where a bar, a wedge or a polygon lies, in the units of the data."""
    kind = type(patch).__name__
    if kind == "Rectangle":
        return patch.get_bbox().bounds
    if kind == "Wedge":
        return (patch.theta1, patch.theta2, patch.r)
    return patch.get_xy() if kind in ("Polygon", "StepPatch") and hasattr(patch, "get_xy") else None


def _is_a(value: Any, module: str, *names: str) -> bool:
    """True for subclasses and proxies of a library's classes, where the library is loaded."""
    library = sys.modules.get(module)
    return library is not None and isinstance(value, tuple(getattr(library, name) for name in names))


def _steady(key: Any) -> bool:
    return not (isinstance(key, str) and VOLATILE.search(key))


def _state(value: Any) -> dict[str, Any] | None:
    """Attributes of an object: its __dict__ and slots, else what it would be pickled from."""
    state = dict(getattr(value, "__dict__", {}) or {})
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name) and not name.startswith("__"):
                state[name] = getattr(value, name)
    kind: Any = type(value)
    if state or (hasattr(value, "__dict__") and kind.__reduce__ is object.__reduce__):
        return state
    reduced = value.__reduce_ex__(2)
    if isinstance(reduced, str):
        return {"name": reduced}
    return {"arguments": reduced[1], "state": reduced[2] if len(reduced) > 2 else None}


# -------------------------------------------------------------------------------------------------------------- comparing

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
        raise Difference(f"{path or 'value'}: {_short(left)} is not {_short(right)}")
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
        raise Difference(f"{path or 'value'}: {_short(left)} is not {_short(right)}")
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
    for key in [key for key in (*one, *other) if not _steady(key.strip("'"))]:
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


def _short(tree: Tree) -> str:
    return f"{tree[0]} {tree[1] if len(tree) > 1 and isinstance(tree[1], str) else ''}".strip()


# -------------------------------------------------------------------------------------------------- recording a notebook


class Recorder:
    """What happens in one run, in order: values shown, by cell or step."""

    def __init__(self) -> None:
        self.place: Any = None
        self.shown: list[tuple[Any, Tree]] = []

    def show(self, *values: Any, **_: Any) -> None:
        for value in values:
            if value is not None:
                self.shown.append((self.place, Describer()(value)))


RECORDER = Recorder()


def seed_everything() -> None:
    import random

    random.seed(0)
    try:
        numpy_random = importlib.import_module("numpy.random")
    except ImportError:
        return
    numpy_random.seed(0)


def install(seeded: bool) -> None:
    """In a kernel, before the first cell: record shown values; with `seeded`, seed the global generators."""
    import builtins

    shell = importlib.import_module("IPython").get_ipython()
    for module in ("IPython.display", "IPython.core.display_functions"):
        importlib.import_module(module).display = RECORDER.show  # type: ignore[attr-defined]
    builtins.display = RECORDER.show  # type: ignore[attr-defined]
    shell.user_ns["display"] = RECORDER.show

    def record(result: Any) -> Any:
        """Nothing is rendered: rendering fills caches of the values, and a package does not render."""
        RECORDER.show(result)
        return {}, {}

    shell.displayhook.compute_format_data = record
    if seeded:
        seed_everything()


def at_cell(number: int) -> None:
    RECORDER.place = number


def dump(path: str, namespace: dict[str, Any], extra: str = "") -> None:
    """At the end of a notebook: every final variable, and what was shown."""
    hidden = {"In", "Out", "exit", "quit", "get_ipython", "display", "open"}
    values = {name: value for name, value in namespace.items() if not name.startswith("_") and name not in hidden}
    write_record(path, values, extra=extra)


def write_record(
    path: str, values: dict[str, Any], *, extra: str = "", gone: dict[str, Tree] | None = None, **more: Any
) -> None:
    """`gone` holds the trees of values that no longer exist."""
    described: dict[str, Tree] = {}
    prints: dict[str, Any] = {}
    fingerprint = _extra(extra)
    for name, value in values.items():
        described[name] = Describer()(value)
        if fingerprint is not None:
            prints[name] = fingerprint(value)
    versions = {
        name: getattr(sys.modules.get(name), "__version__", "") for name in list(sys.modules) if "." not in name
    }
    record = {
        "values": {**described, **(gone or {})},
        "shown": RECORDER.shown,
        "extra": prints,
        "versions": _plain_versions(versions),
        **more,
    }
    with Path(path).open("wb") as file:
        pickle.dump(record, file)


def _plain_versions(versions: dict[str, Any]) -> dict[str, str]:
    return {name: str(version) for name, version in versions.items() if isinstance(version, str) and version}


def _extra(path: str) -> Any:
    if not path:
        return None
    spec = importlib.util.spec_from_file_location("_extra_fingerprint", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.fingerprint


# ---------------------------------------------------------------------------------------------------- recording a package


class Kept:
    """A local variable at the end of its step. What something watches by a weak reference is kept only where the step
    gives it back: keeping it otherwise would let it live longer than it does in the package."""

    def __init__(self, value: Any, is_returned: bool) -> None:
        self.tree: Tree = None
        watched = not is_returned and not isinstance(value, type) and weakref.getweakrefcount(value) > 0
        if watched:
            self.tree = Describer()(value)
        self.value = weakref.ref(value) if watched else (lambda: value)


class Locals:
    """Last value of each local variable of each step."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Kept]] = {}
        self.returned: dict[str, list[str]] = {}
        self.texts: list[tuple[str, str]] = []
        self.out = io.StringIO()
        self.stack: list[str] = []
        self.outputs: dict[str, list[str]] = {}
        self.examples: dict[str, dict[str, Any]] = {}
        """Of pure steps: source of what went in and came out, where both are small."""

    def enter(self, step: str, arguments: dict[str, Any]) -> None:
        self.flush()
        self.stack.append(step)
        RECORDER.place = step
        if step in self.outputs:
            self.examples[step] = {"inputs": {name: literal(value) for name, value in arguments.items()}}

    def leave(self, step: str, found: dict[str, Any]) -> None:
        self.flush()
        self.values[step] = {name: Kept(value, name in self.returned.get(step, ())) for name, value in found.items()}
        if step in self.examples:
            self.examples[step]["outputs"] = [(name, literal(found.get(name))) for name in self.outputs[step]]
        self.stack.pop()
        RECORDER.place = self.stack[-1] if self.stack else None

    def flush(self) -> None:
        text = self.out.getvalue()
        if text:
            self.texts.append((self.stack[-1] if self.stack else "", text))
            self.out.seek(0)
            self.out.truncate()


LOCALS = Locals()


def literal(value: Any) -> str | None:
    """Source of a small plain value, or of a small array; None for everything else."""
    try:
        if type(value).__module__ == "numpy" and hasattr(value, "tolist") and value.dtype.kind in "fiub":
            items = literal(value.tolist())
            return f"np.array({items}, dtype={str(value.dtype)!r})" if items and value.size <= 40 else None
        text = repr(value) if _is_plain(value) else ""
        if text and len(text) <= 600 and ast.literal_eval(text) == value:
            return text
    except Exception:
        return None
    return None


def _is_plain(value: Any, depth: int = 0) -> bool:
    """True for values without objects of other kinds in them: to show those could change them."""
    if type(value) in (dict, list, tuple, set) and len(value) <= 200 and depth < 6:
        items = (*value, *value.values()) if isinstance(value, dict) else value
        return all(_is_plain(item, depth + 1) for item in items)
    return value is None or type(value) in (bool, int, float, complex, str, bytes)


class _Watch(ast.NodeTransformer):
    """Puts `enter` and `leave` around the body of every step."""

    def __init__(self, steps: set[str]) -> None:
        self.steps = steps

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self.watched(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return self.watched(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def watched(self, node: Any) -> Any:
        if node.name not in self.steps:
            return node
        prefix = "__import__('_mlready_harness').LOCALS"
        before = ast.parse(f"{prefix}.enter({node.name!r}, locals())").body
        after = ast.parse(f"{prefix}.leave({node.name!r}, locals())").body
        node.body = [*before, ast.Try(body=node.body, handlers=[], orelse=[], finalbody=after)]
        return node


class _Loader(importlib.abc.SourceLoader):
    def __init__(self, path: str, steps: set[str]) -> None:
        self.path, self.steps = path, steps

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_data(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> types.CodeType:  # type: ignore[override]
        tree = _Watch(self.steps).visit(ast.parse(data))
        return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, root: Path, package: str, steps: set[str]) -> None:
        self.root, self.package, self.steps = root, package.split(".", 1)[0], steps

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != self.package and not fullname.startswith(self.package + "."):
            return None
        place = self.root.joinpath(*fullname.split("."))
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                folder = [str(place)] if file.name == "__init__.py" else None
                loader = _Loader(str(file), self.steps)
                return importlib.util.spec_from_file_location(
                    fullname, file, loader=loader, submodule_search_locations=folder
                )
        return None


def candidate(job: dict[str, Any]) -> int:
    """Runs the package through its own entry point and writes its record."""
    sys.modules["_mlready_harness"] = sys.modules[__name__]
    sys.path.insert(0, "")
    sys.argv = [job["package"]]
    steps = set(job["variables"].values()) - {"config"} | set(job["steps"])
    sys.meta_path.insert(0, _Finder(Path(job["source"]), job["package"], steps))
    if job["seeded"]:
        seed_everything()
    LOCALS.outputs, LOCALS.returned = job.get("pure", {}), job.get("returned", {})
    real, error = sys.stdout, None
    sys.stdout = LOCALS.out
    config: Any = None
    results: Any = None
    try:
        _hook_displays()
        _hook_outputs(job["package"])
        config = importlib.import_module(job["package"] + ".config").Config()
        pipeline = importlib.import_module(job["package"] + ".pipeline")
        _print_as_a_kernel_does()
        results = pipeline.run(config)
    except BaseException as raised:
        error = {"type": type(raised).__name__, "message": str(raised)[:500], "step": _failed_step(raised, steps)}
        error["traceback"] = "".join(traceback.format_exception(raised))[-3000:]
    finally:
        LOCALS.flush()
        sys.stdout = real
    values: dict[str, Any] = {}
    gone: dict[str, Tree] = {}
    for name, step in job["variables"].items():
        if step == "config" and config is not None:
            values[name] = getattr(config, name)
        elif name in LOCALS.values.get(step, {}):
            kept = LOCALS.values[step][name]
            values[name] = kept.value()
            if values[name] is None and kept.tree is not None:
                gone[name] = kept.tree
    for name, home in job["definitions"].items():
        owner = job["package"].split(".", 1)[0] if home == "shared" else job["package"]
        module = sys.modules.get(f"{owner}.{home}")
        if module is not None and hasattr(module, name):
            values[name] = getattr(module, name)
    more = {"texts": LOCALS.texts, "error": error, **_recorded(results)}
    write_record(job["record"], values, extra=job.get("extra", ""), gone=gone, **more)
    return 0


def _print_as_a_kernel_does() -> None:
    """pandas cuts wide tables to the terminal, and in a kernel to 20 columns: a matter of the front end, not of the code."""
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        pandas.set_option("display.max_columns", 20)


def _recorded(results: Any) -> dict[str, Any]:
    """Small values for the tests that the package gets."""
    complete = {
        step: found
        for step, found in LOCALS.examples.items()
        if None not in found["inputs"].values()
        and all(text is not None for _, text in found.get("outputs", [("", None)]))
    }
    found = {name: literal(value) for name, value in vars(results).items()} if results is not None else {}
    return {"examples": complete, "results": {name: text for name, text in found.items() if text is not None}}


def _hook_displays() -> None:
    """What libraries display themselves is recorded as in a kernel, where they find the same IPython."""
    for module in ("IPython.display", "IPython.core.display_functions"):
        try:
            importlib.import_module(module).display = RECORDER.show  # type: ignore[attr-defined]
        except ImportError:
            return


def _hook_outputs(package: str) -> None:
    """Shown values and saved figures are recorded."""
    if importlib.util.find_spec(package + ".outputs") is None:
        return
    outputs: Any = importlib.import_module(package + ".outputs")
    outputs.show = RECORDER.show
    save = getattr(outputs, "save_figures", None)
    if save is None:
        return

    def recorded(*arguments: Any, **named: Any) -> None:
        plt = importlib.import_module("matplotlib.pyplot")
        RECORDER.show(*(figure for figure in map(plt.figure, plt.get_fignums()) if figure.axes or figure.texts))
        save(*arguments, **named)

    outputs.save_figures = recorded


def _failed_step(error: BaseException, steps: set[str]) -> str:
    found = ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name in steps:
            found = trace.tb_frame.f_code.co_name
        trace = trace.tb_next
    return found


# -------------------------------------------------------------------------------------------------------------- comparing


def compare_records(job: dict[str, Any]) -> dict[str, Any]:
    """Verdict per value and per shown value. Of the references, the first two ran as is, the rest under seeds."""
    plain = [_load(path) for path in job["plain"]]
    seeded = [_load(path) for path in job["seeded"]]
    package = _load(job["candidate"]) if job.get("candidate") else None
    values: dict[str, dict[str, Any]] = {}
    skipped, known = set(job["imported"]), {*job["variables"], *job["definitions"]}
    for name, tree in plain[0]["values"].items():
        if name in skipped or (job["stars"] and name not in known):
            values[name] = {"verdict": "skipped", "why": "an import"}
        else:
            values[name] = _judge(name, tree, plain, seeded, package)
    return {
        "values": values,
        "shown": _judge_shown(job, plain, seeded, package),
        "drawn": _judge_drawn(job, plain, seeded, package),
        "extra": [record["extra"] for record in (*plain, *seeded)],
        "extra_candidate": package["extra"] if package else {},
        "error": package["error"] if package else None,
        "texts": package["texts"] if package else [],
        "versions": plain[0]["versions"],
        "examples": package["examples"] if package else {},
        "results": package["results"] if package else {},
    }


def _load(path: str) -> Any:
    with Path(path).open("rb") as file:
        return pickle.load(file)


def _judge(name: str, tree: Tree, plain: list[Any], seeded: list[Any], package: Any) -> dict[str, Any]:
    if tree[0] in ("opaque", "limit"):
        return {"verdict": "not comparable", "why": _short(tree)}
    if tree[0] in ("module", "plot", "rng"):
        return {"verdict": "skipped" if tree[0] == "module" else "left out", "why": _short(tree)}
    stability, reference = _stable(name, plain, seeded)
    if stability == "unstable":
        return {"verdict": "unstable"}
    if package is None:
        return {"verdict": stability}
    if name not in package["values"]:
        return {"verdict": "missing", "stability": stability}
    found = package["values"][name]
    steady = all(compare(reference, record["values"].get(name, ("",)), strict=True)[0] == EQUAL for record in plain)
    level, why = compare(reference, found, strict=steady and len(plain) > 1 and stability == "stable")
    return {"verdict": LEVELS[level], "why": why, "stability": stability, "kind": tree[0]}


def _stable(name: str, plain: list[Any], seeded: list[Any]) -> tuple[str, Tree]:
    """How stable a value is, and what the package must have. The package runs under seeds where there are such runs,
    so those come first: a random value can be the same twice by chance."""
    for records in (seeded, plain):
        trees = [record["values"].get(name) for record in records]
        if trees and _all_equal(trees):
            others = [record["values"].get(name) for record in plain]
            return "stable" if _all_equal([trees[0], *others]) else "stable under seeds", trees[0]
    return "unstable", None


def _all_equal(trees: list[Any]) -> bool:
    return all(tree is not None and compare(trees[0], tree)[0] == EQUAL for tree in trees)


def _judge_shown(job: dict[str, Any], plain: list[Any], seeded: list[Any], package: Any) -> list[dict[str, Any]]:
    """Shown values, by group of cells that share steps."""
    found: list[dict[str, Any]] = []
    for group in job["groups"]:
        cells, steps = set(group["shown_cells"]), set(group["steps"])
        lists = [_shown_in(record, cells) for record in (seeded or plain)]
        if not _same_lists(lists):
            lists = [_shown_in(record, cells) for record in plain]
        if not _same_lists(lists):
            found.append({"cells": sorted(cells), "verdict": "unstable"})
            continue
        if package is None or not cells:
            continue
        got = _shown_in(package, steps)
        verdict = "equal" if _same_lists([lists[0], got]) else "differs"
        if lists[0] or got:
            found.append({"cells": sorted(cells), "steps": sorted(steps), "verdict": verdict, "count": len(lists[0])})
    return found


def _judge_drawn(job: dict[str, Any], plain: list[Any], seeded: list[Any], package: Any) -> list[dict[str, Any]]:
    """Figures, by group of cells that share steps: each must be there on the other side; how often does not count."""
    found: list[dict[str, Any]] = []
    for group in job["groups"]:
        cells, steps = set(group["cells"]), set(group["steps"])
        lists = [_drawn_in(record, cells) for record in (seeded or plain)]
        got = _drawn_in(package, steps) if package else []
        if not lists[0] and not got:
            continue
        verdict = "unstable"
        if all(_same_figures(lists[0], other) for other in lists):
            verdict = "equal" if _same_figures(lists[0], got) else "differs"
        found.append({"cells": sorted(cells), "steps": sorted(steps), "verdict": verdict, "count": len(lists[0])})
    return found


def _drawn_in(record: Any, places: set[Any]) -> list[Tree]:
    return [tree for place, tree in record["shown"] if place in places and tree[0] == "figure" and tree[1]]


def _same_figures(left: list[Tree], right: list[Tree]) -> bool:
    return all(any(compare(a, b)[0] <= NEAR for b in right) for a in left) and all(
        any(compare(a, b)[0] <= NEAR for a in left) for b in right
    )


def _shown_in(record: Any, places: set[Any]) -> list[Tree]:
    """Shown values of some cells or steps. Figures are compared by themselves."""
    plots = ("figure", "axes", "plot")
    return [tree for place, tree in record["shown"] if place in places and tree[0] not in plots]


def _same_lists(lists: list[list[Tree]]) -> bool:
    first = lists[0]
    return all(
        len(other) == len(first) and all(compare(a, b)[0] <= NEAR for a, b in zip(first, other, strict=True))
        for other in lists[1:]
    )


def file_digests(folder: Path) -> dict[str, str]:
    """Relative path -> digest of what a file holds."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            found[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def launch(megabytes: int, command: list[str]) -> None:
    """Limits memory where the platform can, then becomes the command."""
    try:
        import resource

        limit = megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    except (ImportError, ValueError, OSError):
        pass
    os.execvp(command[0], command)


def main(arguments: list[str]) -> int:
    if arguments[0] == "launch":
        launch(int(arguments[1]), arguments[2:])
    job = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
    if arguments[0] == "candidate":
        return candidate(job)
    sys.stdout.write(json.dumps(compare_records(job)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
