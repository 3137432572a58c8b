"""Where a project starts to run: scripts, console scripts, commands, services, DAGs and notebooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlready.project.commands import Command
    from mlready.project.graph import Node
    from mlready.project.project import Project, ProjectFile

MAIN = "<main>"
"""Name of the scope under `if __name__ == "__main__"`: it runs when the file is started, not when it is imported."""

_APP_SERVERS = {"uvicorn", "gunicorn", "hypercorn", "granian", "bentoml", "celery", "faust", "waitress-serve"}
_FILE_RUNNERS = {"streamlit", "papermill", "chainlit", "fastapi", "gradio", "panel", "voila", "flask", "ray", "locust"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A place where a run can begin, and who begins it."""

    kind: str
    """script, console-script, command, service, dag, notebook."""
    path: str
    nodes: tuple[Node, ...]
    reason: str
    origin: str = ""
    """For commands: ci, container, pipeline, task, infra."""


def find_entries(project: Project) -> tuple[Entry, ...]:
    """All entry points; the same file may be entered in several ways."""
    found = [*_scripts(project), *_console(project), *_commanded(project), *_framework(project), *_notebooks(project)]
    return tuple(sorted(set(found), key=lambda e: (e.path, e.kind, e.reason, e.nodes)))


def start_nodes(file: ProjectFile) -> tuple[Node, ...]:
    """What runs when a file is started: its top level, and what stands under its main guard."""
    assert file.python is not None
    mains = [i for i, scope in enumerate(file.python.scopes) if scope.name == MAIN]
    return ((file.path, 0), *((file.path, i) for i in mains))


_CONFIGURES = re.compile(r"(^|/)(configs?|configurations?|settings|hparams)/[^/]+$", re.IGNORECASE)
"""Modules that a script loads by a name that it is given: nobody starts them."""


def _scripts(project: Project) -> Iterator[Entry]:
    imported = {target for f, targets in project.graph.imports.items() for target in targets if f != target}
    for file in project.code_files:
        assert file.python is not None
        if file.python.main_guard:
            # `tf.app.run()` and the like call main() without naming it.
            mains = ((file.path, i) for i, scope in enumerate(file.python.scopes) if scope.name == "main")
            nodes = (*start_nodes(file), *mains, *_commands(project, file))
            yield Entry("script", file.path, nodes, "has a main guard")
        elif file.path not in imported and file.name != "__init__.py" and not _CONFIGURES.search(file.path):
            runs = file.python.scopes[0].statements and any(
                call.scope == 0 and "decorator" not in call.context for call in file.python.calls
            )
            if runs:
                yield Entry("script", file.path, start_nodes(file), "runs on its own and nothing imports it")


def _console(project: Project) -> Iterator[Entry]:
    for _, manifest in project.manifests:
        for name, target in manifest.scripts:
            module, _, function = target.partition(":")
            path = project.module_index.find(module.strip(), importer="")
            file = project.by_path.get(path or "")
            if file is None or file.python is None:
                continue
            names = {scope.name: i for i, scope in enumerate(file.python.scopes)}
            number = names.get(function.split("[")[0].strip())
            nodes = ((file.path, 0), *(((file.path, number),) if number else ()), *_commands(project, file))
            yield Entry("console-script", file.path, nodes, f"console script {name}")


def _commands(project: Project, file: ProjectFile) -> Iterator[Node]:
    """Functions that decorators make commands of the file's command line (`@app.command()` of Typer, click and others)."""
    for number, scope in enumerate(file.python.scopes if file.python else ()):
        meanings = (project.vocabulary.meaning(getattr(value, "text", "")) for value in scope.decorators)
        if any(meaning is not None and "parse-args" in meaning.activities for meaning in meanings):
            yield (file.path, number)


def _commanded(project: Project) -> Iterator[Entry]:
    for command in project.commands:
        if command.origin in ("document", "hook"):
            continue
        for path in started_files(project, command):
            file = project.by_path[path]
            kind = "notebook" if file.facts.notebook is not None else "command"
            if file.python is not None and file.role not in ("test", "vendored"):
                where = f"{command.origin} runs it ({command.where})"
                yield Entry(kind, path, _all_or_start(file, command), where, command.origin)


def _all_or_start(file: ProjectFile, command: Command) -> tuple[Node, ...]:
    """An application server calls into the module: every scope may run."""
    assert file.python is not None
    if command.words and command.words[0].rsplit("/", 1)[-1] in _APP_SERVERS:
        return tuple((file.path, i) for i, scope in enumerate(file.python.scopes) if scope.name != MAIN)
    return start_nodes(file)


def started_files(project: Project, command: Command) -> Iterator[str]:
    """Files of the project that a command starts: `python train.py`, `-m pkg.train`, `uvicorn app.main:app`."""
    words = command.words
    if not words:
        return
    tool = words[0].rsplit("/", 1)[-1]
    if tool in _APP_SERVERS:
        yield from _modules(
            project, [w.split(":")[0] for w in words[1:] if ":" in w and not w.startswith("-")], command
        )
        return
    for word in words:
        if word.endswith((".py", ".ipynb")):
            path = _file_of(project, word, command)
            if path:
                yield path
                if tool not in _FILE_RUNNERS:
                    return
    if (tool not in _FILE_RUNNERS and "." not in tool.rstrip(".")) or "/" not in tool:
        yield from _modules(project, [tool], command)


def _modules(project: Project, names: list[str], command: Command) -> Iterator[str]:
    for name in names:
        module = name.replace("/", ".").removesuffix(".py").strip(".")
        for candidate in (f"{module}.__main__", module):
            path = project.module_index.find(candidate, importer=command.where.path)
            file = project.by_path.get(path or "")
            if file is not None and file.role in ("source", "script") and (
                candidate.endswith("__main__") or "." in module or (file.python and file.python.main_guard)
                or command.words[0].rsplit("/", 1)[-1] in _APP_SERVERS
            ):  # fmt: skip
                yield file.path
                break


def _file_of(project: Project, word: str, command: Command) -> str | None:
    """The file that a path in a command means: from the root, or from the folder of the file that runs it."""
    wanted = word.lstrip("./") if not word.startswith("../") else word
    for folder in project.parent_folders(command.where.path):
        path = f"{folder}/{wanted}" if folder else wanted
        if path in project.by_path:
            return path
    ends = [path for path in project.by_path if path.endswith("/" + wanted)]
    return ends[0] if len(ends) == 1 else None


def _framework(project: Project) -> Iterator[Entry]:
    """Modules that a server or an orchestrator starts: endpoints, services, DAGs, flows."""
    for file in project.code_files:
        assert file.python is not None
        meant = {activity for call in file.python.calls for activity in call.activities}
        if meant & {"endpoint", "serve"}:
            yield Entry("service", file.path, _every_scope(file), "defines a service")
        elif is_hosted(file):
            yield Entry("service", file.path, _every_scope(file), "has the functions that a platform calls")
        if meant & {"orchestrate", "schedule"}:
            yield Entry("dag", file.path, _every_scope(file), "defines a pipeline or schedule")
        elif steps := tuple((file.path, number) for number in _steps(project, file)):
            yield Entry("dag", file.path, steps, "holds steps of a pipeline")


_ARTIFACT = re.compile(r"^kfp\.(\w+\.)*(Input|Output)(Path)?\b")
"""The type of a parameter that Kubeflow Pipelines or Vertex AI hands an artifact to."""


def _steps(project: Project, file: ProjectFile) -> Iterator[int]:
    """Functions that an orchestrator runs one by one: told by a decorator, or by artifacts among their parameters."""
    for number, scope in enumerate(file.python.scopes if file.python else ()):
        meanings = (project.vocabulary.meaning(getattr(value, "text", "")) for value in scope.decorators)
        told = any(meaning is not None and "pipeline-step" in meaning.activities for meaning in meanings)
        if told or any(_ARTIFACT.match(param.annotation) for param in scope.params):
            yield number


_CALLED_BY_PLATFORM = ("init", "run", "model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")


def is_hosted(file: ProjectFile) -> bool:
    """Whether a module is what an endpoint of Azure ML or SageMaker is given: a model, and functions called by their names."""
    assert file.python is not None
    takes = {scope.name: len(scope.params) for scope in file.python.scopes if scope.kind == "function"}
    azure = takes.get("init") == 0 and takes.get("run") == 1
    hosted = azure or {"model_fn", "predict_fn"} <= set(takes)
    called = any(call.name in takes and call.name in ("init", "run") for call in file.python.calls)
    return hosted and not called and any("load-model" in call.activities for call in file.python.calls)


def _every_scope(file: ProjectFile) -> tuple[Node, ...]:
    assert file.python is not None
    return tuple((file.path, i) for i in range(len(file.python.scopes)))


def _notebooks(project: Project) -> Iterator[Entry]:
    for file in project.notebooks:
        if file.python is not None:
            yield Entry("notebook", file.path, ((file.path, 0),), "is a notebook outside docs and examples")


def serving_starts(project: Project) -> Iterator[Node]:
    """The scopes that answer requests: handlers where decorators tell them, else all of the module that serves."""
    described = tuple(operations(project))
    for file in project.code_files:
        assert file.python is not None
        if not is_hosted(file) and not any({"endpoint", "serve"} & set(call.activities) for call in file.python.calls):
            continue
        handlers = [i for i, scope in enumerate(file.python.scopes) if is_handler(project, scope.decorators)]
        handlers = handlers or [number for path, number in described if path == file.path]
        yield (file.path, 0)
        yield from ((file.path, number) for number in handlers or _answering(file))
    yield from described


def _answering(file: ProjectFile) -> list[int]:
    """The scopes that may answer in a module of which no decorator tells.

    All of them where the module serves; a program that serves in one of its functions (a viewer beside its commands)
    answers there, and a module that a platform is given, by the names that the platform calls.
    """
    assert file.python is not None
    scopes = file.python.scopes
    if is_hosted(file):
        return [i for i, scope in enumerate(scopes) if scope.name in _CALLED_BY_PLATFORM]
    serving = {call.scope for call in file.python.calls if {"endpoint", "serve"} & set(call.activities)}
    inside = {number for number in serving if scopes[number].kind == "function" and scopes[number].name != MAIN}
    if inside == serving:
        return sorted(inside)
    return [i for i, scope in enumerate(scopes) if scope.name != MAIN]


def operations(project: Project) -> Iterator[Node]:
    """Functions that an OpenAPI file names as what answers (`operationId: api.controller.predict`)."""
    for file in project.files:
        for row in file.facts.settings:
            if not row.key.endswith(".operationId") or not isinstance(row.value, str) or "." not in row.value:
                continue
            module, _, function = row.value.rpartition(".")
            path = project.module_index.find(module, importer=file.path)
            found = project.by_path.get(path or "")
            for number, scope in enumerate(found.python.scopes if found and found.python else ()):
                if found is not None and scope.name == function:
                    yield (found.path, number)


def is_handler(project: Project, decorators: tuple[object, ...]) -> bool:
    """Whether decorators make a function answer requests."""
    for decorator in decorators:
        meaning = project.vocabulary.meaning(getattr(decorator, "text", ""))
        if meaning and {"endpoint", "serve"} & set(meaning.activities):
            return True
    return False
