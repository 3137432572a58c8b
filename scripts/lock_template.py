"""Make templates/locks/: one uv.lock for each set of answers that changes the dependencies. Run it to refresh them."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from pathlib import Path

from mlready.scaffold.lock import PLACEHOLDER, lock_name
from mlready.scaffold.new import rendered
from mlready.scaffold.questions import Answers, check_answers, read_questions
from mlready.scaffold.template import shipped

HOSTS = {"pypi.org", "files.pythonhosted.org"}


def option_sets() -> dict[str, Answers]:
    """The answers by the name of their lock."""
    questions = {question.name: question for question in read_questions(shipped().folder)}
    sets: list[Answers] = [
        {"tracking": tracking, "serving": serving}
        for tracking in questions["tracking"].choices
        for serving in questions["serving"].choices
    ]
    return {lock_name(answers): answers for answers in [*sets, {"minimal": True}]}


def make_lock(answers: Answers, *, keep: str) -> str:
    """The lock of a project with these answers; versions of the present lock are kept where they still fit."""
    template = shipped()
    given = check_answers({**answers, "project_name": PLACEHOLDER}, read_questions(template.folder))
    target = Path(tempfile.gettempdir()) / PLACEHOLDER
    with rendered(target, answers=given, ask=False, template=template) as project:
        if keep:
            (project / "uv.lock").write_text(keep, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
        command = ["uv", "lock", "--quiet", "--no-config", "--default-index", "https://pypi.org/simple"]
        subprocess.run(command, cwd=project, env=environment, check=True)
        return (project / "uv.lock").read_text(encoding="utf-8")


def foreign_hosts(lock: str) -> set[str]:
    """Hosts other than the public index, and paths, that a lock must not name."""
    found = set(re.findall(r"https?://([^/\"]+)", lock)) - HOSTS
    return found | set(re.findall(r"file://[^\"]*|\"/[^\"]*", lock))


def main() -> None:
    """Write every lock; with --fresh, take the newest versions that the template allows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", action="store_true")
    fresh = parser.parse_args().fresh
    folder = shipped().locks
    folder.mkdir(exist_ok=True)
    for name, answers in option_sets().items():
        path = folder / name
        lock = make_lock(answers, keep="" if fresh or not path.exists() else path.read_text(encoding="utf-8"))
        if foreign := foreign_hosts(lock):
            raise SystemExit(f"{name} names {sorted(foreign)}")
        path.write_text(lock, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
