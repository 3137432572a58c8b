"""The template as the git repository that copier wants: every released version of it, made from what mlready ships.

copier can merge a later template version into a project only if it gets both versions from one git repository, named by
the address in the project's answers file. That address is the constant TEMPLATE_URL; nothing is ever fetched from it:
while copier runs, git is told to read a repository on this machine instead. See docs/decisions/template-history.md.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from mlready import __version__
from mlready.errors import UsageError
from mlready.resources import templates_dir
from mlready.scaffold.git import environment, git, require, run

TEMPLATE_URL = "https://github.com/mlready/template.git"
_TAG = re.compile(r"v\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")
# The same commit must come out on every machine: projects remember the version, old versions are found by their tag.
_SAME = {"core.autocrlf": "false", "core.fileMode": "false", "core.excludesFile": "", "core.attributesFile": ""}
_DATE = "2026-01-01T00:00:00Z"
_AUTHOR = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "mlready"), ("EMAIL", "mlready@invalid"), ("DATE", _DATE))
}


@dataclass(frozen=True, slots=True)
class Template:
    """The template's folder, the history of its released versions, and the version of the folder."""

    folder: Path
    history: Path
    locks: Path
    version: str

    @property
    def tag(self) -> str:
        """The version as copier names it in answers files."""
        return f"v{self.version}"


def shipped() -> Template:
    """The template that this mlready came with."""
    root = templates_dir()
    return Template(folder=root / "project", history=root / "history.bundle", locks=root / "locks", version=__version__)


def parse_tag(text: object) -> Version | None:
    """The version that a tag such as `v1.2.0` names; None for anything else."""
    return Version(text[1:]) if isinstance(text, str) and _TAG.fullmatch(text) else None


def build_repository(template: Template, repository: Path) -> None:
    """Write a bare repository with a tag for each released version and for the template's own."""
    repository.mkdir(parents=True)
    git("init", "--bare", "--quiet", "--initial-branch=main", ".", cwd=repository)
    if template.history.is_file():
        git(
            "fetch",
            "--quiet",
            "--no-write-fetch-head",
            str(template.history),
            "refs/tags/*:refs/tags/*",
            cwd=repository,
        )
    tree = _write_tree(template.folder, repository)
    newest = _newest(repository)
    if template.tag in tags(repository):
        if git("rev-parse", f"{template.tag}^{{tree}}", cwd=repository).strip() != tree:
            raise UsageError(
                f"the template was changed after {template.tag} was released", hint="reinstall mlready-cli"
            )
        return
    parents = ["-p", newest] if newest else []
    message = f"Template {template.version}"
    commit = git("commit-tree", tree, *parents, "-m", message, cwd=repository, extra=_AUTHOR).strip()
    git("update-ref", f"refs/tags/{template.tag}", commit, cwd=repository)
    git("update-ref", "refs/heads/main", commit, cwd=repository)


def tags(repository: Path) -> list[str]:
    """The versions in a repository, oldest first."""
    found = git("tag", "--list", cwd=repository).split()
    return sorted((tag for tag in found if parse_tag(tag)), key=lambda tag: Version(tag[1:]))


@contextmanager
def source(template: Template) -> Iterator[Path]:
    """While the block runs, git reads TEMPLATE_URL from a repository on this machine; yields that repository."""
    require()
    with tempfile.TemporaryDirectory(prefix="mlready-template-", ignore_cleanup_errors=True) as folder:
        repository = Path(folder).resolve() / "template.git"
        build_repository(template, repository)
        config = {f"url.{repository.as_posix()}.insteadOf": TEMPLATE_URL, "safe.directory": "*"}
        values = environment(config) | {"COPIER_CACHE_DIR": str(Path(folder) / "cache")}
        with _environment(values):
            yield repository


def write_history(template: Template) -> None:
    """Add the template's version to its history file, if it isn't there: part of a release."""
    with tempfile.TemporaryDirectory(prefix="mlready-template-") as folder:
        repository = Path(folder) / "template.git"
        build_repository(template, repository)
        if _is_recorded(template, repository):
            return
        made = Path(folder) / "history.bundle"
        refs = [f"refs/tags/{tag}" for tag in tags(repository)]
        git("-c", "pack.threads=1", "bundle", "create", "--quiet", str(made), *refs, cwd=repository)
        shutil.copyfile(made, template.history)


def _is_recorded(template: Template, repository: Path) -> bool:
    if not template.history.is_file():
        return False
    heads = git("bundle", "list-heads", str(template.history), cwd=repository).split()
    return f"refs/tags/{template.tag}" in heads


def _write_tree(folder: Path, repository: Path) -> str:
    """The id of a tree with the files of a folder, without what an installer compiled into it."""
    index = {"GIT_INDEX_FILE": str(repository / "template.index")}
    add = ["--git-dir", str(repository), "--work-tree", str(folder), "add", "--force", "--all", "--"]
    git(*add, ".", ":(exclude,glob)**/__pycache__/**", cwd=folder, config=_SAME, extra=index)
    return git("write-tree", cwd=repository, extra=index).strip()


def _newest(repository: Path) -> str:
    known = tags(repository)
    return run(["rev-parse", f"{known[-1]}^{{commit}}"], cwd=repository).stdout.strip() if known else ""


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Replace the process's environment, and the copy of it that copier's process library made when it was imported."""
    from plumbum import local

    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(values)
        with local.env():
            local.env.clear()
            local.env.update(values)
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
