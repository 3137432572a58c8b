"""Check of factor 10: metrics are computed per group of the data too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Site, Verdict, met_best, unknown
from mlready.project.project import Project, ProjectFile
from mlready.rules.checks.common import NO_TRAINING, argument, missing_in_code, nothing_judged


def evaluation_sliced(project: Project) -> Verdict:
    """CMP007: metrics are computed per group of the data; per class is half of it."""
    sites = [*_library_slices(project), *_grouped_metrics(project), *_own_slices(project), *_named_slices(project)]
    sites += () if sites else _per_class(project)
    if sites:
        return met_best(sites, 1)
    if nothing_judged(project):
        return unknown(NO_TRAINING)
    return missing_in_code(project, "metrics are for all the data at once: a group that does badly does not show")


def _library_slices(project: Project) -> Iterator[Site]:
    for use in project.uses("evaluate-slices"):
        credit = 1.0 if use.file.facts.notebook is None else 0.5
        yield Site(credit, f"{use.call.name} evaluates per group", use.where, key=use.call.name)


def _grouped_metrics(project: Project) -> Iterator[Site]:
    """A metric beside a `groupby`, or in what the grouping function calls for each group."""
    for file in project.code_files:
        grouped = {call.scope for call in file.calls if call.name.endswith(".groupby")}
        for call in file.calls:
            if "evaluate" in call.activities and call.scope in grouped:
                yield Site(1.0, f"{call.name} per group", file.at(call.line), key=call.name)
        for number in grouped:
            if helper := _measuring_helper(project, file, number):
                assert file.python is not None
                scope = file.python.scopes[number]
                yield Site(1.0, f"{scope.name} measures each group with {helper}", file.at(scope.line), key=helper)


def _measuring_helper(project: Project, file: ProjectFile, number: int) -> str:
    """A function of the project's own that the grouping function calls and that computes metrics; "" if there is none.

    Entry points reach everything, so only functions are looked at that do little else than grouping.
    """
    assert file.python is not None
    scope = file.python.scopes[number]
    if scope.kind != "function" or scope.statements > 12:
        return ""
    for path, helper in project.graph.edges.get((file.path, number), ()):
        reached = project.graph.reach([(path, helper)])
        if helper and any(use.node in reached for use in project.uses("evaluate")):
            found = project.by_path[path].python
            return found.scopes[helper].name if found else ""
    return ""


_SLICES = re.compile(
    r"fairness|(^|_)(sliced|sub_?groups?)(_|$)|(evaluat\w*|score|metric)_slices?(_|$)|"
    r"(by|per|each)_(group|segment|slice|cohort|identity|region|country|site|term)s?(_|$)"
)


def _own_slices(project: Project) -> Iterator[Site]:
    """Functions of the project whose name speaks of groups, and that compute a metric."""
    measured = {use.node for use in project.uses("evaluate", notebooks=False)}
    for file in project.code_files:
        for number, scope in enumerate(file.python.scopes if file.python else ()):
            name = f"{file.name.removesuffix('.py')} {scope.name}".lower()
            node = (file.path, number)
            named = (
                scope.kind == "function" and not scope.trivial and any(_SLICES.search(word) for word in name.split())
            )
            if named and project.reaches(node, "any") and not measured.isdisjoint(project.graph.reach([node])):
                yield Site(1.0, f"{scope.name} evaluates per group", file.at(scope.line), key=scope.name)


_MEASURE = re.compile(
    r"(^|_)(metrics?|scores?|errors?|err|acc(uracy)?|precisions?|recalls?|f1|f_?beta|auc|aucs|auroc|ap|iou|ious|dices?|accuracies|aps|rmse|mae|"
    r"mape|mse|r2|performance|quality)(_|$)"
)
_GROUP = re.compile(
    r"(^|_)(by|per|each|for_each)_(groups?|sub_?groups?|segments?|cohorts?|regions?|locations?|sites?|countr(y|ies)|states?|"
    r"stores?|products?|items?|skus?|customers?|patients?|subjects?|genders?|sex|ages?|races?|languages?|domains?|topics?|"
    r"months?|weeks?|weekdays?|days?|hours?|seasons?|years?|horizons?|ref)(_|$)|"
    r"(^|_)(segments?|sub_?groups?|cohorts?)_(metrics|scores|errors|performance|report)(_|$)"
)
_FAIRNESS = re.compile(
    r"fairness_(\w+_)?(metrics?|scores?|report|gap|audit|eval\w*)|(eval\w*|measure|compute|check|audit|assess)_(\w+_)?fairness|"
    r"(^|_)(fair_(measures?|metrics?|scores?)|disparate_impact|demographic_parity|equali[sz]ed_odds|equal_opportunity)(_|$)"
)
_CLASS = re.compile(
    r"(^|_)(by|per|each|for_each)_?(class(es)?|labels?|categor(y|ies)|organs?|structures?|types?|intents?|entit(y|ies))(_|$)"
    r"|(^|_)(class|label|category)_?wise(_|$)|(^|_)(class|label|organ)_((dice|iou|f1|auc|ap)_scores|dices|ious|accuracies|aps|aucs|metrics)$"
)
_TABLES_OF_CLASSES = (".classification_report", ".confusion_matrix", ".ConfusionMatrix", "ConfusionMatrix")


def _named_slices(project: Project) -> Iterator[Site]:
    """`rmse_by_region = …`, `def fair_measure(…)`: what is measured for each group, whatever computes it."""
    for file, number, line, name in _names(project):
        low = name.lower()
        if _FAIRNESS.search(low) or (_GROUP.search(low) and _MEASURE.search(low)):
            whole = file.facts.notebook is None and project.reaches((file.path, number), "any")
            yield Site(1.0 if whole else 0.5, f"{name} measures each group", file.at(line), key=name)


def _per_class(project: Project) -> Iterator[Site]:
    """Metrics of each class: which class does badly shows, which group of the data does not."""
    said = "shows classes, not groups of the data"
    for use in project.calls(*_TABLES_OF_CLASSES):
        name = use.call.name.rpartition(".")[2]
        yield Site(0.5, f"{name} {said}", use.where, key=name)
    for use in project.uses("evaluate"):
        average = argument(use.call, "average")
        if average is not None and average.kind == "const" and average.scalar in (None, "none"):
            yield Site(0.5, f"{use.call.name} {said}", use.where, key=use.call.name)
    for file, _, line, name in _names(project):
        low = name.lower()
        if _CLASS.search(low) and _MEASURE.search(low):
            yield Site(0.5, f"{name} {said}", file.at(line), key=name)


def _names(project: Project) -> Iterator[tuple[ProjectFile, int, int, str]]:
    """(file, scope, line, name) of the functions of the project, their options, and what they bind results to."""
    for file in project.work_files:
        assert file.python is not None
        for number, scope in enumerate(file.python.scopes):
            if scope.kind == "function":
                owner, _, last = scope.name.rpartition(".")
                yield file, number, scope.line, last
                yield from ((file, number, scope.line, f"{owner}_{param.name}") for param in scope.params)
        for call in file.python.calls:
            yield from ((file, call.scope, call.line, name) for name in call.targets)
        for row in file.python.assigns:
            yield file, row.scope, row.line, row.name
