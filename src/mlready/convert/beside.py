"""Modules that lie beside a notebook and that it imports: they move into the project with it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlready.convert.model import Plan
from mlready.flow.ipython import parse, problem_of

MAX_FILES = 200
MAX_BYTES = 1_000_000


def local_modules(plan: Plan) -> dict[str, str]:
    """Path below `src` -> text, of every module beside the notebook that it needs, directly or not."""
    folder = plan.notebook.path.resolve().parent
    places = [place / sub for place in (folder, *folder.parents[:3]) for sub in ("", "src", "lib")]
    waiting = [line.root for line in plan.imports if line.local and line.root]
    found: dict[str, str] = {}
    seen: set[str] = set()
    while waiting:
        root = waiting.pop()
        if root in seen:
            continue
        seen.add(root)
        for path, text in _files(root, places):
            found[path] = text
            waiting += _roots(ast.walk(_tree(text)))
    return found


def outside_roots(modules: Mapping[str, str]) -> set[str]:
    """Import roots that modules which are taken along need as soon as they are imported, and that none of them provides."""
    own = {path.split("/", 1)[0].removesuffix(".py") for path in modules}
    return {root for text in modules.values() for root in _roots(_tree(text).body)} - own


def _files(root: str, places: Iterable[Path]) -> Iterable[tuple[str, str]]:
    """Of one import root: a file, or all Python files of a package."""
    for place in places:
        paths = [place / f"{root}.py"]
        if (place / root / "__init__.py").is_file():
            paths = sorted((place / root).rglob("*.py"))[:MAX_FILES]
        texts = [(path.relative_to(place).as_posix(), _text(path)) for path in paths]
        if any(text is not None for _, text in texts):
            return [(path, text) for path, text in texts if text is not None]
    return ()


def _text(path: Path) -> str | None:
    """The text of a module; None where this Python could not import it either."""
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() and path.stat().st_size <= MAX_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None
    return None if text is None or problem_of(text) else text


def _tree(text: str) -> ast.Module:
    try:
        return parse(text)
    except SyntaxError:
        return ast.Module([], [])


def _roots(nodes: Iterable[ast.AST]) -> list[str]:
    """Roots of the imports among nodes of a module; relative imports stay inside its package."""
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name.split(".", 1)[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module.split(".", 1)[0])
    return found
