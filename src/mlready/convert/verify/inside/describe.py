"""Values as trees of plain tuples and arrays, that can be compared without the classes they came from."""

from __future__ import annotations

import hashlib
import importlib
import io
import re
import sys
import types
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
        lines = [self(_points(line), depth + 1) for line in ax.lines]
        texts = (ax.get_title(), ax.get_xlabel(), ax.get_ylabel())
        shapes = [self(_place(patch), depth + 1) for patch in ax.patches]
        shapes += [self(part, depth + 1) for found in ax.collections for part in (_offsets(found), found.get_array())]
        shapes += [self(image.get_array(), depth + 1) for image in ax.images]
        legend = ax.get_legend()
        words = [text.get_text() for text in (*ax.texts, *(legend.get_texts() if legend is not None else ()))]
        drawing_sets_limits = ax.get_aspect() != "auto" and ax.get_adjustable() == "datalim"
        limits = [] if drawing_sets_limits else [*ax.get_xlim(), *ax.get_ylim()]
        shapes += [self(part, depth + 1) for part in (words, limits)]
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
        return ("object", name, sorted((key, self(item, depth + 1)) for key, item in state.items() if is_steady(key)))


def _points(line: Any) -> Any:
    """Drawing projects what stands in space: its own data are told."""
    return line.get_data_3d() if hasattr(line, "get_data_3d") else line.get_xydata()


def _offsets(collection: Any) -> Any:
    in_space = getattr(collection, "_offsets3d", None)
    return collection.get_offsets() if in_space is None else in_space


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


def is_steady(key: Any) -> bool:
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
