"""The lock files that travel beside the template: one for each set of answers that changes the dependencies."""

from __future__ import annotations

import re
from pathlib import Path

from mlready.errors import UsageError
from mlready.scaffold.questions import NAME_HINT, Answers

# The name of the project in the shipped locks; `write_lock` puts the real one in its place.
PLACEHOLDER = "mlready-project"
_PACKAGE = re.compile(r"^\[\[package\]\]\n.*?(?=^\[\[package\]\]\n|\Z)", re.MULTILINE | re.DOTALL)


def lock_name(answers: Answers) -> str:
    """The file of the lock for these answers."""
    if answers.get("minimal"):
        return "minimal.lock"
    return f"{answers['tracking']}-{answers['serving']}.lock"


def distribution_name(answers: Answers) -> str:
    """The name of the project as package indexes write it."""
    return re.sub(r"[-_.]+", "-", str(answers["project_name"])).lower()


def write_lock(folder: Path, *, locks: Path, answers: Answers) -> bool:
    """Write uv.lock for a generated project; False if no lock was shipped for these answers."""
    source = locks / lock_name(answers)
    if not source.is_file():
        return False
    text = rename(source.read_text(encoding="utf-8"), distribution_name(answers))
    (folder / "uv.lock").write_text(text, encoding="utf-8", newline="\n")
    return True


def rename(lock: str, name: str) -> str:
    """The same lock for a project of another name, with its packages in the order that uv writes."""
    start = lock.index("[[package]]\n")
    packages = [match.group().strip("\n") for match in _PACKAGE.finditer(lock[start:])]
    if name in {_name(package) for package in packages} - {PLACEHOLDER}:
        raise UsageError(f"project_name: the project needs a library called {name}", hint=NAME_HINT)
    named = [package.replace(f'name = "{PLACEHOLDER}"', f'name = "{name}"', 1) for package in packages]
    return lock[:start] + "\n\n".join(sorted(named, key=_name)) + "\n"


def _name(package: str) -> str:
    found = re.search(r'^name = "([^"]+)"', package, re.MULTILINE)
    return found[1] if found else ""
