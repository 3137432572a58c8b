"""Where the labelled repositories are: found on disk, or cloned at the labelled commit into a cache."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
HELD_OUT = "heldout"
"""The set that nobody looked at while the rules were written: only for findings read by hand, it has no labels."""
CLONE_URL = "https://github.com/{repo}.git"


@dataclass(frozen=True, slots=True)
class Repository:
    """A public repository at one commit; `group` is the label set it is here for."""

    repo: str
    sha: str
    group: str

    @property
    def folder(self) -> str:
        """The name of its work tree on disk."""
        return self.repo.replace("/", "__")


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a tab-separated table with a header; quotes in it are plain characters."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def repositories() -> list[Repository]:
    """Every repository of repositories.tsv."""
    return [Repository(row["repo"], row["sha"], row["set"]) for row in table(HERE / "repositories.tsv")]


def located(wanted: Iterable[Repository], root: Path | None, cache: Path) -> Iterator[tuple[Repository, Path | None]]:
    """Each repository with its work tree: below `root` at the right commit, else cloned into `cache`, else None."""
    on_disk = _work_trees(root) if root else {}
    for one in wanted:
        yield one, on_disk.get((one.folder, one.sha)) or (None if root else _cloned(one, cache))


def _work_trees(root: Path) -> dict[tuple[str, str], Path]:
    places = (place for depth in ("*__*", "*/*__*") for place in sorted(root.glob(depth)) if (place / ".git").exists())
    return {(place.name, _git(place, "rev-parse", "HEAD")): place for place in places}


def _cloned(one: Repository, cache: Path) -> Path | None:
    place = cache / one.folder
    if not (place / ".git").exists():
        place.mkdir(parents=True, exist_ok=True)
        _git(place, "init", "--quiet")
        _git(place, "fetch", "--quiet", "--depth=1", CLONE_URL.format(repo=one.repo), one.sha)
        _git(place, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    return place if _git(place, "rev-parse", "HEAD") == one.sha else None


def _git(place: Path, *arguments: str) -> str:
    run = subprocess.run(["git", "-C", str(place), *arguments], capture_output=True, text=True, check=False)
    return run.stdout.strip() if run.returncode == 0 else ""
