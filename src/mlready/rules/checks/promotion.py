"""Check of factor 6: a model is promoted only when it is good enough."""

from __future__ import annotations

import re

from mlready.findings import Site, Verdict, met_best, missing, unknown
from mlready.project.project import Project, Use
from mlready.rules.checks.common import NO_TRAINING, argument, constant, nothing_trains
from mlready.rules.checks.trials import tags_stage


def promotion_gated(project: Project) -> Verdict:
    """DRF004: what registers, promotes or deploys a model stands behind a comparison."""
    registered = (use for use in project.uses("register-model") if use.call.system != "zenml")
    promoted = [use for use in project.uses("promote-model") if _promotes(use)]
    judged = [(use, _gate_site(project, use)) for use in promoted or list(registered) if not _is_own(project, use)]
    told = [use for use, site in judged if not site.credit and _is_told(project, use)]
    sites = [site for use, site in judged if use not in told]
    sites += _gated_deliveries(project) + _gated_stages(project) + _gated_functions(project)
    if not sites and nothing_trains(project):
        return unknown(NO_TRAINING)
    if not sites and told:
        return unknown(f"{told[0].call.name} ({told[0].where}) promotes what its caller or a person names")
    if not sites:
        return missing("no model is promoted by a rule: nothing compares a candidate with the current model")
    return met_best(sites, 5)


_NO_TRAFFIC = frozenset(("archived", "none", "staging", "challenger", "candidate", "shadow", "latest"))
_GOES_BACK = re.compile(r"roll_?back|revert|restore", re.IGNORECASE)


def _promotes(use: Use) -> bool:
    """Whether a new model takes traffic: to archive, to name a challenger or to go back is not to promote."""
    if _GOES_BACK.search(use.scope.name) or (use.call.name.endswith("_tag") and not tags_stage(use)):
        return False
    names = ("alias", "1") if use.call.name.endswith("_alias") else ("stage", "2")
    return str(constant(use.call, *names) or "").lower() not in _NO_TRAFFIC


def _is_told(project: Project, use: Use) -> bool:
    """Whether the alias, or the version where nothing trains, is a parameter: what is promoted is decided elsewhere."""
    given = {param.name for param in use.scope.params}
    alias = argument(use.call, "alias", "1") if use.call.name.endswith("_alias") else None
    if alias is not None and alias.kind == "name" and alias.text in given:
        return True
    version = argument(use.call, "version", "2" if alias is not None else "1")
    named = version is not None and version.kind == "name" and version.text in given
    return named and not project.reaches(use.node, "training")


def _is_own(project: Project, use: Use) -> bool:
    """Whether the method is one of a class of the project: its name alone says nothing of a registry."""
    return any(number for _, number in project.graph.resolve(use.file.path, use.call.name))


def _gate_site(project: Project, use: Use) -> Site:
    name = use.call.name
    if name.endswith("push_to_hub") and use.file.facts.notebook is not None:
        return Site(0.0, f"{name} publishes whatever was trained", use.where, key=name)
    judged = _judges(project, use)
    if "if" in use.call.context and judged:
        return Site(1.0, f"{name} stands behind a condition", use.where, key=name)
    if judged and _called_under_condition(project, use):
        return Site(1.0, f"{use.scope.name} is called behind a condition", use.where, key=name)
    if _leaves_before(use):
        return Site(1.0, f"{name} is reached only when the comparison before it holds", use.where, key=name)
    if _raises_before(use):
        return Site(1.0, f"{name} is reached only when the check before it passes", use.where, key=name)
    return Site(0.0, f"{name} promotes whatever was trained", use.where, key=name)


_JUDGES = re.compile(
    r"metric|score|f1|auc|accuracy|rmse|mae|loss|better|improve|threshold|champion|candidate|accept|gate|baseline|current|compare|evaluat|promot",
    re.IGNORECASE,
)


def _judges(project: Project, use: Use) -> bool:
    """Whether a metric or a comparison is spoken of where the model is promoted (a mere switch is no gate)."""
    python = use.file.python
    assert python is not None
    near = [call.name for call in python.calls if call.scope == use.call.scope]
    near += [target for call in python.calls if call.scope == use.call.scope for target in call.targets]
    near += [row.name for row in python.assigns if row.scope == use.call.scope]
    near += [use.scope.name, *use.scope.refs, *(param.name for param in use.scope.params)]
    return any(_JUDGES.search(name) for name in near) or any("evaluate" in call.activities for call in python.calls)


def _called_under_condition(project: Project, use: Use) -> bool:
    function = use.scope.name.rpartition(".")[2]
    if not function or function.endswith(">"):
        return False
    for file in project.code_files:
        for call in file.calls:
            if call.name.rpartition(".")[2] == function and "if" in call.context:
                return True
    return False


def _raises_before(use: Use) -> bool:
    python = use.file.python
    assert python is not None
    gate = re.compile(
        r"gate|threshold|accept|validate_model|check_|is_better|better_than|compare|should_", re.IGNORECASE
    )
    return any(
        call.scope == use.call.scope and call.line < use.call.line and gate.search(call.name) for call in python.calls
    )


def _leaves_before(use: Use) -> bool:
    """`if auc <= best: return` before the model is promoted."""
    python = use.file.python
    assert python is not None
    return any(
        row.scope == use.call.scope and row.line < use.call.line and any(_JUDGES.search(word) for word in row.words)
        for row in python.guards
    )


_BRANCH = re.compile(
    r"BranchPythonOperator|ShortCircuitOperator|ConditionStep|dsl\.(If|Condition)|BranchOperator|ChoiceRule\.|"
    r"(ConditionGreater|ConditionLess)\w+"
)


def _gated_deliveries(project: Project) -> list[Site]:
    """Branch operators of orchestrators that choose by a metric."""
    uses = [Use(file, call) for file in project.code_files for call in file.calls]
    return [
        Site(1.0, f"{use.call.name} decides what is promoted", use.where, key=use.call.name)
        for use in uses
        if _BRANCH.search(use.call.name) and _judges(project, use)
    ][:1]


_PROMOTES = re.compile(r"(^|[._])(promote|deploy|swap|release|rollout)(_(model|version|alias|candidate|champion))?$")
_GATE = re.compile(r"gate|is_better|better_than|passes|regress|validate_candidate|accept", re.IGNORECASE)


_ASKED = re.compile(r"(^|_)(gate|validation|approved|approval|passed|is_better)(_|$)", re.IGNORECASE)


def _gated_functions(project: Project) -> list[Site]:
    """A function of the project that promotes, and asks a gate of its own first."""
    found = []
    for file in project.code_files:
        assert file.python is not None
        for number, scope in enumerate(file.python.scopes):
            if scope.kind != "function" or not _PROMOTES.search(scope.name):
                continue
            asked = [row for row in file.python.guards if row.scope == number and _GATE.search(" ".join(row.words))]
            named = [c for c in file.python.calls if c.scope == number and _GATE.search(c.name.rpartition(".")[2])]
            given = scope.raises and any(_ASKED.search(param.name) for param in scope.params)
            if (asked or named or given) and project.reaches((file.path, number), "any"):
                found.append(Site(1.0, f"{scope.name} asks a gate first", file.at(scope.line), key=scope.name))
    return found[:1]


def _gated_stages(project: Project) -> list[Site]:
    """Stages of a pipeline that promote by the metrics which another stage of it writes."""
    stage_of = {metric: stage.name for _, stage in project.stages for metric in stage.metrics}
    return [
        Site(1.0, f"stage {stage.name} decides by {dep} of stage {stage_of[dep]}", file.at(stage.line), key=stage.name)
        for file, stage in project.stages
        if re.search(r"promot|deploy|releas|register", stage.name, re.IGNORECASE)
        for dep in stage.deps
        if dep in stage_of and stage_of[dep] != stage.name
    ][:1]
