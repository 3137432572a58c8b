"""Checks of factor 6: drift is detected, training goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Call, PythonFacts, Scope
from mlready.findings import Location, Site, Verdict, met, met_best, missing, unknown
from mlready.project.commands import Command
from mlready.project.entries import started_files
from mlready.project.graph import Node
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import NO_TRAINING, argument, drift_monitors, literal_path, nothing_trains, step_texts

_TOLD = ("sys.exit", "exit", "quit", "smtplib.SMTP", "SystemExit")
_ALERT_WORDS = re.compile(r"alert|notify|slack|webhook|email|mail|pagerduty|opsgenie|teams", re.IGNORECASE)


def drift_detected(project: Project) -> Verdict:
    """DRF001: live data is compared with a reference, and somebody learns of the result."""
    detectors = list(_detectors(project))
    platform = drift_monitors(project)
    sites = [_detector_site(project, use) for use in _one_a_chain(project, detectors)]
    sites += [Site(1.0, f"{row.name} is declared", file.at(row.line), key=row.name) for file, row in platform]
    sites += () if sites else [_detector_site(project, use) for use in own_detectors(project)]
    if not sites:
        return missing("nothing compares live data with the data of training")
    return met_best(sites, 5 if detectors or platform else 1)


_OF_ONE_SET = re.compile(r"error|correct|wrong|positive|negative", re.IGNORECASE)
"""Parts of one data set that are compared: hits and errors, the classes."""


def _detectors(project: Project) -> Iterator[Use]:
    yield from project.uses("detect-drift")
    for use in project.uses("two-sample-test"):
        words = f"{use.file.path} {use.scope.name}".lower()
        given = " ".join(arg.value.text for arg in use.call.args)
        if re.search(r"drift|monitor|psi|shift|skew", words) and not _OF_ONE_SET.search(given):
            yield use


_DISTANCE = re.compile(
    r"(^|[._])_?(\w+_)?(psi|population_stability(_index)?|wasserstein|ks_test|ks_statistic|js_divergence|kl_divergence|drift)(_\w+)?$",
    re.IGNORECASE,
)
_OF_THE_MODEL = re.compile(r"(model|performance|accuracy|metric)_drift")
"""Metrics of one training held against those of another: no data is compared."""
_OF_REFERENCE = re.compile(r"(^|[._])(reference|baseline|expected|train(ing)?)([._]|$)", re.IGNORECASE)


def own_detectors(project: Project) -> Iterator[Use]:
    """Functions of the project that measure drift by hand: their name says so, and they look at a reference."""
    for file in project.code_files:
        for number, scope in enumerate(file.python.scopes if file.python else ()):
            if _OF_THE_MODEL.search(scope.name):
                continue
            about_drift = re.search(r"drift|psi|population_stability|shift", f"{file.path} {scope.name}", re.IGNORECASE)
            measures = scope.kind == "function" and not scope.trivial and _DISTANCE.search(scope.name)
            if about_drift and measures and any(_OF_REFERENCE.search(name) for name in _known_names(file, number)):
                yield Use(file, Call(name=scope.name, line=scope.line, scope=number))


def _known_names(file: ProjectFile, number: int) -> Iterator[str]:
    """What a function is given, reads and binds."""
    assert file.python is not None
    scope = file.python.scopes[number]
    yield from (param.name for param in scope.params)
    yield from scope.refs
    yield from (
        target for call in file.python.calls if call.scope == number for target in (*call.targets, call.receiver)
    )
    yield from (row.name for row in file.python.assigns if row.scope == number)
    yield from (row.base for row in file.python.subscripts if row.scope == number)


def _one_a_chain(project: Project, uses: list[Use]) -> list[Use]:
    """One use for each file, and none for what another one calls: `Report(…).run(…)` is one comparison."""
    first: dict[Node, Use] = {}
    by_path: dict[str, Node] = {}
    for use in uses:
        node = by_path.setdefault(use.file.path, use.node) if use.file.facts.notebook is None else use.node
        known = first.get(node)
        if known is None or (use.call.targets and not known.call.targets):
            first[node] = use
    inner = {
        other
        for node in first
        if node[1]
        for other in project.graph.reach([node])
        if other in first and other != node and other[1]
    }
    return [use for node, use in first.items() if node not in inner] or list(first.values())[:1]


def _detector_site(project: Project, use: Use) -> Site:
    name = use.call.name
    if use.file.facts.notebook is not None:
        return Site(0.5, f"{name} compares data, only in a notebook", use.where, key=name)
    if not project.reaches(use.node, "any"):
        return Site(0.25, f"{name} is called, but no entry point reaches it", use.where, key=name)
    if _told(project, use):
        return Site(1.0, f"{name} compares data, and its result is acted on", use.where, key=name)
    if project.reaches(use.node, "serving"):
        return Site(0.5, f"{name} compares data when somebody asks, and nobody is told", use.where, key=name)
    return Site(0.5, f"{name} compares data, and nobody is told", use.where, key=name)


def _told(project: Project, use: Use) -> bool:
    """Whether the file, or a function that the result comes back to, exits, raises, alerts, triggers or exports it."""
    python = use.file.python
    assert python is not None
    if any(_tells(call) for call in python.calls) or any(_ALERT_WORDS.search(scope.name) for scope in python.scopes):
        return True
    leading = project.graph.leading_to([use.node])
    for path, number in leading:
        found = project.by_path[path].python
        if found is not None and _acts(found, number, _own_names(project, use, (path, number), leading)):
            return True
    nodes = [entry for entry in project.entries if use.node in project.graph.reach(entry.nodes)]
    return any("orchestrat" in entry.reason or entry.kind == "dag" for entry in nodes)


def _tells(call: Call) -> bool:
    meant = {"alert", "export-metrics", "schedule", "track-metrics", "deploy"} & set(call.activities)
    return bool(meant) or call.name in _TOLD or bool(_ALERT_WORDS.search(call.name))


def _own_names(project: Project, use: Use, node: Node, leading: frozenset[Node]) -> frozenset[str]:
    """Names that hold what the detector, or a function that leads to it, gave back in a scope."""
    python = project.by_path[node[0]].python
    assert python is not None
    return frozenset(
        target
        for call in python.calls
        if call.scope == node[1]
        and call.targets
        and (
            call is use.call
            or any(other in leading and other[1] for other in project.graph.resolve(node[0], call.name))
        )
        for target in call.targets
    )


def _acts(python: PythonFacts, number: int, held: frozenset[str]) -> bool:
    """Whether a scope compares what came back with a limit and leaves, or ends the run."""
    guarded = any(row.scope == number and held & set(row.words) for row in python.guards)
    return guarded or any(
        call.scope == number and call.name in _TOLD and "if" in call.context for call in python.calls if held
    )


# -------------------------------------------------------------------------------------------------------------- DRF002

_FETCHES = re.compile(
    r"\b(dvc (pull|fetch|import|update|get)|aws s3|gsutil|gcloud storage|azcopy|kaggle|wget|curl|ingest|download|fetch|extract|load_data|get_data|sync|materialize)",
    re.IGNORECASE,
)


def retraining_automated(project: Project) -> Verdict:
    """DRF002: a schedule or a data trigger starts training."""
    sites = [*_scheduled_commands(project), *_scheduled_code(project), *_scheduled_infra(project)]
    sites += [*_scheduled_deployments(project), *_started_by_events(project), *_trained_by_changes(project)]
    sites += _trained_on_drift(project)
    if sites:
        return met_best(sites, 5)
    if nothing_trains(project):
        return unknown(NO_TRAINING)
    unread = next((f for f in project.files if re.search(r"(^|/)dags?/[^/]+\.py$", f.path) and f.facts.problem), None)
    if unread is not None:
        return unknown(f"{unread.path} could not be read, and it may start training")
    event = _event_rule(project)
    if event:
        return unknown(f"an event rule is declared in {event}, and what it starts cannot be told")
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


def _trained_on_drift(project: Project) -> Iterator[Site]:
    """What trains, called under a condition in a function that looks for drift."""
    trains = project.nodes(*TRAIN_ACTIVITIES, "fit")
    looks = {use.node for use in _detectors(project) if use.file.facts.notebook is None and use.call.scope}
    for path, number in sorted(looks):
        file = project.by_path[path]
        for call in file.calls:
            if call.scope != number or "if" not in call.context:
                continue
            if project.graph.reach(project.graph.resolve(path, call.name)) & trains:
                yield Site(1.0, f"{call.name} trains where drift is found", file.at(call.line), key=call.name)


_TRIAL = re.compile(r"\becho\b|fixture|smoke|\btests?\b|lint|check", re.IGNORECASE)
"""Commands and jobs that try the pipeline out."""


def _trained_by_changes(project: Project) -> list[Site]:
    """CI that trains when the code changes: a trigger, though not one that new data pulls."""
    changes, timed = {"push", "pull-request", "tag", "release", "manual"}, {"schedule", "webhook", "workflow-run"}
    started = [
        command
        for command in project.commands
        if command.origin == "ci"
        and changes & set(command.triggers)
        and not timed & set(command.triggers)
        and not _TRIAL.search(f"{command.job} {command.text}")
        and _trains(project, command)
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
    for path in {use.file.path} | {path for path, _ in nodes}:
        shell += step_texts(project.by_path[path], whole=path == use.file.path)
    named = {text.removeprefix("./") for text in shell if re.fullmatch(r"[\w./-]+\.py", text)}
    files = [file for file in project.code_files if any(f"/{file.path}".endswith(f"/{name}") for name in named)]
    started = project.graph.reach((file.path, i) for file in files for i in range(len(_scopes(file))))
    if any(other.node in started for other in project.uses(*TRAIN_ACTIVITIES, "fit")):
        return True
    return any(re.search(r"\btrain|dvc repro|mlflow run", text) for text in shell)


def _scopes(file: ProjectFile) -> tuple[Scope, ...]:
    return file.python.scopes if file.python else ()


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
        timed = resource.tool == "azureml" and "schedule" in details
        if timed or resource.kind in (
            "CronJob",
            "CronWorkflow",
            "aws_cloudwatch_event_rule",
            "aws_scheduler_schedule",
            "google_cloud_scheduler_job",
        ):
            given = (details.get(key, "") for key in ("command", "args", "image", "job"))
            text = " ".join((resource.name, *given))
            if re.search(r"train", text, re.IGNORECASE):
                yield Site(
                    1.0, f"{resource.kind} {resource.name} starts training", file.at(resource.line), key=resource.name
                )


def _scheduled_deployments(project: Project) -> Iterator[Site]:
    """Deployments of Prefect with a schedule, whose flow trains."""
    entrypoints = {(file.path, stage.name): stage.command for file, stage in project.stages if stage.tool == "prefect"}
    training = project.nodes(*TRAIN_ACTIVITIES, "fit")
    for file, resource in project.resources:
        path, _, flow = entrypoints.get((file.path, resource.name), "").partition(":")
        if resource.tool != "prefect" or resource.kind != "schedule" or not resource.details or not path:
            continue
        found = project.by_path.get(path.removeprefix("./"))
        scopes = found.python.scopes if found is not None and found.python else ()
        starts = [(found.path, i) for i, scope in enumerate(scopes) if scope.name == flow or not i] if found else []
        named = re.search(r"train", f"{resource.name} {flow}", re.IGNORECASE)
        if named or not training.isdisjoint(project.graph.reach(starts)):
            said = f"the deployment {resource.name} trains on a schedule"
            yield _training_site(project, file.at(resource.line), fetched=True, what=said)


_STARTS = (
    ".start_pipeline_execution", ".start_execution", ".create_training_job", ".create_pipeline_job", ".trigger_dag",
    ".start_build", ".submit_job",
)  # fmt: skip
_HANDLER = re.compile(r"(^|[._])(lambda_)?handler$")


def _started_by_events(project: Project) -> Iterator[Site]:
    """A function that a platform calls on an event, and that starts the pipeline which trains."""
    for use in project.calls(*_STARTS):
        scopes = use.file.python.scopes if use.file.python else ()
        handlers = [(use.file.path, i) for i, scope in enumerate(scopes) if _HANDLER.search(scope.name)]
        says_so = re.search(r"train", f"{use.file.path} {use.scope.name}", re.IGNORECASE)
        if says_so and use.node in project.graph.reach(handlers):
            yield Site(1.0, f"{use.call.name} starts training on an event", use.where, key=use.call.name)
            return


def _event_rule(project: Project) -> str:
    """A file that declares a rule for events or a timetable in the words of a cloud platform."""
    for file in project.files:
        if file.path.endswith((".yml", ".yaml", ".json")) and file.role not in ("test", "docs", "vendored"):
            for row in file.facts.settings:
                if row.key.endswith(".Type") and str(row.value) in ("AWS::Events::Rule", "AWS::Scheduler::Schedule"):
                    return file.path
    return ""


def _opaque_schedule(project: Project) -> str:
    for file, automation in project.automations:
        if "schedule" in automation.triggers and any(job.calls for job in automation.jobs):
            return file.path
    return ""


# -------------------------------------------------------------------------------------------------- DRF003 .. DRF005

_REFERENCE = re.compile(r"reference|baseline|profile|train(ing)?_?(sample|stat|distribution)", re.IGNORECASE)


_REFERENCE_DATA = re.compile(r"reference|profile|train(ing)?_?(sample|stat|distribution)", re.IGNORECASE)
"""What a call that may also save a model must say: a baseline may be a model."""


def reference_kept(project: Project) -> Verdict:
    """DRF003: the training pipeline writes the reference that drift is measured against."""
    for use in project.uses(
        "write-data", "log-artifact", "profile-data", "save-model", "serialize", reached="training"
    ):
        said = f"{literal_path(use.call)} {use.call.receiver} {_words(use)}"
        named = _REFERENCE.search(said)
        if "save-model" in use.call.activities and "profile-data" not in use.call.activities:
            named = _REFERENCE_DATA.search(said)
        if named or "profile-data" in use.call.activities:
            return met(Site(1.0, f"{use.call.name} keeps a reference", use.where, key=use.call.name))
    for use in project.uses("write-data", notebooks=False):
        if _REFERENCE_TABLE.search(f"{use.call.receiver} {literal_path(use.call)}"):
            return met(Site(1.0, f"{use.call.name} keeps a reference", use.where, key=use.call.name))
    for file, stage in project.stages:
        if any(_REFERENCE.search(out) for out in stage.outs):
            return met(Site(1.0, f"stage {stage.name} keeps a reference", file.at(stage.line), key=stage.name))
    compared = _compared_training_data(project)
    if compared is not None:
        return met(compared)
    return missing("training keeps no reference of its data")


_REFERENCE_TABLE = re.compile(
    r"(^|[\s/._])(reference|baseline)(_(df|data|frame|table|set|sample|stats))?(\.(csv|parquet|json))?(\s|$)"
)
_TRAINING_TABLE = re.compile(r"train[^/]*\.(csv|parquet|feather|jsonl?|pkl)$", re.IGNORECASE)


def _compared_training_data(project: Project) -> Site | None:
    """Training data by its path in the files that measure drift: the reference is what training read."""
    paths = {use.file.path for use in _detectors(project)} | {use.file.path for use in own_detectors(project)}
    folders = tuple({path.rpartition("/")[0] + "/" for path in paths if "drift" in path.rpartition("/")[0].lower()})
    for file in project.code_files:
        if file.path in paths or (folders and file.path.startswith(folders)):
            for text in file.python.texts if file.python else ():
                if _TRAINING_TABLE.search(text.value):
                    return Site(1.0, f"drift is measured against {text.value}", file.at(text.line), key=text.value)
    return None


def _words(use: Use) -> str:
    """Names and texts of a call's arguments, and the function that it stands in."""
    parts = [use.scope.name]
    for arg in use.call.args:
        parts += [arg.name, arg.value.text, str(arg.value.scalar or "")]
        parts += [f"{item.text} {item.scalar or ''}" for item in arg.value.items]
    return " ".join(parts)


# -------------------------------------------------------------------------------------------------------------- DRF005

_TRUTH = re.compile(
    r"outcome|truth|feedback|actual|label_arriv|realized|ground_truth|observed|observations", re.IGNORECASE
)


def outcomes_fed_back(project: Project) -> Verdict:
    """DRF005: recorded predictions meet what came true."""
    for use in project.uses("record-outcomes", reached="any"):
        return met(Site(1.0, f"{use.call.name} keeps outcomes", use.where, key=use.call.name))
    kept = _feedback(project)
    if kept is not None:
        return met(kept)
    for use in project.uses("join-tables", reached="any", notebooks=False):
        said = f"{use.call.receiver} {_words(use)} {use.file.path}"
        if _TRUTH.search(said) and re.search(r"predict|score|recorded|log", said, re.IGNORECASE):
            return met(Site(1.0, f"{use.call.name} joins predictions to outcomes", use.where, key=use.call.name))
    measured = _performance_watched(project)
    if measured is not None:
        return met(measured)
    settled = _settled(project)
    return met(settled) if settled is not None else missing("predictions are never compared with what came true")


def _performance_watched(project: Project) -> Site | None:
    """A report of Evidently on drift that holds predictions against the truth too, outside of training."""
    watching = {use.file.path for use in _detectors(project)}
    for use in project.uses("evaluate", system="evidently", reached="any", notebooks=False):
        if use.file.path in watching and not project.reaches(use.node, "training"):
            said = f"{use.call.name} holds recent predictions against what came true"
            return Site(1.0, said, use.where, key=use.call.name)
    return None


_MEETS = re.compile(
    r"(^|[._])_?(evaluate|score|verify|settle|grade|reconcile|match|compare|backfill|resolve)_(\w+_)?"
    r"(forecasts?|predictions?|outcomes?|observations?|actuals?)(_\w+)?$"
)
_FORETOLD = re.compile(r"forecast|predict", re.IGNORECASE)
_RECORDED = re.compile(
    r"(^|[._])(db|session|conn|cursor|repository|store)([._]|$)|logs?$|_log(s|_\w+)?$|record|pending|history", re.I
)


def _settled(project: Project) -> Site | None:
    """A function that takes predictions from where they were recorded and holds them against what came true."""
    for file in project.code_files:
        for number, scope in enumerate(file.python.scopes if file.python else ()):
            if scope.kind != "function" or scope.trivial or not _MEETS.search(scope.name):
                continue
            names = [scope.name, *_known_names(file, number)]
            met_all = all(any(word.search(name) for name in names) for word in (_FORETOLD, _TRUTH, _RECORDED))
            if met_all and project.reaches((file.path, number), "any"):
                return Site(
                    1.0, f"{scope.name} holds predictions against outcomes", file.at(scope.line), key=scope.name
                )
    return None


_KEEPS_FEEDBACK = re.compile(
    r"(^|[._])(save|store|record|log|insert|add|submit|write)_\w*(feedback|outcome|ground_truth)\w*$"
)


def _feedback(project: Project) -> Site | None:
    """A function that keeps what users or reality answered, reached while requests are answered."""
    for file in project.code_files:
        for number, scope in enumerate(file.python.scopes if file.python else ()):
            reached = project.reaches((file.path, number), "serving")
            if scope.kind == "function" and not scope.trivial and reached and _KEEPS_FEEDBACK.search(scope.name):
                return Site(1.0, f"{scope.name} keeps outcomes", file.at(scope.line), key=scope.name)
    return None
