"""`mlready update` and `mlready add`: a three-way merge of the template into a project; the owner's edits survive."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.version import Version

from mlready.errors import UsageError
from mlready.scaffold import git, render
from mlready.scaffold.lock import write_lock
from mlready.scaffold.new import read_answers, rendered
from mlready.scaffold.questions import Answers, check_answers, read_questions, refuse_unasked
from mlready.scaffold.template import TEMPLATE_URL, Template, parse_tag, shipped, source, tags

_MARKER = re.compile(rb"^(<<<<<<< |>>>>>>> )", re.MULTILINE)
_DEPENDENCIES = re.compile(
    r"^dependencies = \[.*?^\]|^\[dependency-groups\].*?(?=^\[)|^requires-python.*?$", re.M | re.S
)


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge did, or would do: versions, changed files and which of them are gone, conflicts, whether uv.lock fits."""

    old: str
    new: str
    changed: tuple[str, ...]
    deleted: frozenset[str]
    conflicts: tuple[str, ...]
    lock_fits: bool
    diff: str = ""


def update(project: Path, *, preview: bool = False, template: Template | None = None) -> Merge:
    """Merge the installed template version into a project, or only say what that would change."""
    used = template or shipped()
    root = _checked_root(project)
    return _merge(root, lambda folder: render.update(folder, tag=used.tag), template=used, to=used.tag, preview=preview)


def add(project: Path, *, given: Mapping[str, Any], preview: bool = False, template: Template | None = None) -> Merge:
    """Change answers of a project, and merge what they change; the template version stays."""
    used = template or shipped()
    answers = check_answers(given, read_questions(used.folder))
    if "project_name" in answers:
        raise UsageError("the name of a project cannot be changed this way", hint="make a new one and move your code")
    root = _checked_root(project)
    tag = str(_record(root)["_commit"])

    def change(folder: Path) -> None:
        render.change(folder, answers=answers)
        refuse_unasked(answers, read_answers(folder))

    return _merge(root, change, template=used, to=tag, preview=preview)


def _merge(root: Path, merge: Callable[[Path], None], *, template: Template, to: str, preview: bool) -> Merge:
    record = _record(root)
    old = str(record["_commit"])
    with source(template) as repository:
        _check_versions(old, to, known=tags(repository), installed=template.version)
        _check_recorded(record, template)
        with _scratch(root) if preview else _itself(root) as folder:
            before = (folder / "pyproject.toml").read_bytes() if (folder / "pyproject.toml").is_file() else b""
            merge(folder)
            fits = _refresh_lock(folder, before=before, template=template, tag=to)
            changed, top = _changed(folder), _top(folder)
            return Merge(
                old=old,
                new=to,
                changed=changed,
                deleted=frozenset(name for name in changed if not (top / name).exists()),
                conflicts=_conflicts(folder),
                lock_fits=fits,
                diff=_diff(folder) if preview else "",
            )


def _checked_root(project: Path) -> Path:
    """The project's folder, if it is one that can be updated: committed, clean, made by us."""
    git.require()
    root = project.resolve()
    if not (root / render.ANSWERS_FILE).is_file():
        raise UsageError(
            f"{project} was not made by mlready: it has no {render.ANSWERS_FILE}",
            hint="`mlready new --into` adds the missing parts to a project",
        )
    _record(root)
    if not git.inside_work_tree(root):
        raise UsageError(f"{project} is not under git, so an update could not be undone", hint="git init, commit")
    if git.run(["rev-parse", "--verify", "HEAD"], cwd=root).returncode:
        raise UsageError(f"{project} has no commit yet, so an update could not be undone", hint="commit first")
    if git.git("status", "--porcelain", cwd=root).strip():
        raise UsageError("the work tree has changes that are not committed", hint="commit or stash them first")
    return root


def _record(root: Path) -> dict[str, Any]:
    """The answers file; refuses one that names another template, because copier would fetch and render that."""
    path = root / render.ANSWERS_FILE
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {str(error)[:200]}") from None
    if not isinstance(record, dict) or record.get("_src_path") != TEMPLATE_URL:
        raise UsageError(f"{path} names another template", hint=f"_src_path has to be {TEMPLATE_URL}")
    if parse_tag(record.get("_commit")) is None:
        raise UsageError(f"{path}: _commit is not a released template version")
    return record


def _check_versions(old: str, new: str, *, known: list[str], installed: str) -> None:
    if Version(old[1:]) > Version(installed):
        raise UsageError(
            f"the project is at template {old[1:]}, newer than this mlready ({installed})", hint="upgrade mlready-cli"
        )
    if old not in known:
        raise UsageError(f"template {old[1:]} was never released: this project cannot be updated")
    assert new in known


def _check_recorded(record: Mapping[str, Any], template: Template) -> None:
    """Recorded answers to questions that still exist must be allowed; answers to dropped ones don't matter."""
    questions = read_questions(template.folder)
    names = {question.name for question in questions}
    check_answers({name: value for name, value in record.items() if name in names}, questions)


@contextmanager
def _itself(root: Path) -> Iterator[Path]:
    try:
        yield root
    except BaseException:
        _restore(root)
        raise


def _restore(root: Path) -> None:
    """Undo a merge that failed half-way: the tree was clean, so everything that differs is ours."""
    git.run(["reset", "--quiet", "--", "."], cwd=root)
    git.run(["checkout", "--quiet", "--", "."], cwd=root)
    git.run(["clean", "--quiet", "--force", "-d", "--", "."], cwd=root)


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """The same commit in a temporary work tree; the project itself stays untouched."""
    prefix = git.git("rev-parse", "--show-prefix", cwd=root).strip()
    with tempfile.TemporaryDirectory(prefix="mlready-preview-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder).resolve() / "tree"
        git.git("worktree", "add", "--quiet", "--detach", str(tree), "HEAD", cwd=root)
        try:
            yield tree / prefix
        finally:
            git.run(["worktree", "remove", "--force", str(tree)], cwd=root)


def _refresh_lock(folder: Path, *, before: bytes, template: Template, tag: str) -> bool:
    """Bring the shipped lock if the merge changed the dependencies and nobody else did; False if uv has to make one."""
    path = folder / "pyproject.toml"
    after = path.read_bytes() if path.is_file() else b""
    if _dependencies(before) == _dependencies(after):
        return True
    if tag != template.tag or _MARKER.search(after):
        return False
    answers: Answers = read_answers(folder)
    with tempfile.TemporaryDirectory(prefix="mlready-lock-") as scratch:
        target = Path(scratch) / folder.name
        with rendered(target, answers=_asked(answers, template), ask=False, template=template) as fresh:
            if _dependencies((fresh / "pyproject.toml").read_bytes()) != _dependencies(after):
                return False
    return write_lock(folder, locks=template.locks, answers=answers)


def _asked(answers: Answers, template: Template) -> Answers:
    names = {question.name for question in read_questions(template.folder)}
    return {name: value for name, value in answers.items() if name in names}


def _dependencies(pyproject: bytes) -> list[str]:
    return _DEPENDENCIES.findall(pyproject.decode("utf-8", "replace"))


def _top(folder: Path) -> Path:
    return Path(git.git("rev-parse", "--show-toplevel", cwd=folder).strip())


def _changed(folder: Path) -> tuple[str, ...]:
    lines = git.git("status", "--porcelain", "--untracked-files=all", "-z", "--", ".", cwd=folder).split("\0")
    return tuple(sorted({line[3:] for line in lines if len(line) > 3}))


def _conflicts(folder: Path) -> tuple[str, ...]:
    """Files with a conflict: in git's index, left as rejects, or with markers; paths are the repository's."""
    unmerged = git.git("diff", "--name-only", "--diff-filter=U", "-z", cwd=folder).split("\0")
    top = _top(folder)
    marked = [name for name in _changed(folder) if name.endswith(".rej") or _is_marked(top / name)]
    return tuple(sorted({name for name in [*unmerged, *marked] if name}))


def _is_marked(path: Path) -> bool:
    return path.is_file() and bool(_MARKER.search(path.read_bytes()))


def _diff(folder: Path) -> str:
    git.git("add", "--all", "--", ".", cwd=folder)
    return git.git("diff", "--cached", "--", ".", ":(exclude)uv.lock", cwd=folder)
