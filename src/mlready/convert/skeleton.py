"""The project around the package: the files of the project template that fit it, and what was left out and why.

The texts stand in templates/project, the same that `mlready new` renders; here is only what the notebook has to say in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlready.convert.card import CARD, card_facts
from mlready.convert.environment import Environment
from mlready.convert.inputs import inputs
from mlready.convert.keep import saved_metrics, saved_models, saved_numbers
from mlready.convert.model import Plan
from mlready.scaffold.parts import compose

MANIFEST = "pyproject.toml"
LOCK = "requirements.lock"
MAKEFILE = "Makefile"
DOCKERFILE = "Dockerfile"
PARTS = (
    MANIFEST,
    MAKEFILE,
    DOCKERFILE,
    CARD,
    "README.md",
    ".devcontainer/devcontainer.json",
    ".dockerignore",
    ".gitattributes",
    ".github/dependabot.yml",
    ".github/workflows/ci.yml",
    ".gitignore",
    ".pre-commit-config.yaml",
)
NEEDS = {
    ".devcontainer/devcontainer.json": MAKEFILE,
    ".github/workflows/ci.yml": MAKEFILE,
    ".pre-commit-config.yaml": MAKEFILE,
    ".dockerignore": DOCKERFILE,
}
"""Part -> the part whose commands or steps it is written for."""
COVERAGE = 80
"""Share of lines (in percent) that the tests have to run, where nothing keeps the pipeline from running in them."""
FULL_PYTHON = {"3.10": "3.10.18", "3.11": "3.11.13", "3.12": "3.12.11", "3.13": "3.13.7", "3.14": "3.14.0"}
"""Full tags of images, so that two builds a week apart start from one base."""


@dataclass(frozen=True)
class LeftOut:
    """Files of the template (patterns of paths) that a converted project does not get."""

    parts: tuple[str, ...]
    reason: str
    by_folder: bool = False
    """Because of what is in the folder, and not because of the notebook."""

    @property
    def record(self) -> dict[str, Any]:
        return {"parts": list(self.parts), "reason": self.reason, "by_folder": self.by_folder}


NOT_FOR_NOTEBOOKS = (
    LeftOut(("src/*", "notebooks/*"), "the notebook's own code is the package"),
    LeftOut(("tests/*",), "they test the template's own modules; the written tests run the notebook's"),
    LeftOut(("params.yaml",), "the settings stand, typed, in config.py"),
    LeftOut(("uv.lock",), f"it takes a package index to make; {LOCK} has the versions beside the notebook"),
    LeftOut(("dvc.yaml", ".dvc/*", ".dvcignore"), "the pipeline runs as one command, without files between its steps"),
    LeftOut(("compose.yaml", "deploy/*"), "nothing in the notebook serves requests"),
    LeftOut((".github/workflows/retrain.yml",), "the notebook does not say when to run again, or what is good enough"),
    LeftOut(("docs/data-card.md",), "owner, license and refresh of the data are not in a notebook"),
    LeftOut((".copier-answers.yml", "docs/factors.md"), "they belong to projects that `mlready update` can merge into"),
)


@dataclass(frozen=True)
class Skeleton:
    """The files around the package by path, and the parts of the template that are not among them."""

    files: Mapping[str, str]
    left_out: tuple[LeftOut, ...]

    def without_taken(self, into: Path, ours: frozenset[str]) -> Skeleton:
        """Without the parts of which the folder has its own; what is written for such a part goes with it."""
        parts = self.files.keys() & set(PARTS) - ours - {MANIFEST}
        own = {path for path in parts if _is_other(into / path, self.files[path])}
        dependent = {path for path, needed in NEEDS.items() if needed in own and path in self.files} - own
        gone = [LeftOut((path,), "the folder has its own", by_folder=True) for path in sorted(own)]
        gone += [LeftOut((path,), f"it is written for our {NEEDS[path]}", by_folder=True) for path in sorted(dependent)]
        files = {path: text for path, text in self.files.items() if path not in own | dependent}
        return Skeleton(files, (*self.left_out, *gone))


def skeleton(*, package: str, title: str, plans: Sequence[Plan], environment: Environment) -> Skeleton:
    """Everything around the package's own modules and tests."""
    facts = card_facts(plans)
    given = {
        **_names(package, title, plans),
        "notebook": ".",
        "minimal": True,
        "lock": LOCK if environment.locked else "",
        "python": environment.python,
        "python_tag": FULL_PYTHON.get(environment.python, environment.python),
        "requirements": [dependency.requirement for dependency in environment.dependencies],
        "coverage": 0 if any(inputs(plan) for plan in plans) else COVERAGE,
        "inputs": [pair for plan in plans for pair in inputs(plan)],
        "steps": [
            f"{plan.package.partition('.')[2]}.{stage.module}.{stage.name}".lstrip(".")
            for plan in plans
            for stage in plan.stages
        ],
        "cards": facts,
        "writes": [what for what, is_written in _outputs(plans) if is_written],
    }
    wanted = [part for part in PARTS if part != CARD or facts]
    files = compose(wanted, given=given)
    if environment.locked:
        files[LOCK] = environment.locked
    untrained = () if facts else (LeftOut((CARD,), "the notebook fits no model"),)
    return Skeleton(files, (*NOT_FOR_NOTEBOOKS, *untrained))


def _outputs(plans: Sequence[Plan]) -> list[tuple[str, bool]]:
    return [
        ("figures", any(plan.figures for plan in plans)),
        ("metrics (`metrics.json`)", any(map(saved_metrics, plans))),
        ("other numbers (`results.json`)", any(map(saved_numbers, plans))),
        ("fitted models (`*.joblib`)", any(map(saved_models, plans))),
    ]


def merged_manifest(theirs: str, ours: str, *, package_only: bool) -> str:
    """An existing pyproject.toml with what the package needs: its dependencies alone, or groups and tools as well."""
    from mlready.scaffold.pyproject import merge, only_dependencies

    return merge(theirs, only_dependencies(ours) if package_only else ours)


def _names(package: str, title: str, plans: Sequence[Plan]) -> dict[str, Any]:
    distribution = package.strip("_").replace("_", "-") or "project"
    commands = {package: distribution}
    if len(plans) > 1:
        commands = {plan.package: plan.package.replace("_", "-").replace(".", "-") for plan in plans}
    plain = " ".join("".join(char if char.isprintable() and char not in '"\\' else " " for char in title).split())
    return {
        "project_name": distribution,
        "package": package,
        "distribution": distribution,
        "description": plain,
        "title": plain,
        "commands": commands,
        "sources": [f"`{plan.notebook.path.name}`" for plan in plans],
    }


def _is_other(path: Path, text: str) -> bool:
    try:
        return path.is_symlink() or (path.exists() and path.read_text(encoding="utf-8") != text)
    except (OSError, UnicodeDecodeError):
        return True
