"""Precision and recall of single rules against labels that others made or that two readers made."""

from __future__ import annotations

import ast
import re
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.agreement import Confusion, confusion, kappa, wilson
from tests.benchmarks.audits import Audit, audit
from tests.benchmarks.corpora import HERE, table

SITES = HERE / "sites"
CHECKS = HERE / "checks"
READERS = ("one", "two")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule said against what is true, over all labels of one source."""

    aim: str
    rule: str
    source: str
    counts: Confusion
    left_aside: int = 0

    def told(self) -> dict[str, Any]:
        """The figures with their Wilson intervals."""
        said, true = self.counts.hits + self.counts.false_alarms, self.counts.hits + self.counts.misses
        return {
            "aim": self.aim,
            "rule": self.rule,
            "source": self.source,
            **asdict(self.counts),
            "left_aside": self.left_aside,
            "precision": self.counts.precision,
            "precision_interval": wilson(self.counts.hits, said),
            "recall": self.counts.recall,
            "recall_interval": wilson(self.counts.hits, true),
        }


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn site with what each reader said of it, in the order of READERS; None where one has not read it."""

    repo: str
    path: str
    subject: str
    labels: tuple[str | None, ...]

    @property
    def agreed(self) -> str | None:
        """The label that every reader so far gave, None when they disagree."""
        given = {label for label in self.labels if label is not None}
        return given.pop() if len(given) == 1 else None


def drawn_sites(rule: str) -> list[Drawn]:
    """The sites drawn for one rule with the readers' labels."""
    readers = [_labels(rule, reader) for reader in READERS]
    rows = table(SITES / f"{rule}.tsv")
    keys = [(row["repo"], row["path"], row["subject"]) for row in rows]
    return [Drawn(*key, tuple(labels.get(key) for labels in readers)) for key in keys]


def _labels(rule: str, reader: str) -> dict[tuple[str, str, str], str]:
    path = SITES / f"{rule}.{reader}.tsv"
    rows = table(path) if path.is_file() else []
    return {(row["repo"], row["path"], row["subject"]): row["label"] for row in rows}


def reader_agreement(rule: str) -> dict[str, Any]:
    """How often two readers said the same of the drawn sites, and Cohen's kappa."""
    both = [site.labels for site in drawn_sites(rule) if None not in site.labels]
    left, right = [pair[0] for pair in both], [pair[1] for pair in both]
    same = sum(one == other for one, other in zip(left, right, strict=True))
    return {"rule": rule, "sites": len(both), "same": same, "kappa": kappa(left, right)}


def _broken_in_file(rule: str) -> Callable[[Audit, Drawn], bool]:
    return lambda found, site: any(one.credit < 1 for one in found.sites(rule, site.path))


def _broken(rule: str) -> Callable[[Audit, Drawn], bool]:
    return lambda found, _: any(one.credit < 1 for one in found.sites(rule))


def _broken_import(found: Audit, site: Drawn) -> bool:
    return site.subject in undeclared_imports(found)


def undeclared_imports(found: Audit) -> set[str]:
    """First names of the imports that the sites of REP001 call undeclared."""
    messages = (site.message for site in found.sites("REP001") if site.credit == 0)
    return {match[1] for message in messages if (match := re.search(r"\bimports (\w+)", message))}


def _has_credit(rule: str) -> Callable[[Audit, Drawn], bool]:
    return lambda found, _: (found.rule(rule) or {}).get("status") in ("pass", "partial")


def _out_of_order(found: Audit, _: object) -> bool:
    return any(one.credit == 0 for one in found.sites("EXP004"))


@dataclass(frozen=True, slots=True)
class Aim:
    """What is measured on drawn sites; `alone`: the file by itself, so that neither its role nor its project matters."""

    name: str
    rule: str
    said: Callable[[Audit, Drawn], bool]
    true: tuple[str, ...] = ("1",)
    aside: tuple[str, ...] = ("part",)
    alone: bool = False


AIMS = (
    Aim("preprocessing leakage (file)", "SKW005", _broken("SKW005"), alone=True),
    Aim("seeds (file)", "REP004", _broken_in_file("REP004")),
    Aim("undeclared imports", "REP001", _broken_import),
    Aim("notebook run out of order", "EXP004", _out_of_order, true=("order",), alone=True),
    Aim("notebook counts out of order or with gaps", "EXP004", _broken("EXP004"), true=("order", "gaps"), alone=True),
    Aim("tests exist", "TST001", _has_credit("TST001")),
    Aim("CI present", "DEP005", _has_credit("DEP005")),
)


Audits = dict[str, Audit]
"""Audits by repository, and those of single files by `repository:path`."""


def files_alone() -> set[tuple[str, str]]:
    """Repository and path of every file that is audited by itself: drawn ones, and notebooks that others labelled."""
    drawn = {(site.repo, site.path) for aim in AIMS if aim.alone for site in drawn_sites(aim.rule)}
    return drawn | {(row["repo"], row["path"]) for row in _outside_rows() if row["rule"].startswith("notebook.")}


def drawn_measures(audits: Audits) -> list[Measured]:
    """Each aim against the drawn sites; what the audit declined to judge (exit code 3) is left aside."""
    return [_drawn_measure(aim, audits) for aim in AIMS]


def _drawn_measure(aim: Aim, audits: Audits) -> Measured:
    sites = [site for site in drawn_sites(aim.rule) if _key(aim, site) in audits]
    clear = list(_clear(aim, audits))
    pairs = [(aim.said(found, site), site.agreed in aim.true) for found, site in clear]
    readers = sum(any(site.labels[index] for site in sites) for index in range(len(READERS)))
    source = f"{len(sites)} drawn sites, {readers} reader{'s' if readers > 1 else ''}"
    return Measured(aim.name, aim.rule, source, confusion(pairs), len(sites) - len(clear))


def _clear(aim: Aim, audits: Audits) -> Iterator[tuple[Audit, Drawn]]:
    for site in drawn_sites(aim.rule):
        found = audits.get(_key(aim, site))
        if found and found.judged and site.agreed is not None and site.agreed not in aim.aside:
            yield found, site


def _key(aim: Aim, site: Drawn) -> str:
    return f"{site.repo}:{site.path}" if aim.alone else site.repo


def wrong(audits: Audits) -> list[dict[str, str]]:
    """Every drawn site where the tool and the label differ: what to read next."""
    return [
        {"aim": aim.name, "repo": site.repo, "path": site.path, "subject": site.subject, "label": str(site.agreed)}
        for aim in AIMS
        for found, site in _clear(aim, audits)
        if aim.said(found, site) != (site.agreed in aim.true)
    ]


def _outside_rows() -> list[dict[str, str]]:
    rows = table(HERE / "rule-labels.tsv")
    return [{**row, "repo": row["item"].partition("@")[0], "path": row["item"].partition(":")[2]} for row in rows]


def outside_measures(audits: Audits, rule_cases: dict[str, Path]) -> list[Measured]:
    """Rules against the labels of rule-labels.tsv; `rule_cases` are work trees whose files hold authors' cases."""
    rows = _outside_rows()
    known = [row for row in rows if row["repo"] in audits]
    alone = [{**row, "repo": f"{row['repo']}:{row['path']}"} for row in rows]
    notebooks = [row for row in alone if row["repo"] in audits]
    return [
        _of_rows("notebook run out of order", "EXP004", notebooks, "notebook.out-of-order", _out_of_order, audits),
        _of_rows("notebook counts skipped", "EXP004", notebooks, "notebook.skipped-counts", _row_broken_order, audits),
        _of_rows("training code present", "train", known, "repro.training-code", _does("train"), audits),
        _of_rows("evaluation code present", "evaluate", known, "repro.evaluation-code", _does("evaluate"), audits),
        _of_rows("data versioned", "VER003", known, "version.data-versioned", _row_credit("VER003"), audits),
        *_dslinter(rows, rule_cases),
        *_fawltydeps(rows, rule_cases, audits),
    ]


_Said = Callable[[Audit, str], bool]


def _of_rows(aim: str, rule: str, rows: Iterable[dict[str, str]], key: str, said: _Said, audits: Audits) -> Measured:
    chosen = [row for row in rows if row["rule"] == key]
    pairs = [(said(audits[row["repo"]], row["path"]), row["label"] != "0") for row in chosen]
    return Measured(aim, rule, chosen[0]["set"] if chosen else "no repository on disk", confusion(pairs))


def _row_broken_order(found: Audit, _: str) -> bool:
    return any(site.credit < 1 for site in found.sites("EXP004"))


def _does(activity: str) -> _Said:
    return lambda found, _: activity in found.activities


def _row_credit(rule: str) -> _Said:
    return lambda found, _: (found.rule(rule) or {}).get("status") in ("pass", "partial")


def _dslinter(rows: list[dict[str, str]], rule_cases: dict[str, Path]) -> Iterator[Measured]:
    place = rule_cases.get("SERG-Delft/dslinter")
    chosen = [row for row in rows if row["rule"].startswith("smell.randomness_control_")] if place else []
    if place and chosen:
        pairs = [(_case_broken(place, row["item"].partition(":")[2]), row["label"] == "1") for row in chosen]
        yield Measured("seeds (cases)", "REP004", "dslinter-tests", confusion(pairs))


def _case_broken(place: Path, item: str) -> bool:
    path, _, test = item.partition("#")
    tree = ast.parse((place / path).read_text(encoding="utf-8"))
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == test)
    strings = (node.value for node in ast.walk(function) if isinstance(node, ast.Constant))
    code = max((value for value in strings if isinstance(value, str)), key=len)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.py"
        file.write_text(textwrap.dedent(code), encoding="utf-8")
        return any(site.credit < 1 for site in audit(Path(folder)).sites("REP004"))


_NOT_OURS = re.compile(r"#.*(internally|identity mapping|resolver)", re.IGNORECASE)
_GROUP = re.compile(r"#.*(internally|identity mapping|resolver|actually)", re.IGNORECASE)


def _fawltydeps(rows: list[dict[str, str]], rule_cases: dict[str, Path], audits: Audits) -> Iterator[Measured]:
    place = rule_cases.get("tweag/FawltyDeps")
    projects = {"detect-waste": "wimlds-trojmiasto/detect-waste", "requests": "psf/requests", "peppy": "pepkit/peppy"}
    if place is None or not any(row["set"] == "fawltydeps-real-projects" for row in rows):
        return
    pairs: list[tuple[bool, bool]] = []
    for name, repo in projects.items():
        if repo in audits and audits[repo].judged:
            said, true = undeclared_imports(audits[repo]), _annotated(place / f"tests/real_projects/{name}.toml")
            pairs += [(one in said, one in true) for one in sorted(said | true)]
    yield Measured("undeclared imports (real projects)", "REP001", "fawltydeps-real-projects", confusion(pairs))


def _annotated(path: Path) -> set[str]:
    """What the annotators call undeclared in the first experiment, without the groups that they put down to the tool."""
    text = path.read_text(encoding="utf-8").partition("undeclared_deps = [")[2].partition("]")[0]
    names: set[str] = set()
    counts = True
    for line in text.splitlines():
        if line.strip().startswith("#"):
            counts = not _NOT_OURS.search(line) if _GROUP.search(line) else counts
        elif counts:
            names |= set(re.findall(r"^\s*\"([^\"]+)\"", line))
    return names


def hand_checks() -> list[dict[str, Any]]:
    """Findings read by fresh eyes, a row per rule and round: checks/RULE.tsv with `right` 1 or 0 for each finding."""
    counted = []
    for path in sorted(CHECKS.glob("*.tsv")):
        rows = [row for row in table(path) if row["right"] in ("0", "1")]
        for number in sorted({int(row["round"]) for row in rows}):
            drawn = [row for row in rows if int(row["round"]) == number]
            right = sum(row["right"] == "1" for row in drawn)
            told = {"rule": path.stem, "round": number, "right": right, "read": len(drawn)}
            counted.append({**told, "interval": wilson(right, len(drawn))})
    return counted
