"""What is not Python: the meaning of shell commands, files, CI steps, images, infrastructure and pre-commit hooks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import PurePosixPath

from mlready.vocabulary.model import Meaning, System, Words

_MAX_COMMAND = 2_000
_VARIABLE = re.compile(r"\w+=")
_PYTHON = re.compile(r"(?:.*/)?python(?:\d(?:\.\d+)?)?")
_WILD = re.compile(r"[*?\[]")
_WRAPPERS = {
    ("uv", "run"),
    ("uvx",),
    ("poetry", "run"),
    ("pdm", "run"),
    ("pipenv", "run"),
    ("pixi", "run"),
    ("hatch", "run"),
    ("rye", "run"),
    ("pipx", "run"),
    ("conda", "run"),
    ("micromamba", "run"),
    ("coverage", "run", "-m"),
    ("sudo",),
    ("time",),
    ("exec",),
    ("nohup",),
    ("env",),
    ("npx",),
    ("xvfb-run",),
}


class Operations:
    """Look-ups in what the systems say about everything that isn't Python."""

    def __init__(self, systems: tuple[System, ...]) -> None:
        self._systems = systems

    def command(self, text: str) -> Meaning | None:
        """What a shell command means: "uv run dvc repro -f" is "dvc repro". The longest known prefix counts."""
        words = _unwrapped(_words(text))
        for length in range(min(len(words), self._longest_command), 0, -1):
            found = self._commands.get(" ".join(words[:length]))
            if found is not None:
                return found
        return None

    def file(self, path: str) -> tuple[Meaning, ...]:
        """What a file of this path (POSIX, relative to the project) means; "config" is among the activities."""
        parts = PurePosixPath(path).parts
        found = [
            meaning
            for start in range(len(parts))
            if (meaning := self._literal_files.get("/".join(parts[start:]))) is not None
        ]
        if self._any_wild.fullmatch(path):
            found += [meaning for expression, meaning in self._wild_files if expression.fullmatch(path)]
        return tuple(dict.fromkeys(found))

    def action(self, uses: str) -> Meaning | None:
        """What a CI action, orb or task means, its version left out: "iterative/setup-dvc@v1"."""
        name = uses.partition("@")[0].strip().lower()
        while name:
            found = self._actions.get(name)
            if found is not None:
                return found
            name = name.rpartition("/")[0]
        return None

    def image(self, reference: str) -> Meaning | None:
        """What a container image means, registry, tag and digest left out: "docker.io/bitnami/mlflow:2.1"."""
        name = reference.partition("@")[0]
        head, slash, last = name.rpartition("/")
        parts = f"{head}{slash}{last.partition(':')[0]}".lower().split("/")
        candidates = ("/".join(parts[start:]) for start in range(len(parts)))
        return next((self._images[name] for name in candidates if name in self._images), None)

    def resource(self, kind: str) -> Meaning | None:
        """What a Kubernetes kind or Terraform type means: "InferenceService"."""
        return self._resources.get(kind)

    def hook(self, id_: str) -> Meaning | None:
        """What a pre-commit hook means, by its id."""
        return self._hooks.get(id_)

    # --------------------------------------------------------------------------------------------------- indexes

    @cached_property
    def _commands(self) -> dict[str, Meaning]:
        return self._index(lambda system: system.commands)

    @cached_property
    def _longest_command(self) -> int:
        return max((len(command.split()) for command in self._commands), default=0)

    @cached_property
    def _actions(self) -> dict[str, Meaning]:
        return {name.lower(): meaning for name, meaning in self._index(lambda system: system.ci).items()}

    @cached_property
    def _images(self) -> dict[str, Meaning]:
        return {name.lower(): meaning for name, meaning in self._index(lambda system: system.images).items()}

    @cached_property
    def _resources(self) -> dict[str, Meaning]:
        return self._index(lambda system: system.resources)

    @cached_property
    def _hooks(self) -> dict[str, Meaning]:
        return self._index(lambda system: system.hooks)

    @cached_property
    def _files(self) -> dict[str, Meaning]:
        return self._index(lambda system: system.files)

    @cached_property
    def _literal_files(self) -> dict[str, Meaning]:
        return {pattern: meaning for pattern, meaning in self._files.items() if not _WILD.search(pattern)}

    @cached_property
    def _wild_files(self) -> list[tuple[re.Pattern[str], Meaning]]:
        return [(re.compile(_expression(p)), meaning) for p, meaning in self._files.items() if _WILD.search(p)]

    @cached_property
    def _any_wild(self) -> re.Pattern[str]:
        """One expression for all wildcards: most files match none."""
        return re.compile("|".join(f"(?:{_expression(p)})" for p in self._files if _WILD.search(p)) or r"(?!)")

    def _index(self, words: Callable[[System], Words]) -> dict[str, Meaning]:
        """Word -> meaning; where two systems share a word ("pipeline.yaml"), the first one in the catalogue has it."""
        found: dict[str, Meaning] = {}
        for system in self._systems:
            for activity, name in _flat(words(system)):
                known = found.setdefault(name, Meaning(system.id))
                if known.system == system.id and activity not in known.activities:
                    found[name] = Meaning(system.id, (*known.activities, activity))
        return found


def _flat(words: Words) -> Iterator[tuple[str, str]]:
    return ((activity, name) for activity, names in words.items() for name in names)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command[:_MAX_COMMAND], comments=True)
    except ValueError:  # an open quote: the words are still words
        return command[:_MAX_COMMAND].split()


def _unwrapped(words: list[str]) -> list[str]:
    """The words without what only starts the command: variables, sudo, `uv run`, `python -m`."""
    while words:
        wrapper = next((w for w in _WRAPPERS if tuple(words[: len(w)]) == w), None)
        if wrapper is not None and len(words) > len(wrapper):
            words = words[len(wrapper) :]
            while words and words[0].startswith("-"):
                words = words[1:]
        elif _VARIABLE.match(words[0]):
            words = words[1:]
        elif len(words) > 2 and words[1] == "-m" and _PYTHON.fullmatch(words[0]):
            words = words[2:]
        else:
            break
    return words


def _expression(pattern: str) -> str:
    """A git-wildmatch pattern as a regular expression for whole paths, at any depth unless it begins with "/"."""
    from pathspec import GitIgnoreSpec

    anchored = pattern if pattern.startswith(("/", "**")) else f"**/{pattern}"
    (compiled,) = GitIgnoreSpec.from_lines([anchored]).patterns
    assert compiled.regex is not None
    return re.sub(r"\?P<\w+>", "?:", compiled.regex.pattern)  # named groups may not be repeated in one expression
