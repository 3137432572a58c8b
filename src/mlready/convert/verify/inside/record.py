"""What a run leaves behind: values shown, by cell or step, and final variables. In a kernel: `install`, `at_cell`, `dump`."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import sys
from pathlib import Path
from typing import Any

from mlready.convert.verify.inside.describe import Describer, Tree
from mlready.convert.verify.inside.trees import EQUAL, compare


class Recorder:
    """What happens in one run, in order: values shown, by cell or step."""

    def __init__(self) -> None:
        self.place: Any = None
        self.shown: list[tuple[Any, Tree]] = []
        self.open: dict[int, Tree] = {}
        """Figures that the backend keeps between cells, as they were last seen, by number."""

    def show(self, *values: Any, **_: Any) -> None:
        for value in values:
            if value is not None:
                self.shown.append((self.place, Describer()(value)))

    def figures_left_open(self) -> None:
        """Figures that a cell made or changed and left open: only the inline backend shows and closes them itself."""
        helpers = sys.modules.get("matplotlib._pylab_helpers")
        for manager in helpers.Gcf.get_all_fig_managers() if helpers is not None else ():
            tree = Describer()(manager.canvas.figure)
            known = self.open.get(manager.num)
            if known is None or compare(known, tree)[0] != EQUAL:
                self.shown.append((self.place, tree))
            self.open[manager.num] = tree


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
    RECORDER.figures_left_open()
    RECORDER.place = number


def dump(path: str, namespace: dict[str, Any], extra: str = "") -> None:
    """At the end of a notebook: every final variable, and what was shown."""
    RECORDER.figures_left_open()
    hidden = {"In", "Out", "exit", "quit", "get_ipython", "display", "open"}
    values = {name: value for name, value in namespace.items() if not name.startswith("_") and name not in hidden}
    write_record(path, values, extra=extra)


def write_record(
    path: str, values: dict[str, Any], *, extra: str = "", gone: dict[str, tuple[Tree, Any]] | None = None, **more: Any
) -> None:
    """`gone` holds the trees and fingerprints of values that no longer exist."""
    described: dict[str, Tree] = {}
    prints: dict[str, Any] = {}
    fingerprint = extra_fingerprint(extra)
    for name, value in values.items():
        described[name] = Describer()(value)
        if fingerprint is not None:
            prints[name] = fingerprint(value)
    for name, (tree, print_) in (gone or {}).items():
        described[name] = tree
        prints[name] = print_
    versions = {
        name: getattr(sys.modules.get(name), "__version__", "") for name in list(sys.modules) if "." not in name
    }
    record = {
        "values": described,
        "shown": RECORDER.shown,
        "extra": prints,
        "versions": _plain_versions(versions),
        "error": None,
        "texts": [],
        "examples": {},
        "results": {},
        **more,
    }
    with Path(path).open("wb") as file:
        pickle.dump(record, file)


def _plain_versions(versions: dict[str, Any]) -> dict[str, str]:
    return {name: str(version) for name, version in versions.items() if isinstance(version, str) and version}


def extra_fingerprint(path: str) -> Any:
    if not path:
        return None
    spec = importlib.util.spec_from_file_location("_extra_fingerprint", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.fingerprint
