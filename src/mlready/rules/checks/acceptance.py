"""Checks of factor 10: what a model must reach, and by which metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Site, Verdict, hazard, met, met_best, missing, not_applicable, unknown
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import NO_TRAINING, argument, missing_in_code, nothing_judged, strings

# ------------------------------------------------------------------------------------------------------------ CMP005

_THRESHOLD = re.compile(
    r"(^|[_.\s-])(min|max|required|accept(ance|able|ed)?|threshold|target|minimum|maximum|floor|ceiling)(?=[_.\s-]|$)",
    re.IGNORECASE,
)


_METRIC_NAME = re.compile(
    r"(^|[_.\s-])(acc(uracy)?|f1(_score)?|auc|roc|precision|recall|rmse|mae|mse|r2|mape|score|metric|latency|quality|performance|improvement)(?=[_.\s-]|$)",
    re.IGNORECASE,
)


_MODEL_SETTING = re.compile(
    r"min_split_loss|min_child|max_depth|min_samples|min_impurity|max_leaf|max_iter|scoring", re.IGNORECASE
)


"""Hyperparameters whose names look like thresholds."""


def acceptance_declared(project: Project) -> Verdict:
    """CMP005: the value that makes a model worth shipping is in configuration or a test, and is enforced."""
    sites = [
        *_enforcing_calls(project),
        *_config_thresholds(project),
        *_test_thresholds(project),
        *_cli_thresholds(project),
        *_guarded(project),
    ]
    if not sites and nothing_judged(project):
        return unknown(NO_TRAINING)
    if not sites:
        return missing_in_code(project, "no threshold says when a model is good enough to ship")
    return met_best(sites, 3)


def _enforcing_calls(project: Project) -> Iterator[Site]:
    for use in project.calls(
        "mlflow.evaluate",
        "mlflow.models.evaluate",
        "mlflow.validate_evaluation_results",
        "mlflow.models.MetricThreshold",
    ):
        if (
            use.call.name.endswith(("validate_evaluation_results", "MetricThreshold"))
            or argument(use.call, "validation_thresholds") is not None
        ):
            yield Site(1.0, f"{use.call.name} enforces thresholds", use.where, key=use.call.name)


def _config_thresholds(project: Project) -> Iterator[Site]:
    enforced = _names_of_gates(project)
    for file in project.files:
        if file.role not in ("config", "other", "ci") or not file.path.endswith(
            (".toml", ".yaml", ".yml", ".json", ".ini")
        ):
            continue
        for row in file.facts.settings:
            last = row.key.rpartition(".")[2]
            words = row.key.rpartition(".")[0].rpartition(".")[2] + "." + last
            if (
                isinstance(row.value, int | float)
                and not isinstance(row.value, bool)
                and _THRESHOLD.search(words)
                and _METRIC_NAME.search(words)
            ):
                if _MODEL_SETTING.search(words) or re.search(
                    r"drift|alert|classification_threshold|decision|psi|p_?value|coverage|cov", words, re.IGNORECASE
                ):
                    continue
                credit = 1.0 if enforced else 0.5
                tail = "" if enforced else ", and nothing seems to enforce it"
                yield Site(credit, f"{row.key} = {row.value}{tail}", file.at(row.line), key=row.key)
    for file in project.code_files:
        for field in file.python.fields if file.python else ():
            if _THRESHOLD.search(field.name) and _METRIC_NAME.search(field.name):
                yield Site(1.0 if enforced else 0.5, f"setting {field.name}", file.at(field.line), key=field.name)


def _names_of_gates(project: Project) -> bool:
    """Whether a run can stop because a model is not good enough: an exit, a raise or a branch in a function that checks."""
    gate = re.compile(r"gate|threshold|accept|promot|valid|check|better|evaluate|qualit", re.IGNORECASE)
    for file in project.code_files:
        assert file.python is not None
        for call in file.python.calls:
            scope = file.python.scopes[call.scope]
            if call.name in ("sys.exit", "exit", "SystemExit") and "if" in call.context:
                return True
            if "promote-model" in call.activities or "register-model" in call.activities:
                return True
            if gate.search(scope.name) and "if" in call.context:
                return True
        if any(gate.search(scope.name) for scope in file.python.scopes if scope.kind == "function"):
            return True
    return False


_QUALITY = re.compile(
    r"baseline|better_than|quality|at_least|good_enough|beats_|(higher|greater|lower|less|worse)_than|"
    r"(above|below|over|under)_\w*(threshold|limit|minimum|target|baseline)|(minimum|required|acceptable)_"
)
_DETAIL = re.compile(
    r"shape|label|empty|nan|refus|invalid|raises|column|dtype|type|format|decision_threshold|response|route|schema"
)
"""Words of tests that look at how something is computed, not at how good it is."""


def _test_thresholds(project: Project) -> Iterator[Site]:
    from mlready.rules.checks.assertions import test_functions

    for file, number, scope in test_functions(project):
        assert file.python is not None
        name = scope.name.lower()
        does = {activity for call in file.python.calls if call.scope == number for activity in call.activities}
        scored = "evaluate" in does and bool(_METRIC_NAME.search(name) or "threshold" in name)
        demands = bool(_QUALITY.search(name)) or scored
        judged = {"evaluate", "predict"} & does or "model" in name
        if scope.asserts and judged and demands and not _DETAIL.search(name):
            yield Site(1.0, f"{scope.name} asserts on a metric", file.at(scope.line), key=scope.name)


_LIMIT = re.compile(r"0?\.\d+|\d{2}(\.\d+)?")
_STOPS_TRAINING = re.compile(r"early|stop|patience|epoch|batch|step", re.IGNORECASE)


def _guarded(project: Project) -> Iterator[Site]:
    """`if best_score < 0.6: raise`: a run that ends when a metric is too low; half when the limit is a bare number."""
    for file in project.code_files:
        for row in file.python.guards if file.python else ():
            words = [word for word in row.words if not _LIMIT.fullmatch(word)]
            measured = row.fatal and any(_METRIC_NAME.search(word) for word in words)
            if (
                not measured
                or _STOPS_TRAINING.search(" ".join(words))
                or not project.reaches((file.path, row.scope), "any")
            ):
                continue
            if any(_THRESHOLD.search(word) for word in words):
                yield Site(1.0, f"the run ends by {' and '.join(words)}", file.at(row.line), key="guard")
            elif len(words) < len(row.words):
                yield Site(0.5, f"the run ends by {words[0]} and a bare number", file.at(row.line), key="guard")


def _cli_thresholds(project: Project) -> Iterator[Site]:
    for use in project.calls(".add_argument", "click.option", "typer.Option", "os.getenv", "os.environ.get"):
        if project.reaches(use.node, "any") or "decorator" in use.call.context:
            for text in (t for a in use.call.args for t in strings(a.value)):
                plain = re.sub(r"target[-_](metric|score)", "", text, flags=re.IGNORECASE)
                if _THRESHOLD.search(plain) and _METRIC_NAME.search(plain) and len(text) < 60 and " " not in text:
                    yield Site(1.0, f"option {text}", use.where, key=text)


# ------------------------------------------------------------------------------------------------------------ CMP006

_ACCURACY = ("accuracy_score", "Accuracy", "accuracy")


_CLASSIFIER_METRICS = re.compile(
    r"f1|precision|recall|auc|roc|log_?loss|confusion|classification_report|balanced|matthews|cohen|average_precision|brier|fbeta|jaccard|dice|iou|mcc|kappa|top_k|perplexity|mAP",
    re.IGNORECASE,
)


def metric_fits_problem(project: Project) -> Verdict:
    """CMP006: accuracy is not the only metric of a classifier."""
    by_file: dict[str, list[Use]] = {}
    for use in project.uses("evaluate"):
        by_file.setdefault(use.file.path, []).append(use)
    everywhere = any(_CLASSIFIER_METRICS.search(use.call.name) for uses in by_file.values() for use in uses)
    broken, units = [], 0
    for uses in by_file.values():
        accuracy = [use for use in uses if use.call.name.rpartition(".")[2] in _ACCURACY]
        if not accuracy:
            continue
        units += 1
        python = accuracy[0].file.python
        assert python is not None
        others = any(_CLASSIFIER_METRICS.search(call.name) or _names_metrics(call.args) for call in python.calls)
        if not others and not (everywhere and accuracy[0].file.facts.notebook is None):
            broken.append(Site(0.0, "accuracy is the only metric", accuracy[0].where, key="accuracy"))
    return hazard(broken, units=units)


def _names_metrics(args: tuple[object, ...]) -> bool:
    return any(
        _CLASSIFIER_METRICS.search(text)
        for arg in args
        for text in strings(getattr(arg, "value", None))
        if len(text) < 40
    )


_LLM_RUNNERS = re.compile(
    r"\b(promptfoo|deepeval|ragas|inspect eval|lm_eval|lm-eval|giskard|openai evals|oaieval|phoenix|trulens|mlflow genai)\b",
    re.IGNORECASE,
)


def llm_evaluated(project: Project) -> Verdict:
    """CMP008: prompts and models are evaluated against expectations, by a runner with a threshold, in CI or a pipeline."""
    commands = [c for c in project.commands if c.origin in ("ci", "pipeline") and _LLM_RUNNERS.search(c.text)]
    if commands:
        return met(Site(1.0, f"runs {commands[0].text[:60]}", commands[0].where, key="command"))
    uses = list(project.uses("evaluate-llm"))
    tested = [file for file in project.test_files if any("evaluate-llm" in call.activities for call in file.calls)]
    if tested:
        run = _tests_in_ci(project)
        tail = "" if run else ", which CI does not run"
        return met(Site(1.0 if run else 0.5, f"{tested[0].path} evaluates{tail}", tested[0].at(0), key=tested[0].path))
    for use in uses:
        run = _run_by_ci(project, use)
        tail = " in CI" if run else ", run by hand"
        return met(Site(1.0 if run else 0.5, f"{use.call.name} evaluates{tail}", use.where, key=use.call.name))
    own = _own_llm_evaluation(project)
    if own is not None:
        return met(own)
    for file in project.matching("promptfooconfig.y*ml", "*evals/*.y*ml", "*eval_set*.json*", "*golden*.json*"):
        return met(Site(0.5, f"{file.path} holds expectations, and nothing runs them", file.at(0), key=file.path))
    return missing("nothing evaluates what the language model answers")


_JUDGES_ANSWERS = re.compile(r"eval|judge|benchmark|assess|quality_gate|grade", re.IGNORECASE)


def _own_llm_evaluation(project: Project) -> Site | None:
    """Own code that asks the model and judges its answers: a runner by name, metrics beside calls, tests that assert."""
    for file in project.test_files:
        asked = any({"call-llm"} & set(call.activities) for call in file.calls)
        if asked and any(scope.asserts for scope in (file.python.scopes if file.python else ())):
            credit = 1.0 if _tests_in_ci(project) else 0.5
            return Site(credit, f"{file.path} asserts on answers", file.at(0), key=file.path)
    measured = {use.file.path for use in project.uses("evaluate")}
    for use in project.uses("call-llm"):
        named = _JUDGES_ANSWERS.search(f"{use.file.path} {use.scope.name}")
        if named or use.file.path in measured:
            run = _run_by_ci(project, use)
            tail = " in CI" if run else ", run by hand"
            return Site(
                1.0 if run else 0.5, f"{use.call.name} in what judges answers{tail}", use.where, key=use.call.name
            )
    return None


def _tests_in_ci(project: Project) -> bool:
    from mlready.rules.checks.tests import runs_tests

    return any(command.origin == "ci" and runs_tests(command) for command in project.commands)


def _run_by_ci(project: Project, use: Use) -> bool:
    entries = [e for e in project.entries if e.origin in ("ci", "pipeline")]
    return any(use.node in project.graph.reach(entry.nodes) for entry in entries)


def better_than_chance(project: Project) -> Verdict:
    """CMP009: the recorded metric beats the trivial predictor."""
    found = [
        (file, name, value) for file in project.files if file.facts.table for name, value in file.facts.table.metrics
    ]
    compared = next((site for file in project.files if (site := _beside_baseline(file)) is not None), None)
    if compared is not None:
        return met(compared)
    known = [
        (f, n, v) for f, n, v in found if re.search(r"(roc_?auc|(^|[._])auc|(^|[._])r2(_score)?)$", n, re.IGNORECASE)
    ]
    for file, name, value in known:
        chance = 0.0 if "r2" in name.lower() else 0.5
        if value <= chance + 0.005:
            return met(Site(0.0, f"{name} = {value:g} is no better than chance", file.at(0), key=name))
        return met(Site(1.0, f"{name} = {value:g} beats chance", file.at(0), key=name))
    if found:
        return unknown("the balance of the classes is not known, so chance is not known")
    return not_applicable("no metrics file is in the tree")


_TRIVIAL = re.compile(r"baseline|dummy", re.IGNORECASE)
_LOSS = re.compile(r"rmse|mae|mse|loss|error", re.IGNORECASE)


def _beside_baseline(file: ProjectFile) -> Site | None:
    """The best value of a metric beside the one of a baseline in the same file; the file's own name says nothing."""
    metrics = file.facts.table.metrics if file.facts.table else ()
    for name, limit in metrics:
        metric = _TRIVIAL.sub("", name.rpartition(".")[2]).strip("_")
        rivals = [row for row in metrics if not _TRIVIAL.search(row[0]) and row[0].rpartition(".")[2] == metric]
        if not _TRIVIAL.search(name) or not rivals:
            continue
        best, value = (min if _LOSS.search(metric) else max)(rivals, key=lambda row: row[1])
        better = value < limit if _LOSS.search(metric) else value > limit
        return Site(float(better), f"{best} = {value:g} against {limit:g} of the baseline", file.at(0), key=best)
    return None
