"""The template's questions, read from its copier.yml, and the check of answers against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlready.errors import UsageError, unknown_key

Answers = Mapping[str, str | bool]

NAME_HINT = "give another with --data project_name=NAME; without an answer it is the folder's name"

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


@dataclass(frozen=True, slots=True)
class Question:
    """One question that a person may be asked; `choices` is empty where any text may be given."""

    name: str
    kind: str
    help: str
    choices: tuple[str, ...]


def read_questions(template: Path) -> tuple[Question, ...]:
    """The questions of a template folder, in the order in which they are asked."""
    declared = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    return tuple(_question(name, entry) for name, entry in declared.items() if _is_asked(name, entry))


def parse_pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    """`KEY=VALUE` texts as a mapping."""
    answers: dict[str, str] = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark or not key:
            raise UsageError(f"{pair!r} is not KEY=VALUE")
        answers[key.strip()] = value.strip()
    return answers


def read_answers_file(path: Path) -> dict[str, Any]:
    """The answers in a YAML file; keys that start with an underscore belong to copier and are left out."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read as YAML: {str(error)[:200]}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: expected `question: answer` lines")
    return {str(key): value for key, value in content.items() if not str(key).startswith("_")}


def check_answers(given: Mapping[str, Any], questions: tuple[Question, ...]) -> dict[str, str | bool]:
    """The answers with their types; raises UsageError that names the allowed questions or values."""
    known = {question.name: question for question in questions}
    for name in given:
        if name not in known:
            raise unknown_key(what="question", key=name, allowed=known)
    return {name: _check(known[name], value) for name, value in given.items()}


def refuse_unasked(given: Answers, recorded: Answers) -> None:
    """Raise UsageError for answers that the template had no use for, given the others: a minimal project serves nothing."""
    for name in given:
        if name not in recorded:
            raise UsageError(
                f"{name}={given[name]}: a minimal project has no such part", hint="minimal=false gives it all parts"
            )


def _check(question: Question, value: object) -> str | bool:
    if question.kind == "bool":
        word = str(value).strip().lower()
        if word not in _TRUE | _FALSE:
            raise UsageError(f"{question.name}={value}: allowed are true and false")
        return word in _TRUE
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise UsageError(f"{question.name}: expected a text")
    if question.choices and str(value) not in question.choices:
        raise UsageError(f"{question.name}={value}: allowed are {', '.join(question.choices)}")
    return str(value)


def _is_asked(name: str, entry: object) -> bool:
    return not name.startswith("_") and isinstance(entry, dict) and entry.get("when") is not False


def _question(name: str, entry: Mapping[str, Any]) -> Question:
    choices = tuple(str(choice) for choice in entry.get("choices", ()))
    return Question(name=name, kind=str(entry["type"]), help=str(entry["help"]), choices=choices)
