"""Check of preprocessing that stands twice: once for training, once for predictions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Scope, Value
from mlready.findings import Site, Verdict, hazard
from mlready.project.graph import Node
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import argument, functions
from mlready.rules.checks.sides import PREPARES, apart, is_layer, predicting_side, preprocessing, training_side

_COMMON_NAMES = re.compile(
    r"^(__\w+__|main|run|fit|predict|forward|(load|save|read|get|fetch)_(model|checkpoint|preprocessor|artifact|pipeline)\w*|get_\w*config\w*|setup\w*|train\w*|index|"
    r"health|parse_args|read_root|root|home|startup|evaluate|call|get|post|lifespan|setUp|test_.*|\w*submi(t|ssion)\w*|"
    r"post_?process\w*|\w*(plot|draw|show|log|hash|digest|sha\d*|parser|metric|loss)\w*)$",
    re.IGNORECASE,
)
_ALIKE = 0.6
"""Share of what two functions do and name from which on one is a near copy of the other."""
_TELLING = 7
"""What a function must do and name at least before it is compared."""
_MOST = 300
"""Functions of a side that are compared with each other."""

Prepared = tuple[ProjectFile, int, Scope]


def no_duplicated_preprocessing(project: Project) -> Verdict:
    """SKW003: no function that prepares data stands twice, once for training and once for predictions."""
    training, predicting = training_side(project), predicting_side(project)
    serving = _preparing(project, predicting - training)
    fitting = [row for row in _preparing(project, training - predicting) if not _is_aside(project, row[0])]
    broken = [site for row in serving[:_MOST] if (site := _copied(row, fitting[:_MOST])) is not None]
    broken += _different_fills(project, training - predicting, predicting - training)
    return hazard(broken, units=max(len(serving), 1))


def _preparing(project: Project, nodes: frozenset[Node]) -> list[Prepared]:
    """The functions that prepare data: by what they call, or by their names."""
    prepares = {use.node for use in preprocessing(project)}
    return [
        (file, number, scope)
        for file, number, scope in _functions_of(project, nodes)
        if not _COMMON_NAMES.match(_short(scope))
        and not is_layer(file, number)
        and ((file.path, number) in prepares or PREPARES.search(scope.name))
    ]


def _copied(row: Prepared, others: list[Prepared]) -> Site | None:
    """The function of training that a function for predictions repeats."""
    file, number, scope = row
    beside = [other for other in others if other[0].path != file.path and not apart(file.path, other[0].path)]
    for other, _, twin in beside:
        if scope.body_hash and scope.body_hash == twin.body_hash:
            return _copy_site(file, scope, (other, twin), same=True)
    words = _said_in(file, number)
    if len(words) < _TELLING:
        return None
    for other, n, twin in beside:
        theirs = _said_in(other, n)
        if len(theirs) >= _TELLING and len(words & theirs) >= _ALIKE * len(words | theirs):
            return _copy_site(file, scope, (other, twin), same=False)
    return None


def _said_in(file: ProjectFile, number: int) -> frozenset[str]:
    """What a function calls, which columns it takes and which constants it passes: what a near copy shares."""
    assert file.python is not None
    found: set[str] = set()
    for call in file.python.calls:
        if call.scope == number and not call.name.endswith((".info", ".debug", ".warning")) and call.name != "print":
            found.add(call.name.rpartition(".")[2])
            found |= {str(arg.value.scalar) for arg in call.args if arg.value.kind == "const"}
    found |= {row.index for row in file.python.subscripts if row.scope == number and len(row.index) < 60}
    return frozenset(found)


def _is_aside(project: Project, file: ProjectFile) -> bool:
    """Whether a notebook stands beside training code: what it repeats is another rule's."""
    return file.facts.notebook is not None and project.has(*TRAIN_ACTIVITIES, "fit", "preprocess", notebooks=False)


def _functions_of(project: Project, nodes: frozenset[Node]) -> Iterator[tuple[ProjectFile, int, Scope]]:
    for file in project.work_files:
        assert file.python is not None
        for number, _ in functions(file):
            if (file.path, number) in nodes and not file.python.scopes[number].trivial:
                yield file, number, file.python.scopes[number]


def _short(scope: Scope) -> str:
    return scope.name.rpartition(".")[2]


def _copy_site(file: ProjectFile, scope: Scope, twin: tuple[ProjectFile, Scope], *, same: bool) -> Site:
    where = twin[0].at(twin[1].line)
    if same:
        return Site(0.0, f"{scope.name} is a copy of {twin[1].name} in {where}", file.at(scope.line), key=scope.name)
    words = f"{scope.name} prepares data much as {twin[1].name} in {where} does for training"
    return Site(0.5, words, file.at(scope.line), key=scope.name, certain=False)


def _different_fills(project: Project, training: frozenset[Node], predicting: frozenset[Node]) -> Iterator[Site]:
    """A column whose missing values predictions fill with a constant and training with a statistic."""
    fills = list(project.calls(".fillna"))
    learned = {
        column: use
        for use in fills
        if use.node in training and _statistic(argument(use.call, "0", "value")) and (column := _column(use))
    }
    for use in fills:
        value = argument(use.call, "0", "value")
        other = learned.get(_column(use))
        if other is None or use.node not in predicting or value is None or value.kind != "const":
            continue
        how = _statistic(argument(other.call, "0", "value"))
        words = f"predictions fill {value.scalar} where training fills the {how} ({other.where})"
        yield Site(0.0, words, use.where, key="fillna")


def _statistic(value: Value | None) -> str:
    if value is None or value.kind != "call":
        return ""
    last = value.text.rpartition(".")[2]
    return last if last in ("mean", "median", "mode", "min", "max") else ""


def _column(use: Use) -> str:
    """The column that is filled, as far as the receiver names one."""
    found = re.search(r"\[(['\"])(.+?)\1\]", use.call.receiver)
    return found[2] if found else ""
