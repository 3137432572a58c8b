"""Checks of factor 6: drift is detected, training goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Location, Site, Verdict, met, missing, unknown
from mlready.project.commands import Command
from mlready.project.entries import started_files
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, Use
from mlready.rules.checks.common import argument, literal_path

_TOLD = ("sys.exit", "exit", "quit", "smtplib.SMTP", "SystemExit")
_ALERT_WORDS = re.compile(r"alert|notify|slack|webhook|email|mail|pagerduty|opsgenie|teams", re.IGNORECASE)


def drift_detected(project: Project) -> Verdict:
    """DRF001: live data is compared with a reference, and somebody learns of the result."""
    detectors = list(_detectors(project))
    platform = [f for f, r in project.resources if "monitor" in r.kind.lower() and "drift" in (r.kind + r.name).lower()]
    if not detectors and not platform:
        return missing("nothing compares live data with the data of training")
    sites = [_detector_site(project, use) for use in detectors]
    sites += [Site(1.0, "a drift monitor is declared", file.at(0), key=file.path) for file in platform]
    return met(*sorted(sites, key=lambda site: -site.credit)[:5])


def _detectors(project: Project) -> Iterator[Use]:
    yield from project.uses("detect-drift")
    for use in project.uses("two-sample-test"):
        words = f"{use.file.path} {use.scope.name}".lower()
        if re.search(r"drift|monitor|psi|shift|skew", words):
            yield use


def _detector_site(project: Project, use: Use) -> Site:
    name = use.call.name
    if use.file.facts.notebook is not None:
        return Site(0.5, f"{name} compares data, only in a notebook", use.where, key=name)
    if not project.reaches(use.node, "any"):
        return Site(0.25, f"{name} is called, but no entry point reaches it", use.where, key=name)
    if _told(project, use):
        return Site(1.0, f"{name} compares data, and its result is acted on", use.where, key=name)
    return Site(0.5, f"{name} makes a report, and nobody is told", use.where, key=name)


def _told(project: Project, use: Use) -> bool:
    """Whether the file (or a run that reaches it) exits, raises, alerts, triggers or exports what was found."""
    python = use.file.python
    assert python is not None
    for call in python.calls:
        meant = {"alert", "export-metrics", "schedule", "track-metrics", "deploy"} & set(call.activities)
        if meant or call.name in _TOLD or _ALERT_WORDS.search(call.name):
            return True
    if any(_ALERT_WORDS.search(scope.name) for scope in python.scopes):
        return True
    nodes = [entry for entry in project.entries if use.node in project.graph.reach(entry.nodes)]
    return any("orchestrat" in entry.reason or entry.kind == "dag" for entry in nodes)


# -------------------------------------------------------------------------------------------------------------- DRF002

_FETCHES = re.compile(
    r"\b(dvc (pull|fetch|import|update|get)|aws s3|gsutil|gcloud storage|azcopy|kaggle|wget|curl|ingest|download|fetch|extract|load_data|get_data|sync|materialize)",
    re.IGNORECASE,
)


def retraining_automated(project: Project) -> Verdict:
    """DRF002: a schedule or a data trigger starts training."""
    sites = [*_scheduled_commands(project), *_scheduled_code(project), *_scheduled_infra(project)]
    sites += _trained_by_changes(project)
    if sites:
        return met(*sorted(sites, key=lambda site: -site.credit)[:5])
    opaque = _opaque_schedule(project)
    if opaque:
        return unknown(f"{opaque} runs on a schedule, and what it calls is outside of this repository")
    return missing("nothing starts training but a person")


def _trains(project: Project, command: Command) -> bool:
    text = command.text.lower()
    if re.search(r"\b(dvc repro|dvc exp run|mlflow run|kedro run|zenml pipeline|sagemaker|az ml job create)\b", text):
        return True
    entries = {entry.path: entry for entry in project.training_entries}
    started = [entries[path] for path in started_files(project, command) if path in entries]
    several = any(entry.kind == "console-script" for entry in started)
    return bool(started) and (not several or bool(re.search(r"train|fit|pipeline|run|build", text)))


def _scheduled_commands(project: Project) -> Iterator[Site]:
    jobs: dict[tuple[str, str], list[Command]] = {}
    for command in project.commands:
        if command.origin == "ci" and {"schedule", "webhook", "workflow-run"} & set(command.triggers):
            jobs.setdefault((command.where.path, command.job), []).append(command)
    for commands in jobs.values():
        training = next((c for c in commands if _trains(project, c)), None)
        if training is None:
            continue
        fetched = any(_FETCHES.search(c.text) for c in _of_workflow(jobs, training.where.path))
        yield _training_site(project, training.where, fetched=fetched, what=f"a schedule runs {training.text[:60]}")


def _trained_by_changes(project: Project) -> list[Site]:
    """CI that trains when the code changes: a trigger, though not one that new data pulls."""
    changes = {"push", "pull-request", "tag", "release", "manual"}
    started = [
        command
        for command in project.commands
        if command.origin == "ci" and changes & set(command.triggers) and _trains(project, command)
    ]
    return [
        Site(0.5, f"a change of the code trains: {c.text[:60]}; new data does not", c.where, key="trains on change")
        for c in started[:1]
        if not re.search(r"pytest|unittest|\btest", c.text)
    ]


def _of_workflow(jobs: dict[tuple[str, str], list[Command]], path: str) -> Iterator[Command]:
    for (file, _), commands in jobs.items():
        if file == path:
            yield from commands


def _training_site(project: Project, where: Location, *, fetched: bool, what: str) -> Site:
    if fetched or not _only_committed_data(project):
        return Site(1.0, what, where, key=what)
    return Site(0.5, f"{what}, on data committed to git: it makes the same model again", where, key=what)


def _only_committed_data(project: Project) -> bool:
    """Whether all data that training reads stands in git."""
    reads = list(project.uses("read-data", reached="training"))
    if not reads:
        return False
    tracked = {file.path for file in project.files if file.tracked and not file.lfs}
    for use in reads:
        path = literal_path(use.call)
        if "read-bundled-data" in use.call.activities:
            continue
        if not path or not any(known == path or known.endswith("/" + path.lstrip("./")) for known in tracked):
            return False
    return True


_SCHEDULES = ("schedule", "schedule_interval", "cron", "cron_schedule", "timetable", "interval", "rrule")


def _scheduled_code(project: Project) -> Iterator[Site]:
    """Airflow, Prefect, Dagster and their like: a pipeline with a schedule whose module trains or starts training."""
    for file in project.code_files:
        assert file.python is not None
        for call in file.python.calls:
            if not {"orchestrate", "schedule", "deploy"} & set(call.activities):
                continue
            value = argument(call, *_SCHEDULES)
            timed = value is not None and not (value.kind == "const" and value.scalar in (None, "", "@once"))
            if not timed and not ("schedule" in call.activities and "orchestrate" not in call.activities):
                continue
            if _pipeline_trains(project, Use(file, call)):
                where = file.at(call.line)
                yield _training_site(
                    project, where, fetched=_fetches(project, file.path), what=f"{call.name} schedules training"
                )
                break


def _pipeline_trains(project: Project, use: Use) -> bool:
    python = use.file.python
    assert python is not None
    nodes = project.graph.reach((use.file.path, i) for i in range(len(python.scopes)))
    if any(other.node in nodes for other in project.uses(*TRAIN_ACTIVITIES, "fit")):
        return True
    shell = [text.value for text in python.texts if text.kind in ("shell", "path", "other")]
    shell += [str(arg.value.scalar) for call in python.calls for arg in call.args if isinstance(arg.value.scalar, str)]
    return any(re.search(r"\btrain|dvc repro|mlflow run", text) for text in shell)


def _fetches(project: Project, path: str) -> bool:
    file = project.by_path[path]
    words = [s.name for s in file.python.scopes] if file.python else []
    texts = [t.value for t in file.python.texts] if file.python else []
    values = (
        [str(a.value.scalar) for c in file.python.calls for a in c.args if isinstance(a.value.scalar, str)]
        if file.python
        else []
    )
    return any(_FETCHES.search(word) for word in (*words, *texts, *values))


def _scheduled_infra(project: Project) -> Iterator[Site]:
    for file, resource in project.resources:
        details = dict(resource.details)
        if resource.kind in (
            "CronJob",
            "CronWorkflow",
            "aws_cloudwatch_event_rule",
            "aws_scheduler_schedule",
            "google_cloud_scheduler_job",
        ):
            text = f"{resource.name} {details.get('command', '')} {details.get('args', '')} {details.get('image', '')}"
            if re.search(r"train", text, re.IGNORECASE):
                yield Site(
                    1.0, f"{resource.kind} {resource.name} starts training", file.at(resource.line), key=resource.name
                )


def _opaque_schedule(project: Project) -> str:
    for file, automation in project.automations:
        if "schedule" in automation.triggers and any(job.calls for job in automation.jobs):
            return file.path
    return ""


# -------------------------------------------------------------------------------------------------- DRF003 .. DRF005

_REFERENCE = re.compile(r"reference|baseline|profile|train(ing)?_?(sample|stat|distribution)", re.IGNORECASE)


def reference_kept(project: Project) -> Verdict:
    """DRF003: the training pipeline writes the reference that drift is measured against."""
    for use in project.uses(
        "write-data", "log-artifact", "profile-data", "save-model", "serialize", reached="training"
    ):
        said = f"{literal_path(use.call)} {use.call.receiver} {_words(use)}"
        if _REFERENCE.search(said) or "profile-data" in use.call.activities:
            return met(Site(1.0, f"{use.call.name} keeps a reference", use.where, key=use.call.name))
    for file, stage in project.stages:
        if any(_REFERENCE.search(out) for out in stage.outs):
            return met(Site(1.0, f"stage {stage.name} keeps a reference", file.at(stage.line), key=stage.name))
    return missing("training keeps no reference of its data")


def _words(use: Use) -> str:
    """Names and texts of a call's arguments, and the function that it stands in."""
    parts = [use.scope.name]
    for arg in use.call.args:
        parts += [arg.name, arg.value.text, str(arg.value.scalar or "")]
        parts += [f"{item.text} {item.scalar or ''}" for item in arg.value.items]
    return " ".join(parts)


_COMPARES = ("if", "try", "debug")


def promotion_gated(project: Project) -> Verdict:
    """DRF004: what registers, promotes or deploys a model stands behind a comparison."""
    registered = (use for use in project.uses("register-model") if use.call.system != "zenml")
    uses = list(project.uses("promote-model")) or list(registered)
    sites = [_gate_site(project, use) for use in uses]
    sites += _gated_deliveries(project) + _gated_stages(project)
    if not sites:
        return missing("no model is promoted by a rule: nothing compares a candidate with the current model")
    return met(*sorted(sites, key=lambda site: -site.credit)[:5])


def _gate_site(project: Project, use: Use) -> Site:
    name = use.call.name
    if name.endswith("push_to_hub") and use.file.facts.notebook is not None:
        return Site(0.0, f"{name} publishes whatever was trained", use.where, key=name)
    judged = _judges(project, use)
    if "if" in use.call.context and judged:
        return Site(1.0, f"{name} stands behind a condition", use.where, key=name)
    if judged and _called_under_condition(project, use):
        return Site(1.0, f"{use.scope.name} is called behind a condition", use.where, key=name)
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
        for call in file.python.calls if file.python else ():
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


def _gated_deliveries(project: Project) -> list[Site]:
    """Branch operators of orchestrators, and CI that evaluates before it deploys."""
    branch = re.compile(r"BranchPythonOperator|ShortCircuitOperator|ConditionStep|dsl\.(If|Condition)|BranchOperator")
    return [
        Site(1.0, f"{use.call.name} decides what is promoted", use.where, key=use.call.name)
        for use in project.uses("orchestrate", "pipeline-step")
        if branch.search(use.call.name) and _judges(project, use)
    ]


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


_TRUTH = re.compile(r"outcome|truth|feedback|actual|label_arriv|realized|ground_truth|observed", re.IGNORECASE)


def outcomes_fed_back(project: Project) -> Verdict:
    """DRF005: recorded predictions meet what came true."""
    for use in project.uses("record-outcomes", reached="any"):
        return met(Site(1.0, f"{use.call.name} keeps outcomes", use.where, key=use.call.name))
    for use in project.uses("join-tables", reached="any", notebooks=False):
        said = f"{use.call.receiver} {_words(use)} {use.file.path}"
        if _TRUTH.search(said) and re.search(r"predict|score|recorded|log", said, re.IGNORECASE):
            return met(Site(1.0, f"{use.call.name} joins predictions to outcomes", use.where, key=use.call.name))
    return missing("predictions are never compared with what came true")
