"""Makefiles and justfiles: targets with their recipes. Nothing is expanded: `$(PYTHON) train.py` stays as written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlready.facts.rows import Task
from mlready.facts.task_formats.common import task

_RULE = re.compile(r"(?P<targets>[^\s:=#][^:=#]*?)\s*::?(?!=)\s*(?P<rest>[^=]*(?:=.*)?)\Z")
_VARIABLE = re.compile(r"(?:(?:export|override|unexport|define|undefine)\b|[^\s:#=]+\s*(?:[:?+!]|::)?=)")
_DIRECTIVE = re.compile(r"-?(?:include|sinclude|if(?:n?eq|n?def)|else|endif|vpath)\b")
_RECIPE_SIGNS = "@-+ \t"
_JUST_RECIPE = re.compile(r"@?(?P<name>[A-Za-z_][\w-]*)(?P<params>[^:#]*?):(?!=)(?P<needs>[^#]*)")
_JUST_NEED = re.compile(r"\(\s*([A-Za-z_][\w:-]*)[^)]*\)|([A-Za-z_][\w:-]*)|&&")
_SPECIAL = re.compile(r"\.[A-Z_]+\Z")


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Lines with `\\` continuations joined, each with the number of its first line."""
    start, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        parts.append(line.strip() if parts else line)
        if line.endswith("\\"):
            parts[-1] = parts[-1][:-1].rstrip() if parts[:-1] else parts[-1][:-1].rstrip(" ")
            continue
        yield start, " ".join(parts)
        start, parts = 0, []
    if parts:
        yield start, " ".join(parts)


def read_make(text: str) -> Iterator[Task]:
    """Targets of a Makefile, patterns ("run-%") too; rules for files ("%.o") and special targets (.PHONY) are left out."""
    targets, needs, recipe, start = list[str](), list[str](), list[str](), 0
    in_definition = False
    for number, line in _joined(text):
        if in_definition or line.startswith(("define ", "override define ")):
            in_definition = not line.strip().startswith("endef")
            continue
        if line.startswith("\t"):
            recipe += _recipe(line)
            continue
        if not line.strip() or line.lstrip().startswith("#") or _DIRECTIVE.match(line.strip()):
            continue
        yield from _targets(targets, needs, recipe, start)
        targets, needs, recipe, start = [], [], [], number
        rule = None if _VARIABLE.match(line) else _RULE.match(line.partition(" #")[0].rstrip())
        if rule:
            prerequisites, _, inline = rule["rest"].partition(";")
            is_assignment = "=" in prerequisites
            targets = rule["targets"].split()
            needs = [] if is_assignment else [need for need in prerequisites.split() if need != "|"]
            targets = [] if is_assignment else targets
            recipe = _recipe(inline)
    yield from _targets(targets, needs, recipe, start)


def _recipe(line: str) -> list[str]:
    command = line.strip().lstrip(_RECIPE_SIGNS)
    return [command] if command and not command.startswith("#") else []


def _targets(targets: list[str], needs: list[str], recipe: list[str], line: int) -> Iterator[Task]:
    for target in targets:
        if not re.search(r"%[\w.-]*\.|\.[\w.-]*%|/", target if "%" in target else "") and not _SPECIAL.match(target):
            yield task("make", target, recipe, line=line, needs=needs)


def read_just(text: str) -> Iterator[Task]:
    """Recipes of a justfile."""
    name, needs, recipe, start = "", list[str](), list[str](), 0
    for number, line in _joined(text):
        if line[:1] in (" ", "\t"):
            recipe += _recipe(line) if not line.strip().startswith("#!") else []
            continue
        found = _JUST_RECIPE.match(line)
        if not found and (not line.strip() or line.startswith(("#", "["))):
            continue
        yield from _just_task(name, recipe, start, needs)
        is_recipe = found and not line.startswith(("set ", "alias ", "export ", "import ", "mod "))
        name = found["name"] if found and is_recipe else ""
        needs = [one or two for one, two in _JUST_NEED.findall(found["needs"]) if one or two] if found else []
        recipe, start = [], number
    yield from _just_task(name, recipe, start, needs)


def _just_task(name: str, recipe: Iterable[str], line: int, needs: Iterable[str]) -> Iterator[Task]:
    if name:
        yield task("just", name, recipe, line=line, needs=needs)
