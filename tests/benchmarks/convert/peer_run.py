"""Runs what another converter made, in the notebook's interpreter, and fingerprints the final values by name.

    peer_run.py KIND PLACE RECORD FINGERPRINT SEEDED [SITE]

KIND is "script", "ipython", "marimo", "tasks" or "stages"; SITE is where the tool's own packages lie, looked at last.
Stands alone on the standard library.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import json
import random
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> int:
    kind, place, record, fingerprint, seeded, *site = arguments
    sys.path[0] = ""
    sys.path.extend(site)
    sys.argv = [place]
    if seeded == "True":
        random.seed(0)
        importlib.import_module("numpy.random").seed(0)
    values: dict[str, Any] = {}
    error = ""
    try:
        values = RUNNERS[kind](Path(place))
    except BaseException as raised:
        error = f"{type(raised).__name__}: {str(raised)[:300]}"
    spec = importlib.util.spec_from_file_location("fingerprint", fingerprint)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    prints = {name: module.fingerprint(value) for name, value in values.items() if not name.startswith("_")}
    Path(record).write_text(json.dumps({"prints": prints, "error": error}))
    return 0


def script(place: Path) -> dict[str, Any]:
    return runpy.run_path(str(place), run_name="__main__")


def ipython(place: Path) -> dict[str, Any]:
    """A script that calls `get_ipython()`: there is one."""
    module: Any = importlib.import_module("IPython.terminal.interactiveshell")
    shell = module.TerminalInteractiveShell.instance()
    builtins.get_ipython = lambda: shell  # type: ignore[attr-defined]
    return script(place)


def marimo(place: Path) -> dict[str, Any]:
    _, defined = runpy.run_path(str(place), run_name="notebook")["app"].run()
    return dict(defined)


def tasks(place: Path) -> dict[str, Any]:
    """A pipeline of scripts: each with the products of the earlier ones in its hands, as the pipeline's runner has it."""
    sys.path.insert(1, str(place))
    products: dict[str, dict[str, str]] = {}
    values: dict[str, Any] = {}
    for source, product in pipeline(place / "pipeline.yaml"):
        name = Path(source).stem
        products[name] = product
        for path in product.values():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        text = (place / source).read_text()
        text = re.sub(r"^(upstream|product) = .*$", "", text, flags=re.M)
        space: dict[str, Any] = {"__name__": "__main__", "upstream": products, "product": product}
        exec(compile(text, source, "exec"), space)
        values.update({key: value for key, value in space.items() if key not in ("upstream", "product")})
    return values


def pipeline(file: Path) -> list[tuple[str, dict[str, str]]]:
    """(source, products) of each task, in the order of the file."""
    found: list[tuple[str, dict[str, str]]] = []
    for line in file.read_text().splitlines():
        if match := re.match(r"- source: (.+)$", line):
            found.append((match[1].strip(), {}))
        elif match := re.match(r"    ([\w-]+): (.+)$", line):
            found[-1][1][match[1]] = match[2].strip()
    return found


def stages(place: Path) -> dict[str, Any]:
    """A package with `pipeline.run()`: the last local variables of each stage, then what the pipeline gives back."""
    package = next(path.parent for path in sorted((place / "src").glob("*/pipeline.py")))
    sys.path.insert(1, str(place / "src"))
    values: dict[str, Any] = {}

    def watch(frame: Any, event: str, _: Any) -> None:
        code = frame.f_code
        if (
            event == "return"
            and code.co_filename.startswith(str(package))
            and code.co_name == Path(code.co_filename).stem
        ):
            values.update(frame.f_locals)

    run = importlib.import_module(f"{package.name}.pipeline").run
    sys.setprofile(watch)
    try:
        values.update(run())
    finally:
        sys.setprofile(None)
    return values


RUNNERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "script": script,
    "ipython": ipython,
    "marimo": marimo,
    "tasks": tasks,
    "stages": stages,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
