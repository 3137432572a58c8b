"""Fetch pinned source distributions with pip and unpack them into a cache outside of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.corpora import HERE, table


class FetchError(RuntimeError):
    """pip could not bring the source distribution."""


@dataclass(frozen=True, slots=True)
class Sdist:
    """A source distribution of the pointer table: what it is, and why it is worth auditing."""

    name: str
    version: str
    kind: str
    why: str

    @property
    def folder(self) -> str:
        """The name of its folder in the cache."""
        return f"{self.name}-{self.version}"


def sdists(path: Path = HERE / "sdists.tsv") -> list[Sdist]:
    """The pointer table."""
    return [Sdist(row["name"], row["version"], row["kind"], row["why"]) for row in table(path)]


def cache() -> Path:
    """Where unpacked distributions are kept: MLREADY_WILD_DIR, else the user's cache directory."""
    return Path(os.environ.get("MLREADY_WILD_DIR") or Path.home() / ".cache" / "mlready-wild")


def unpacked(one: Sdist, root: Path) -> Path:
    """The unpacked tree, fetched when the cache has none; raises FetchError."""
    place = root / one.folder
    if not place.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as folder:
            shutil.move(str(_fetched(one, Path(folder))), place)
    return place


def _fetched(one: Sdist, folder: Path) -> Path:
    """pip unpacks before it prepares metadata, so the tree is there even where the build backend is missing."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    command += ["--no-build-isolation", "--no-clean", "--dest", str(folder / "out"), f"{one.name}=={one.version}"]
    run = subprocess.run(command, env=os.environ | {"TMPDIR": str(folder)}, capture_output=True, text=True, check=False)
    trees = [place.parent for place in folder.glob("pip-download-*/*/PKG-INFO")]
    if len(trees) != 1:
        raise FetchError(f"{one.folder}: {run.stderr.strip()[-300:]}")
    return trees[0]
