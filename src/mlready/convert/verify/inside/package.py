"""Runs a package through its own entry point and records the last local variables of each step."""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.util
import io
import sys
import traceback
import types
import weakref
from pathlib import Path
from typing import Any

from mlready.convert.verify.inside.describe import Describer, Tree
from mlready.convert.verify.inside.record import RECORDER, extra_fingerprint, seed_everything, write_record


class Kept:
    """A local variable at the end of its step. What something watches by a weak reference is kept only where the step
    gives it back: keeping it otherwise would let it live longer than it does in the package."""

    def __init__(self, value: Any, is_returned: bool, fingerprint: Any) -> None:
        self.tree: Tree = None
        self.fingerprint: Any = None
        watched = not is_returned and not isinstance(value, type) and weakref.getweakrefcount(value) > 0
        if watched:
            self.tree = Describer()(value)
            self.fingerprint = fingerprint(value) if fingerprint is not None else None
        self.value = weakref.ref(value) if watched else (lambda: value)


class Locals:
    """Last value of each local variable of each step."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Kept]] = {}
        self.returned: dict[str, list[str]] = {}
        self.fingerprint: Any = None
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
        returned = self.returned.get(step, ())
        self.values[step] = {name: Kept(value, name in returned, self.fingerprint) for name, value in found.items()}
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
        prefix = "__import__('_mlready_watch').LOCALS"
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


class Finder(importlib.abc.MetaPathFinder):
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
    sys.modules["_mlready_watch"] = sys.modules[__name__]
    sys.path.insert(0, "")
    sys.argv = [job["package"]]
    steps = set(job["variables"].values()) - {"config"} | set(job["steps"])
    sys.meta_path.insert(0, Finder(Path(job["source"]), job["package"], steps))
    if job["seeded"]:
        seed_everything()
    LOCALS.outputs, LOCALS.returned = job.get("pure", {}), job.get("returned", {})
    LOCALS.fingerprint = extra_fingerprint(job.get("extra", ""))
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
    gone: dict[str, tuple[Tree, Any]] = {}
    for name, step in job["variables"].items():
        if step == "config" and config is not None:
            values[name] = getattr(config, name)
        elif name in LOCALS.values.get(step, {}):
            kept = LOCALS.values[step][name]
            values[name] = kept.value()
            if values[name] is None and kept.tree is not None:
                gone[name] = (kept.tree, kept.fingerprint)
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
