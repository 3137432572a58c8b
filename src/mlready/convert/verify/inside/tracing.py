"""Runs inside the notebook's kernel: which variables share objects after each cell, and which of them a cell changed.

Used only where a package differs from its notebook:
`start` before the first cell, `after` behind each, `write` at the end.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import pickle
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from mlready.convert.verify.inside.describe import Describer

MAX_OBJECTS = 20_000
"""Objects followed from one variable."""
MAX_CODE = 50
"""Functions inside functions followed for the names that they read."""

ATOMS = (int, float, complex, str, bytes, bool, type(None), types.CodeType, types.BuiltinFunctionType, range)
SHARED_BY_ALL = frozenset({"RandomState", "Generator", "MT19937", "PCG64", "dtype", "FrameType", "ABCMeta", "lock"})
"""Kinds of objects that variables have in common without being one unit: random generators keep their order anyway."""


class Reach:
    """The objects that one value is, holds or watches, and the variables that functions among them read."""

    def __init__(self, value: Any) -> None:
        self.held: set[int] = set()
        self.watched: set[int] = set()
        self.names: set[str] = set()
        self.keep: list[Any] = []
        waiting = [(value, False)]
        while waiting and len(self.keep) < MAX_OBJECTS:
            found, weak = waiting.pop()
            if isinstance(found, ATOMS) or type(found).__name__ in SHARED_BY_ALL:
                continue
            if id(found) in self.held or ((weak or isinstance(found, type)) and id(found) in self.watched):
                continue
            (self.watched if weak or isinstance(found, type) else self.held).add(id(found))
            self.keep.append(found)
            self.names |= code_names(found)
            waiting += [(part, weak) for part in parts(found)]
            waiting += [(part, True) for part in targets(found)]


def parts(value: Any) -> Iterable[Any]:
    """What an object holds. Of functions without their module, of generators what they were made with."""
    if isinstance(value, types.ModuleType):
        return [v for k, v in vars(value).items() if not k.startswith("__")] if is_local(value) else []
    if isinstance(value, type):
        return list(vars(value).values()) if is_local(sys.modules.get(value.__module__)) else []
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or () if _is_full(cell)]
        return [*cells, *(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values(), *vars(value).values()]
    if isinstance(value, types.GeneratorType):
        return list(value.gi_frame.f_locals.values()) if value.gi_frame is not None else []
    if isinstance(value, weakref.ref | types.FrameType):
        return []
    base = getattr(value, "base", None) if type(value).__module__ == "numpy" else None
    return [*gc.get_referents(value), *([] if base is None else [base])]


def targets(value: Any) -> Iterable[Any]:
    """What a weak reference points to."""
    if isinstance(value, weakref.ref):
        found = value()
        return () if found is None else (found,)
    return ()


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def is_local(module: types.ModuleType | None) -> bool:
    """True for the notebook itself and a module beside it: what is stored in it is state of the notebook."""
    file = getattr(module, "__file__", None)
    if getattr(module, "__name__", "") == "__main__":
        return True
    return bool(file) and str(Path(str(file)).resolve()).startswith(str(Path.cwd()) + os.sep)


def code_names(value: Any) -> set[str]:
    """Global names that a function, or a generator that has not ended, reads when it goes on."""
    code = getattr(value, "__code__", None) or getattr(value, "gi_code", None)
    waiting, found = ([code] if isinstance(code, types.CodeType) else []), set()
    for _ in range(MAX_CODE):
        if not waiting:
            break
        code = waiting.pop()
        found |= set(code.co_names)
        waiting += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return found


def relations(name: str, reach: dict[str, Reach]) -> Iterator[tuple[str, str]]:
    """(other variable, how) for each that shares an object with `name`, or that its functions read."""
    mine = reach[name]
    for other, theirs in reach.items():
        if other == name:
            continue
        if mine.held & theirs.held:
            yield other, "shares"
        elif mine.watched & theirs.held or theirs.watched & mine.held:
            yield other, "watches"
        if other in mine.names:
            yield other, "reads"


class Tracer:
    """What is told of the variables in question after each cell."""

    def __init__(self, names: list[str], describe: Callable[[Any], Any]) -> None:
        self.names, self.describe = names, describe
        self.steps: list[dict[str, Any]] = []

    def after(self, cell: int, namespace: dict[str, Any]) -> None:
        values = {n: v for n, v in namespace.items() if n in self.names or _is_variable(n, v)}
        reach = {name: Reach(value) for name, value in values.items()}
        asked = [name for name in self.names if name in values]
        self.steps.append(
            {
                "cell": cell,
                "identities": {name: id(value) for name, value in values.items()},
                "digests": {name: self.digest(values[name]) for name in asked},
                "relations": [[name, other, how] for name in asked for other, how in relations(name, reach)],
            }
        )

    def digest(self, value: Any) -> str:
        return hashlib.sha256(pickle.dumps(self.describe(value))).hexdigest()


def _is_variable(name: str, value: Any) -> bool:
    return not name.startswith("_") and name not in HIDDEN and not isinstance(value, types.ModuleType | type)


HIDDEN = frozenset({"In", "Out", "exit", "quit", "get_ipython", "display", "open"})
TRACER: Tracer | None = None


def start(names: list[str]) -> None:
    """Before the first cell."""
    global TRACER
    TRACER = Tracer(names, lambda value: Describer()(value))


def after(cell: int, namespace: dict[str, Any]) -> None:
    """Behind each cell."""
    if TRACER is not None and cell:
        TRACER.after(cell, namespace)


def write(path: str) -> None:
    """At the end."""
    if TRACER is not None:
        Path(path).write_text(json.dumps(TRACER.steps), encoding="utf-8")
