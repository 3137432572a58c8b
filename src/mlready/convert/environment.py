"""Versions of the distributions that a notebook imports, read from an environment without running anything in it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlready.vocabulary.lookup import normalized

COMMON = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "skimage": "scikit-image",
    "mpl_toolkits": "matplotlib",
    "pylab": "matplotlib",
    "imblearn": "imbalanced-learn",
    "dateutil": "python-dateutil",
    "IPython": "ipython",
    "umap": "umap-learn",
    "sksurv": "scikit-survival",
    "dotenv": "python-dotenv",
}
"""Import name -> distribution, where they differ, for what notebooks import most."""


@dataclass(frozen=True)
class Dependency:
    """One distribution with the version that was found beside the notebook, "" where none was."""

    name: str
    version: str = ""

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}" if self.version else self.name


@dataclass(frozen=True)
class Environment:
    """What a converted project needs: distributions, all of them with theirs at fixed versions, and the Python."""

    dependencies: tuple[Dependency, ...]
    locked: str
    """Text of a lock of versions; "" where a distribution was not found."""
    python: str
    """Two numbers, as in 3.11."""


def environment(roots: Iterable[str], python: Path | None, *, plots: bool) -> Environment:
    """The distributions of import roots, at the versions that an interpreter has beside it."""
    chosen = python or default_python()
    found = installed(chosen)
    needed = dependencies(roots, {name: one.version for name, one in found.items()}, plots=plots)
    return Environment(needed, lock_text([one.name for one in needed], found), python_version(chosen))


def python_version(python: Path) -> str:
    """The interpreter's version, from the files around it; that of the running one where they do not say."""
    prefix = python.parent.parent
    try:
        config = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        config = ""
    said = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", config, re.MULTILINE)
    libraries = [path.parent.name for path in prefix.glob("lib/python3.*/site-packages")]
    if said or len(libraries) == 1:
        return said[1] if said else libraries[0].removeprefix("python")
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def default_python() -> Path:
    """The interpreter that the user works with: of the active environment, else the one that runs mlready."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if active:
        for name in ("bin/python", "Scripts/python.exe", "python.exe"):
            if (Path(active) / name).exists():
                return Path(active) / name
    return Path(sys.executable)


@dataclass(frozen=True)
class Installed:
    """One distribution of an environment."""

    version: str
    metadata: Path

    def requires(self) -> list[str]:
        """What it needs itself, extras left out, as far as its metadata says."""
        from packaging.requirements import InvalidRequirement, Requirement

        names: list[str] = []
        for line in _headers(self.metadata):
            if line.startswith("Requires-Dist:"):
                try:
                    requirement = Requirement(line.removeprefix("Requires-Dist:").strip())
                    if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                        names.append(normalized(requirement.name))
                except (InvalidRequirement, ValueError):
                    continue
        return names


def _headers(metadata: Path) -> Iterator[str]:
    """Header lines of a METADATA file; the description after the first blank line is left out."""
    try:
        text = metadata.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.split("\n"):
        if not line.rstrip("\r"):
            return
        yield line


def installed(python: Path) -> dict[str, Installed]:
    """Distributions beside an interpreter by normalized name, from the *.dist-info folders."""
    prefix = python.parent.parent
    found: dict[str, Installed] = {}
    for site in (*prefix.glob("lib/python3*/site-packages"), *prefix.glob("Lib/site-packages")):
        for entry in site.iterdir():
            match = re.fullmatch(r"(.+)-([^-]+)\.dist-info", entry.name)
            if match:
                found[normalized(match.group(1))] = Installed(match.group(2), entry / "METADATA")
    return found


def lock_text(names: Iterable[str], environment: dict[str, Installed]) -> str:
    """Every distribution that is needed, directly or not, at its version; "" where one of the named is not installed."""
    wanted = [normalized(name) for name in names]
    if not wanted or any(name not in environment for name in wanted):
        return ""
    found: dict[str, str] = {}
    while wanted:
        name = wanted.pop()
        if name in environment and name not in found:
            found[name] = environment[name].version
            wanted += environment[name].requires()
    lines = [f"{name}=={version}" for name, version in sorted(found.items())]
    return "# What the notebook ran with, dependencies of dependencies included.\n" + "\n".join(lines) + "\n"


def dependencies(roots: Iterable[str], versions: dict[str, str], *, plots: bool) -> tuple[Dependency, ...]:
    """What the package needs: a distribution for each import root outside of the standard library."""
    names: dict[str, None] = {}
    for root in sorted({*roots, *(["matplotlib"] if plots else [])}):
        if root and root not in sys.stdlib_module_names:
            names.setdefault(distribution(root, versions))
    return tuple(Dependency(name, versions.get(normalized(name), "")) for name in sorted(names))


def distribution(root: str, versions: dict[str, str]) -> str:
    """The distribution that provides an import root."""
    if root in COMMON:
        return COMMON[root]
    if normalized(root) in versions:
        return normalized(root)
    from mlready import vocabulary

    known = vocabulary.load().distributions_of(root)
    return known[0] if known else normalized(root)
