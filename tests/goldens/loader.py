"""Reads a golden, writes its files to a real git repository and audits it with the product's own code."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from mlready.audit import AuditOptions, Judged, audit_path
from mlready.config import Config
from mlready.rules.examples import percent_to_notebook

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))

_GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z"}
_WHO = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]


@dataclass(frozen=True)
class Golden:
    """What is expected of one project. `why` has a sentence for the project and one for each factor that needs it."""

    name: str
    kind: str
    score: float
    factors: dict[str, int]
    why: dict[str, str]
    files: dict[str, str]
    subprojects: dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """What the audit said, as far as a golden keeps it; scores are rounded, null factors are left out."""

    kind: str
    score: float
    factors: dict[str, int]
    subprojects: dict[str, float]


def read_golden(name: str) -> Golden:
    """The golden of that name."""
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    return Golden(
        name=name, kind=table["kind"], score=table["score"], factors=table["factors"], why=table["why"],
        files=table["files"], subprojects=table.get("subprojects", {}),
    )  # fmt: skip


def write_project(golden: Golden, root: Path) -> Path:
    """The files as a git repository with one commit. A notebook is written in percent form."""
    for path, text in golden.files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        plain = text.replace("ghp-", "ghp_")  # so that this repository holds nothing that looks like a token
        target.write_text(json.dumps(percent_to_notebook(plain), indent=1) if path.endswith(".ipynb") else plain)
    for words in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "-m", "Everything"]):
        subprocess.run(["git", *_WHO, *words], cwd=root, check=True, env={**os.environ, **_GIT})
    return root


def audit(root: Path) -> Judged:
    """The audit as the command line does it, without a cache."""
    return audit_path(root, config=Config(), options=AuditOptions(jobs=1, use_cache=False))


def outcome_of(judged: Judged) -> Outcome:
    """The part of a report that goldens keep."""
    main = judged.report.main
    return Outcome(
        kind=main.project.kind,
        score=round(main.score or 0.0, 1),
        factors={factor.slug: round(factor.score) for factor in main.factors if factor.score is not None},
        subprojects={part.project.path: round(part.score or 0.0, 1) for part in judged.report.subprojects},
    )
