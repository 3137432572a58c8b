"""Tasks written in Python: sessions of a noxfile.py and invoke's tasks.py, read without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlready.facts.reading import Unreadable, clean
from mlready.facts.rows import Task
from mlready.facts.task_formats.common import task

_RUN = {"run": "", "run_always": "", "run_install": "", "install": "pip install", "conda_install": "conda install"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_nox(text: str) -> Iterator[Task]:
    """Functions decorated with `nox.session`."""
    for function, decorator in _decorated(text, "session"):
        name = _keyword_text(decorator, "name") or function.name
        yield task("nox", name, _commands(function), line=function.lineno, needs=_keyword_list(decorator, "requires"))


def read_invoke(text: str) -> Iterator[Task]:
    """Functions decorated with invoke's `task`; a tasks.py of another kind (Celery) has none."""
    if "invoke" not in text and "fabric" not in text:
        return
    for function, decorator in _decorated(text, "task"):
        names = decorator.args if isinstance(decorator, ast.Call) else []
        needs = [node.id for node in names if isinstance(node, ast.Name)] + _keyword_list(decorator, "pre")
        name = _keyword_text(decorator, "name") or function.name.replace("_", "-")
        yield task("invoke", name, _commands(function), line=function.lineno, needs=needs)


def _decorated(text: str, name: str) -> Iterator[tuple[Function, ast.expr]]:
    """Functions of the module with a decorator of that name, called or not."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError) as error:
        raise Unreadable(f"not valid Python: {clean(str(error), limit=200)}") from None
    for node in tree.body:
        if isinstance(node, Function):
            decorator = next((one for one in node.decorator_list if _last_name(one) == name), None)
            if decorator:
                yield node, decorator


def _last_name(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _commands(function: Function) -> Iterator[str]:
    """What the function's first parameter is told to run, as far as it is written out."""
    if not function.args.args:
        return
    session = function.args.args[0].arg
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        func = call.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == session:
            words = [_RUN[func.attr]] if func.attr in _RUN else []
            if words and (said := [word for argument in call.args for word in _words(argument)]):
                yield " ".join(filter(None, words + said))


def _words(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)]
    if isinstance(node, ast.Starred):
        return _words(node.value)
    if isinstance(node, ast.List | ast.Tuple):
        return [word for item in node.elts for word in _words(item)]
    return []


def _keyword_text(decorator: ast.expr, name: str) -> str:
    return "".join(_keyword_list(decorator, name))


def _keyword_list(decorator: ast.expr, name: str) -> list[str]:
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    values = [keyword.value for keyword in keywords if keyword.arg == name]
    nodes = [item for value in values for item in (value.elts if isinstance(value, ast.List | ast.Tuple) else [value])]
    found = [node.id if isinstance(node, ast.Name) else getattr(node, "value", None) for node in nodes]
    return [text for text in found if isinstance(text, str)]
