"""Tasks in tables: tox.ini, pyproject.toml (hatch, poe, pdm, pixi, taskipy, rye, tox), package.json, Taskfile.yml."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from typing import Any

from mlready.facts.reading import Unreadable, clean, items, load_json, load_toml, table, text_of, texts
from mlready.facts.rows import Task
from mlready.facts.task_formats.common import task
from mlready.facts.toml_lines import TomlLines
from mlready.facts.yaml_nodes import line_of, load_yaml

_TESTENV = re.compile(r"testenv(?::(.+))?\Z")
_COMMANDS = ("commands_pre", "commands", "commands_post")
_COMMAND_KEYS = ("cmd", "shell", "script", "call", "expr")
_NEED_KEYS = ("deps", "uses", "depends-on", "depends_on", "composite", "chain")
_MAX_DEPTH = 10


# --------------------------------------------------------------------------------------------------------------- tox


def read_tox(text: str) -> Iterator[Task]:
    """`[testenv]` sections of tox.ini or setup.cfg; commands over several lines are joined as tox does."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except (configparser.Error, ValueError, AttributeError) as error:
        raise Unreadable(f"not a valid INI file: {clean(str(error).partition(chr(10))[0], limit=200)}") from None
    lines = {line.strip(): number for number, line in enumerate(text.splitlines(), start=1)}
    for section in parser.sections():
        if found := _TESTENV.match(section):
            commands = [line for key in _COMMANDS for line in _ini_commands(parser.get(section, key, fallback=""))]
            needs = re.split(r"[\s,]+", parser.get(section, "depends", fallback="") or "")
            name = found[1] or "testenv"
            yield task("tox", name, commands, line=lines.get(f"[{section}]", 0), needs=filter(None, needs))


def _ini_commands(value: str | None) -> list[str]:
    joined = re.sub(r"[ \t]*\\[ \t]*\n[ \t]*", " ", value or "")
    return [line.strip().removeprefix("- ") for line in joined.splitlines() if not line.strip().startswith("#")]


def read_tox_toml(text: str) -> Iterator[Task]:
    root, lines = load_toml(text), TomlLines(text)
    yield from _tox_tables(root, "", lines)


def _tox_tables(root: dict[str, Any], prefix: str, lines: TomlLines) -> Iterator[Task]:
    """tox 4's own TOML: `env_run_base` and `env.NAME`, each command a list of words."""
    envs = {"testenv": (root.get("env_run_base"), f"{prefix}env_run_base")}
    envs |= {name: (env, f"{prefix}env.{name}") for name, env in table(root.get("env")).items()}
    for name, (env, key) in envs.items():
        if isinstance(env, dict):
            commands = [_sentence(command) for kind in _COMMANDS for command in items(env.get(kind))]
            yield task("tox", name, commands, line=lines.of(key), needs=texts(env.get("depends")))


def _sentence(command: object) -> str:
    return " ".join(texts(command))


# --------------------------------------------------------------------------------------------------------- pyproject


def read_pyproject(text: str) -> Iterator[Task]:
    root, lines = load_toml(text), TomlLines(text)
    tool = table(root.get("tool"))
    yield from _hatch(table(table(tool.get("hatch")).get("envs")), "tool.hatch.envs", lines)
    for name, key in (("poe", "tasks"), ("pdm", "scripts"), ("taskipy", "tasks"), ("rye", "scripts")):
        yield from _runner(name, table(table(tool.get(name)).get(key)), f"tool.{name}.{key}", lines)
    yield from _pixi(table(tool.get("pixi")), "tool.pixi.", lines)
    tox = table(tool.get("tox"))
    yield from _tox_tables(tox, "tool.tox.", lines)
    if legacy := tox.get("legacy_tox_ini"):
        yield from _at(lines.of("tool.tox.legacy_tox_ini"), read_tox(str(legacy)))


def _at(offset: int, tasks: Iterator[Task]) -> Iterator[Task]:
    from msgspec.structs import replace

    return (replace(one, line=one.line + offset - 1) for one in tasks)


def read_hatch(text: str) -> Iterator[Task]:
    yield from _hatch(table(load_toml(text).get("envs")), "envs", TomlLines(text))


def read_pixi(text: str) -> Iterator[Task]:
    yield from _pixi(load_toml(text), "", TomlLines(text))


def read_pdm(text: str) -> Iterator[Task]:
    yield from _runner("pdm", table(load_toml(text).get("scripts")), "scripts", TomlLines(text))


def read_poe(text: str) -> Iterator[Task]:
    yield from _runner("poe", table(load_toml(text).get("tasks")), "tasks", TomlLines(text))


def read_pipfile(text: str) -> Iterator[Task]:
    yield from _runner("pipenv", table(load_toml(text).get("scripts")), "scripts", TomlLines(text))


def _hatch(envs: dict[str, Any], prefix: str, lines: TomlLines) -> Iterator[Task]:
    """Scripts of hatch environments, named as `hatch run` takes them: "test", "docs:build"."""
    for env, details in envs.items():
        for name, value in table(table(details).get("scripts")).items():
            full = name if env == "default" else f"{env}:{name}"
            yield task("hatch", full, texts(value), line=lines.of(f"{prefix}.{env}.scripts.{name}"))


def _pixi(root: dict[str, Any], prefix: str, lines: TomlLines) -> Iterator[Task]:
    yield from _runner("pixi", table(root.get("tasks")), f"{prefix}tasks", lines)
    for name, feature in table(root.get("feature")).items():
        yield from _runner("pixi", table(table(feature).get("tasks")), f"{prefix}feature.{name}.tasks", lines)


def _runner(tool: str, declared: dict[str, Any], prefix: str, lines: TomlLines) -> Iterator[Task]:
    for name, value in declared.items():
        # Keys of pdm that start with an underscore are options of all scripts.
        if not name.startswith("_"):
            commands, needs = _meaning(value, tool, depth=0)
            yield task(tool, name, commands, line=lines.of(f"{prefix}.{name}"), needs=needs)


def _meaning(value: object, tool: str, *, depth: int) -> tuple[list[str], list[str]]:
    """Commands of a task and the tasks that it asks for, from any of the shapes that the runners take."""
    if isinstance(value, str) or depth > _MAX_DEPTH:
        return texts(value), []
    if isinstance(value, list):
        # A list is a sequence of task names in poe, and one command of words elsewhere.
        return _sequence(value, tool, depth=depth) if tool == "poe" else ([_sentence(value)], [])
    details = table(value)
    commands = [_sentence(details[key]) for key in _COMMAND_KEYS if key in details]
    needs = [name for key in _NEED_KEYS for name in _names(details.get(key))] + texts(details.get("ref"))
    for key in ("sequence", "parallel"):
        more, asked = _sequence(items(details.get(key)), tool, depth=depth)
        commands, needs = commands + more, needs + asked
    return commands, needs


def _sequence(steps: list[Any], tool: str, *, depth: int) -> tuple[list[str], list[str]]:
    commands, needs = list[str](), list[str]()
    for step in steps:
        if isinstance(step, str):
            needs.append(clean(step))
        else:
            more, asked = _meaning(step, tool, depth=depth + 1)
            commands, needs = commands + more, needs + asked
    return commands, needs


def _names(value: object) -> list[str]:
    if isinstance(value, dict):
        return texts(list(value.values()))
    return texts(value) + [text_of(table(item).get("task")) for item in items(value) if isinstance(item, dict)]


# -------------------------------------------------------------------------------------------------- npm and go-task


def read_package(text: str) -> Iterator[Task]:
    """`scripts` of package.json."""
    lines = text.splitlines()
    for name, value in table(table(load_json(text)).get("scripts")).items():
        if command := text_of(value):
            line = next((number for number, line in enumerate(lines, start=1) if f'"{name}"' in line), 0)
            yield task("npm", name, [command], line=line)


def read_taskfile(text: str) -> Iterator[Task]:
    """Taskfile.yml of go-task."""
    for document in load_yaml(text):
        declared = table(document).get("tasks")
        for name, value in table(declared).items():
            yield _taskfile_task(name, value, line=line_of(declared, name))


def _taskfile_task(name: str, value: object, *, line: int) -> Task:
    details = value if isinstance(value, dict) else {"cmds": value}
    steps = [step for key in ("cmds", "cmd") for step in (items(details.get(key)) or [details.get(key)])]
    commands = [text_of(table(step).get("cmd")) if isinstance(step, dict) else text_of(step) for step in steps]
    needs = [text_of(table(step).get("task")) for step in steps if "task" in table(step)]
    return task("task", name, commands, line=line, needs=_names(details.get("deps")) + needs)
