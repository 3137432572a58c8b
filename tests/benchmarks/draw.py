"""Draw the sites that two readers label before the tool is run on them.

    python tests/benchmarks/draw.py REPOSITORIES [RULE]...

REPOSITORIES holds work trees named OWNER__NAME at any depth (the commits of repositories.tsv). The draw is
by text patterns only and never asks mlready, so that what the tool misses can be drawn too. One site a
repository and round, in an order fixed by SEED, until SIZE sites are there: large collections do not crowd
out small projects. Writes sites/RULE.tsv; the readers' labels stand in sites/RULE.READER.tsv.
"""

from __future__ import annotations

import ast
import csv
import json
import random
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SEED = 20261121
SIZE = 64
HERE = Path(__file__).parent
_MAX_BYTES = 2_000_000
_NOT_CODE = re.compile(r"(^|/)(tests?|docs?|node_modules|site-packages|\.venv)/|(^|/)(test_|conftest)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Site:
    """One place to label: a repository, a file of it ("" for the whole), and what to look at there."""

    repo: str
    sha: str
    path: str
    subject: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A work tree on disk with the files that git tracks in it."""

    repo: str
    sha: str
    root: Path
    files: tuple[str, ...]

    def text(self, path: str) -> str:
        """The file as code; the code cells of a notebook joined; "" when it cannot be read."""
        data = self.read(path)
        return _cells(data) if path.endswith(".ipynb") else data

    def read(self, path: str) -> str:
        """The raw text of the file; "" when it is missing, too large or a link."""
        file = self.root / path
        if file.is_symlink() or not file.is_file() or file.stat().st_size > _MAX_BYTES:
            return ""
        return file.read_text(encoding="utf-8", errors="replace")


def _cells(data: str) -> str:
    try:
        notebook = json.loads(data)
        cells = notebook.get("cells") or [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
        code = (cell for cell in cells if cell["cell_type"] == "code")
        return "\n\n".join("".join(cell.get("source", cell.get("input", ""))) for cell in code)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def trees(root: Path) -> list[Tree]:
    """Every repository of repositories.tsv that stands below `root`, in the order of the table."""
    found = (place for place in sorted(root.glob("**/*__*"), reverse=True) if (place / ".git").exists())
    places = {place.name: place for place in found}
    with (HERE / "repositories.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    on_disk = ((row, places.get(row["repo"].replace("/", "__"))) for row in rows)
    return [Tree(row["repo"], row["sha"], place, _tracked(place)) for row, place in on_disk if place]


def _tracked(root: Path) -> tuple[str, ...]:
    run = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=True)
    return tuple(sorted(run.stdout.decode("utf-8", "replace").split("\0")[:-1]))


def _code(tree: Tree) -> Iterator[tuple[str, str]]:
    for path in tree.files:
        if path.endswith((".py", ".ipynb")) and not _NOT_CODE.search(path):
            yield path, tree.text(path)


_SPLIT = re.compile(
    r"\btrain_test_split\b|\bcross_val_\w+\(|\bKFold\b|\bGridSearchCV\b|\bTimeSeriesSplit\b|ShuffleSplit"
)
_FITTED = re.compile(r"fit_transform\(|\bfit_resample\(|Scaler\(|Imputer\(|Vectorizer\(|\bPCA\(|SelectKBest|Encoder\(")
_RANDOM = re.compile(
    r"train_test_split\(|RandomForest\w+\(|np\.random\.|numpy\.random\.|random\.(shuffle|sample|choice|randint)\("
    r"|torch\.(rand|randn|randperm)\(|DataLoader\(|\.sample\(|KFold\(|xgb\.train|XGB\w+\(|LGBM\w+\(|KMeans\("
)


def leakage_files(tree: Tree) -> list[Site]:
    """Files that split or cross-validate and fit a transformer: candidates for SKW005."""
    return [_file(tree, path) for path, text in _code(tree) if _SPLIT.search(text) and _FITTED.search(text)]


def random_files(tree: Tree) -> list[Site]:
    """Files that name a source of randomness: candidates for REP004."""
    return [_file(tree, path) for path, text in _code(tree) if _RANDOM.search(text)]


def notebooks(tree: Tree) -> list[Site]:
    """Every notebook with at least three code cells: candidates for EXP004."""
    paths = (path for path in tree.files if path.endswith(".ipynb"))
    return [_file(tree, path) for path in paths if tree.text(path).count("\n\n") >= 2]


def import_roots(tree: Tree) -> list[Site]:
    """Each first name imported that is neither of the standard library nor of the tree: candidates for REP001."""
    own = {part for path in tree.files if path.endswith(".py") for part in Path(path).with_suffix("").parts}
    roots = {name for _, text in _code(tree) for name in _imported(text)}
    return [Site(tree.repo, tree.sha, "", name) for name in sorted(roots - own - set(sys.stdlib_module_names))]


def _imported(text: str) -> set[str]:
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("%", "!")))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(kept)))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    relative = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.split(".")[0] for name in plain | relative}


def whole_repositories(tree: Tree) -> list[Site]:
    """The repository itself when it holds any Python or notebook: candidates for TST001 and DEP005."""
    return [Site(tree.repo, tree.sha, "", "")] if any(path.endswith((".py", ".ipynb")) for path in tree.files) else []


def _file(tree: Tree, path: str) -> Site:
    return Site(tree.repo, tree.sha, path, "")


POPULATIONS: dict[str, Callable[[Tree], list[Site]]] = {
    "SKW005": leakage_files,
    "REP004": random_files,
    "EXP004": notebooks,
    "REP001": import_roots,
    "TST001": whole_repositories,
    "DEP005": whole_repositories,
}


def draw(populations: list[list[Site]], size: int, seed: int) -> list[Site]:
    """`size` sites, one from each population a round, both orders shuffled by `seed`."""
    chance = random.Random(seed)
    piles = [chance.sample(sites, len(sites)) for sites in populations if sites]
    chance.shuffle(piles)
    drawn: list[Site] = []
    while piles and len(drawn) < size:
        drawn += [pile.pop() for pile in piles][: size - len(drawn)]
        piles = [pile for pile in piles if pile]
    return sorted(drawn, key=lambda site: (site.repo.lower(), site.path, site.subject))


def main(arguments: list[str]) -> None:
    """Write one table of sites for each rule named (all rules when none is)."""
    on_disk = trees(Path(arguments[0]))
    for rule in arguments[1:] or sorted(POPULATIONS):
        drawn = draw([POPULATIONS[rule](tree) for tree in on_disk], SIZE, SEED)
        with (HERE / "sites" / f"{rule}.tsv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t", lineterminator="\n")
            writer.writerow(["repo", "sha", "path", "subject"])
            writer.writerows((site.repo, site.sha, site.path, site.subject) for site in drawn)


if __name__ == "__main__":
    main(sys.argv[1:])
