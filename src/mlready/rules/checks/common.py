"""What several checks ask: arguments of calls, paths that are read and written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Call, Resource, Value
from mlready.findings import Location, Verdict, missing, unknown
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use


def argument(call: Call, *names: str) -> Value | None:
    """The first argument that goes by one of these keywords or positions ("0")."""
    return next((arg.value for name in names for arg in call.args if arg.name == name), None)


def constant(call: Call, *names: str) -> object:
    """The constant that is passed for an argument; None where it is no constant."""
    value = argument(call, *names)
    return value.scalar if value is not None and value.kind == "const" else None


def spreads_keywords(call: Call) -> bool:
    """Whether `**options` may hold what is not written out."""
    return any(arg.name == "**" for arg in call.args)


_BUILD_FOLDERS = re.compile(
    r"(^|/)((settings|configs?|setup)/)?\.?(docker(files?)?|containers?|devcontainer|deploy(ment)?|build|envs?|environments?|conda|infra|ops|ci|images?)(/[^/]*)?$",
    re.IGNORECASE,
)
"""Folders that hold what builds an environment for the folder above them."""


def built_above(folder: str) -> str:
    """The folder that what stands in this one builds an environment for: "docker/train" is for the root."""
    return _BUILD_FOLDERS.sub("", folder)


_INSERT = re.compile(r"\binsert\s+into\b", re.IGNORECASE)


def inserted_rows(project: Project) -> Iterator[tuple[Location, str]]:
    """The SQL that adds rows where requests are answered, with its place."""
    for file in project.code_files:
        for text in file.python.texts if file.python else ():
            if (
                text.kind == "sql"
                and _INSERT.search(text.value)
                and project.reaches((file.path, text.scope), "serving")
            ):
                yield file.at(text.line), text.value


NO_TRAINING = "no step that trains is seen in the code"


def nothing_trains(project: Project) -> bool:
    """Whether no call trains or fits anything, and nobody states that it does: the model is made elsewhere, or not told."""
    return not project.stated_kind and not project.has(*TRAIN_ACTIVITIES, "fit")


def missing_in_code(project: Project, message: str) -> Verdict:
    """Missing, unless much of the code in which it may stand could not be read."""
    return unknown(project.unread_code) if project.unread_code else missing(message)


def checkpoints_kept(project: Project) -> Iterator[tuple[str, Location]]:
    """What writes checkpoints while it trains: a callback, a session, an estimator, called in code or named in a configuration."""
    for use in project.uses("checkpoint"):
        yield use.call.name, use.where
    for file in project.files:
        for row in file.facts.settings:
            if isinstance(row.value, str) and row.value.endswith("ModelCheckpoint"):
                yield row.value, file.at(row.line)


def nothing_judged(project: Project) -> bool:
    """Whether there is no training and no evaluation either: no model whose quality could be told."""
    return nothing_trains(project) and not project.has("evaluate")


def strings(value: Value | None, *, depth: int = 6) -> Iterator[str]:
    """The string constants inside a value: of a path built by `Path("data") / "x.csv"`, an f-string, a join."""
    if value is None or depth == 0:
        return
    if value.kind == "const" and isinstance(value.scalar, str):
        yield value.scalar
    elif value.kind == "fstring":
        yield value.text
    for item in value.items:
        yield from strings(item, depth=depth - 1)


def literal_path(call: Call) -> str:
    """The path that a reading or writing call is given, as far as it is literal; "" otherwise."""
    for name in ("0", "path", "filepath_or_buffer", "path_or_buf", "fname", "file", "filename", "1", "f"):
        value = argument(call, name)
        if value is None or value.kind not in ("const", "fstring"):
            continue
        text = value.scalar if value.kind == "const" else value.text
        if isinstance(text, str) and text and ("/" in text or "." in text or "\\" in text):
            return text.removeprefix("./")
    return ""


def holds_data(use: Use) -> bool:
    """Whether what a call gives a version can be data: an artifact of W&B says by its type that it is a model, or code."""
    return use.call.name != "wandb.Artifact" or "data" in str(constant(use.call, "type", "1") or "")


def drift_monitors(project: Project) -> list[tuple[ProjectFile, Resource]]:
    """Monitors of a platform that compare what comes in, or what is answered, with a reference."""
    return [
        (file, row)
        for file, row in project.resources
        if "monitor" in row.kind.lower() and "drift" in f"{row.kind} {row.name}".lower()
    ]


def step_texts(file: ProjectFile, *, whole: bool = False) -> Iterator[str]:
    """Texts that calls are given which make a pipeline or its steps, or those of the whole file."""
    for call in file.python.calls if file.python else ():
        if whole or {"orchestrate", "pipeline-step"} & set(call.activities):
            yield from (text for arg in call.args for text in strings(arg.value))


def is_remote(path: str) -> bool:
    """Whether a path names something that is not in the tree: a URL, a bucket."""
    return "://" in path


def written_paths(project: Project) -> Iterator[tuple[Use, str]]:
    """Calls of code and notebooks that write data or models, with the literal path that they write to."""
    for use in project.uses("write-data", "save-model", "log-artifact"):
        path = literal_path(use.call)
        if path and not is_remote(path):
            yield use, path


def functions(file: ProjectFile) -> Iterator[tuple[int, str]]:
    """(index, qualified name) of the functions of a file, the main guard left out."""
    for number, scope in enumerate(file.python.scopes if file.python else ()):
        if scope.kind == "function" and not scope.name.endswith(">"):
            yield number, scope.name


_METRIC_KEY = re.compile(
    r"metric|score|accuracy|(^|_)(f1|auc|rmse|mae|mse|r2|precision|recall|loss)($|_)", re.IGNORECASE
)
_DUMPS = frozenset(
    (
        "json.dump",
        "json.dumps",
        "yaml.dump",
        "yaml.safe_dump",
        "pandas.DataFrame.to_csv",
        "pandas.DataFrame.to_json",
        "pandas.DataFrame.to_parquet",
        "pandas.DataFrame.to_excel",
    )
)


_METRICS_NAME = re.compile(r"(^|_)(metrics|scores|(metrics?|scores?)_(df|table|frame|rows))$")


def written_metrics(project: Project) -> Iterator[Use]:
    """Calls that training or evaluation reaches and that write a mapping with metrics among its keys, whatever the path."""
    for file in project.code_files:
        assert file.python is not None
        for call in file.python.calls:
            if call.name not in _DUMPS or call.parent == "print" or not project.reaches((file.path, call.scope), "any"):
                continue
            value = argument(call, "0", "obj", "data")
            name = value.text if value is not None and value.kind == "name" else call.receiver
            written = value is not None and _names_metric(value)
            built = any(
                row.name in (name, _frame_of(file, name)) and _names_metric(row.value) for row in file.python.assigns
            )
            built = built or any(name in made.targets and _takes_metrics(made) for made in file.calls)
            if written or (name and built) or _METRICS_NAME.search(name):
                yield Use(file, call)


def _takes_metrics(call: Call) -> bool:
    """`build_metadata(name, metrics)`: what it gives back holds them."""
    return any(
        re.search(r"(^|[_.])(metrics|scores)$", word) for arg in call.args for word in (arg.name, arg.value.text)
    )


def _frame_of(file: ProjectFile, name: str) -> str:
    """The mapping that a table is made of: `rows = {...}; table = pandas.DataFrame(rows)`."""
    made = (call for call in file.calls if call.name == "pandas.DataFrame" and name and name in call.targets)
    given = next((argument(call, "0", "data") for call in made), None)
    return given.text if given is not None and given.kind == "name" else ""


def _names_metric(value: Value) -> bool:
    return value.kind == "dict" and any(_METRIC_KEY.search(text) for item in value.items for text in strings(item))
