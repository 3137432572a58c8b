"""Versions of the distributions that a notebook imports, read from an environment without running anything in it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from mlready.convert.skeleton import Dependency

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


def default_python() -> Path:
    """The interpreter that the user works with: of the active environment, else the one that runs mlready."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if active:
        for name in ("bin/python", "Scripts/python.exe", "python.exe"):
            if (Path(active) / name).exists():
                return Path(active) / name
    return Path(sys.executable)


def installed_versions(python: Path) -> dict[str, str]:
    """Normalized distribution name -> version, from the names of the *.dist-info folders."""
    prefix = python.parent.parent
    found: dict[str, str] = {}
    for site in (*prefix.glob("lib/python3*/site-packages"), *prefix.glob("Lib/site-packages")):
        for entry in site.iterdir():
            match = re.fullmatch(r"(.+)-([^-]+)\.dist-info", entry.name)
            if match:
                found[normalized(match.group(1))] = match.group(2)
    return found


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


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
