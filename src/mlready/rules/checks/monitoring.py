"""Checks of factor 11: the model is watched in production."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Site, Verdict, hazard, met, met_best, missing
from mlready.project.entries import MAIN, operations
from mlready.project.graph import Node
from mlready.project.project import Project, Use
from mlready.rules.checks.batch import recorded
from mlready.rules.checks.common import constant, drift_monitors, inserted_rows, strings
from mlready.rules.checks.drift import own_detectors

# ------------------------------------------------------------------------------------------------------------- MON001


def logging_used(project: Project) -> Verdict:
    """MON001: code that trains or serves logs instead of printing. The unit is the module."""
    reached = project.training_nodes | project.serving_nodes
    broken, units = [], 0
    by_file: dict[str, set[int]] = {}
    for path, number in reached:
        by_file.setdefault(path, set()).add(number)
    for file in project.code_files:
        assert file.python is not None
        numbers = by_file.get(file.path)
        aside = _COMMAND_MODULE.search(file.path) or _HANDED_OUT.match(file.path) or _MEASURES.search(file.path)
        if not numbers or aside:
            continue
        units += 1
        printed = [
            (line, scope)
            for line, scope in file.python.prints
            if scope in numbers and not _is_demo(project, file.path, scope)
        ]
        if not printed:
            continue
        logs = any(
            "log" in call.activities
            or call.system in ("logging", "loguru", "structlog")
            or _MAKES_LOGGER.search(call.name)
            for call in file.python.calls
        )
        said = f"prints {len(printed)} times" + (" beside its logger" if logs else " and logs nothing")
        broken.append(Site(0.5 if logs else 0.0, said, file.at(printed[0][0]), key="print"))
    return hazard(broken, units=units)


_MAKES_LOGGER = re.compile(r"(^|[._])(get|create|setup|make|init)_?\w*logger$", re.IGNORECASE)
"""A wrapper around a logger, of the project or of a framework."""
_COMMAND_MODULE = re.compile(r"(^|/)(cli|commands?|__main__)(\.py$|/)")
"""What a command prints is its result."""
_HANDED_OUT = re.compile(r"(.*/)?(data|datasets?|inputs?)/(.*/)?(kaggle_evaluation|\w+_(utils|gateway))(/|\.py$)")
"""Code that a competition hands out with its data."""
_MEASURES = re.compile(
    r"(^|/)benchmarks?(/|_\w+\.py$|\.py$)|(^|/)(profile|profiling)_\w*(train|model|infer|forward|backward|memory|gpu|speed)\w*\.py$"
)
"""Scripts that measure speed: their report is what they are for."""


def _is_demo(project: Project, path: str, scope: int) -> bool:
    """A print under the main guard is the output of a command."""
    python = project.by_path[path].python
    return python is not None and python.scopes[scope].name == MAIN


# --------------------------------------------------------------------------------------------------- MON002 .. MON005

_RECORDS = re.compile(
    r"(record|log|save|store|persist|write|insert|append|publish|capture|send|track)_?\w*(predict\w*|inference|request|event|payload|response|sample|result)|prediction_?(log|record|store|table|event)|inference_?(log|table)",
    re.IGNORECASE,
)


_PLATFORM_RECORDS = (
    "DataCaptureConfig",
    "InferenceLogger",
    "KafkaProducer",
    "inferenceservice.logger",
    "auto_capture_config",
    "inference_table",
)


_ROW_OF_TABLE = re.compile(
    r"(predict|inference|forecast|request|response|score)\w*\.objects\.(bulk_)?create$", re.IGNORECASE
)
"""`PredictionLog.objects.create(…)`: a row of a table of Django."""
_ANSWER_COLUMN = re.compile(r"\b(answer|response|completion|prediction|predicted_\w+|predicted)\b", re.IGNORECASE)
_OTHER_TASK = re.compile(r"_*(fit|train|retrain|tune|evaluate|list|get|read|fetch|load|find|query|count)(_|$)")
"""Names of functions that do something else than answer: they train, or look up what was kept."""


def predictions_recorded(project: Project) -> Verdict:
    """MON002: what came in and what was answered is kept."""
    for use in project.uses("record-predictions"):
        if use.file.facts.notebook is None:
            return met(Site(1.0, f"{use.call.name} records predictions", use.where, key=use.call.name))
    for use in serving_calls(project):
        name = use.call.name
        if any(word in name for word in _PLATFORM_RECORDS):
            return met(Site(1.0, f"{name} records predictions", use.where, key=name))
        writes = {"write-data", "database", "publish", "stream", "track-metrics", "log-artifact"} & set(
            use.call.activities
        )
        if _OTHER_TASK.match(use.scope.name.rpartition(".")[2]):
            continue
        said_so = _RECORDS.search(f"{use.scope.name} {name}")
        if writes and (said_so or (_scope_predicts(use) and writes - {"track-metrics", "log-artifact"})):
            return met(Site(1.0, f"{use.scope.name or name} records predictions ({name})", use.where, key=name))
    for where, sql in inserted_rows(project):
        if _ANSWER_COLUMN.search(sql):
            return met(Site(1.0, "answers are rows of a table", where, key="insert"))
    appended = next((use for use in serving_calls(project) if _appends(use) and _answers(project, use)), None)
    if appended is not None:
        said = f"{appended.scope.name or appended.file.name} appends predictions to a file"
        return met(Site(1.0, said, appended.where, key="append"))
    for use in serving_calls(project):
        if _RECORDS.search(use.call.name.rpartition(".")[2]) or _ROW_OF_TABLE.search(use.call.name):
            return met(Site(1.0, f"{use.call.name} records predictions", use.where, key=use.call.name))
    for use in serving_calls(project):
        if "log" in use.call.activities and _logs_prediction(use):
            return met(Site(0.5, "predictions go to the log", use.where, key="log"))
    for file, resource in project.resources:
        kept = [key for key, _ in resource.details if "DataCapture" in key]
        if "logger" in dict(resource.details) or "DataCapture" in resource.kind or kept:
            return met(
                Site(
                    1.0, f"{resource.kind} {resource.name} records requests", file.at(resource.line), key=resource.name
                )
            )
    captured = _captured_by_endpoint(project)
    if captured is not None:
        return met(captured)
    job = recorded(project)
    if job is not None:
        return met(job)
    return missing("predictions are not recorded: nobody can say what the model answered yesterday")


def _captured_by_endpoint(project: Project) -> Site | None:
    """An endpoint of SageMaker that is made with boto3 and captures its data: `config["DataCaptureConfig"] = {…}`."""
    for file in project.code_files:
        for row in file.python.assigns if file.python else ():
            keys = (text for item in row.value.items for text in strings(item)) if row.value.kind == "dict" else ()
            if row.name.endswith(f"['{_CAPTURES}']") or _CAPTURES in keys:
                said = "the endpoint captures what it is asked and answers"
                return Site(1.0, said, file.at(row.line), key=_CAPTURES)
    return None


_CAPTURES = "DataCaptureConfig"


def serving_calls(project: Project) -> Iterator[Use]:
    nodes = project.serving_nodes
    for file in project.code_files:
        for call in file.calls:
            if (file.path, call.scope) in nodes:
                yield Use(file, call)


def _appends(use: Use) -> bool:
    """`open(path, "a")`, `path.open("a")`, `table.to_csv(path, mode="a")`, or a method of a store that adds a row."""
    called = use.call.name.rpartition(".")[2]
    mode = constant(use.call, "mode", "1") or (constant(use.call, "0") if called == "open" else None)
    if isinstance(mode, str) and re.fullmatch(r"a[bt+]*", mode) and (called == "open" or called.startswith("to_")):
        return True
    return called in ("insert_one", "insert_many", "insert_rows_json") or bool(
        {"write-data", "publish"} & set(use.call.activities)
    )


_PREDICTS = re.compile(r"(^|[._])(predict|infer|score|classif|answer|recommend|forecast)\w*$", re.IGNORECASE)
_STEPS = 3
"""Functions between the one that predicts and the one that writes, at most."""


def _answers(project: Project, use: Use) -> bool:
    """Whether a call stands in a function that predicts, or in a helper that such a function calls."""
    if _scope_predicts(use):
        return True
    if not use.node[1]:
        return False
    appends = use.call.name.endswith("open") or constant(use.call, "mode") is not None
    near = _called_by_predictions(project, steps=_STEPS if appends else 1)
    return use.node in near


def _called_by_predictions(project: Project, *, steps: int) -> set[Node]:
    """The functions that are called, over a few steps, by serving functions that predict."""
    near = {
        other.node
        for other in serving_calls(project)
        if other.node[1] and (_PREDICTS.search(other.scope.name) or "predict" in other.call.name.rpartition(".")[2])
    }
    for _ in range(steps):
        near |= {node for known in near for node in project.graph.edges.get(known, ()) if node[1]}
    return near


def _scope_predicts(use: Use) -> bool:
    python = use.file.python
    assert python is not None
    return any(
        call.scope == use.call.scope
        and ("predict" in call.activities or re.search(r"(^|[._])predict(_\w+)?$", call.name))
        for call in python.calls
    )


def _logs_prediction(use: Use) -> bool:
    """Whether a value is logged beside the word: a fixed text records nothing, nor what only a debug level writes."""
    if use.call.name.endswith(".debug") or all(arg.value.kind == "const" for arg in use.call.args):
        return False
    said = " ".join(text for arg in use.call.args for text in (*strings(arg.value), arg.value.text, arg.name))
    return bool(re.search(r"predict|prob|score|result|output", said, re.IGNORECASE)) and _scope_predicts(use)


_METRIC_SYSTEMS = re.compile(
    r"prometheus|opentelemetry|datadog|statsd|ddtrace|newrelic|elasticapm|applicationinsights|sentry|logfire",
    re.IGNORECASE,
)


_OWN_METRICS = (
    "bentoml",
    "ray",
    "seldon-core",
    "kserve",
    "mlserver",
    "torchserve",
    "tensorflow-serving",
    "triton",
    "litserve",
)


def service_metrics(project: Project) -> Verdict:
    """MON003: latency, throughput and errors of the service are exported."""
    for use in project.uses("export-metrics", notebooks=False):
        if use.call.system not in project.systems:
            continue
        if project.reaches(use.node, "any") or "decorator" in use.call.context:
            return met(Site(1.0, f"{use.call.name} exports metrics", use.where, key=use.call.name))
    for command in project.commands:
        if (
            command.origin in ("container", "infra")
            and _METRIC_SYSTEMS.search(command.text)
            and not re.search(r"\binstall\b", command.text)
        ):
            return met(Site(1.0, f"{command.text[:50]} exports metrics", command.where, key="command"))
    for file, resource in project.resources:
        if resource.kind in (
            "ServiceMonitor",
            "PodMonitor",
            "InferenceService",
            "SeldonDeployment",
            "RayService",
            "aws_sagemaker_endpoint",
            "aws_cloudwatch_metric_alarm",
            "AWS::CloudWatch::Alarm",
            "AWS::CloudWatch::Dashboard",
            "AWS::SageMaker::Endpoint",
        ):
            return met(
                Site(1.0, f"{resource.kind} {resource.name} brings metrics", file.at(resource.line), key=resource.name)
            )
    declared = _declared_in_code(project)
    if declared is not None:
        return met(Site(1.0, f"{declared.call.name} watches metrics", declared.where, key="declared"))
    for use in project.uses("trace", notebooks=False):
        said = f"{use.call.name} traces requests: latency and errors, and no load"
        return met(Site(0.5, said, use.where, key=use.call.name))
    for use in project.uses("serve", "endpoint", notebooks=False):
        if use.call.system in _OWN_METRICS:
            return met(
                Site(
                    0.25,
                    f"{use.call.system} has metrics by itself, and nothing collects them",
                    use.where,
                    key=use.call.system,
                )
            )
    return missing("nothing exports latency, load and errors of the service")


_HEALTH = re.compile(
    r"(^|/)(health(z|check|_check|-check)?|live(z|ness)?|ready(z|ness)?|ping|status|heartbeat|alive)(/|$)",
    re.IGNORECASE,
)


_OF_OTHERS = re.compile(
    r"mlflow|grafana|prometheus|postgres|mysql|redis|minio|airflow|kafka|mongo|loki|alertmanager|rabbitmq|elastic|kibana|jaeger|zookeeper"
    r"|traefik|nginx|pushgateway|exporter|registry|localstack",
    re.IGNORECASE,
)
"""What stands beside a service and answers for itself."""
_ASKED_BY_PLATFORM = (
    "AWS::SageMaker::Endpoint",
    "aws_sagemaker_endpoint",
    "google_vertex_ai_endpoint",
    "InferenceService",
)


def health_endpoint(project: Project) -> Verdict:
    """MON004: something says whether the service is alive and ready."""
    for use in project.uses("health"):
        return met(Site(1.0, use.call.name, use.where, key=use.call.name))
    for use in project.uses("endpoint", notebooks=False):
        for arg in use.call.args:
            if any(_HEALTH.search(text) for text in strings(arg.value)):
                return met(Site(1.0, f"an endpoint {next(strings(arg.value))}", use.where, key="endpoint"))
        if _HEALTH.search(f"/{use.scope.name.rpartition('.')[2]}"):
            return met(Site(1.0, f"an endpoint {use.scope.name}", use.where, key="endpoint"))
    for path, number in operations(project):
        python = project.by_path[path].python
        scope = python.scopes[number] if python else None
        if scope is not None and _HEALTH.search(f"/{scope.name}"):
            return met(Site(1.0, f"an endpoint {scope.name}", project.by_path[path].at(scope.line), key="endpoint"))
    for file, container in project.containers:
        if container.healthcheck:
            return met(Site(1.0, "HEALTHCHECK in the image", file.at(0), key=file.path))
    for file in project.files:
        for service in file.facts.services:
            if service.healthcheck and service.build and not re.search(r"copy|backup|old", file.name, re.IGNORECASE):
                return met(
                    Site(1.0, f"health check of the service {service.name}", file.at(service.line), key=service.name)
                )
    for file, resource in project.resources:
        if any("probe" in key.lower() for key, _ in resource.details) and not _OF_OTHERS.search(resource.name):
            return met(Site(1.0, f"probes of {resource.name}", file.at(resource.line), key=resource.name))
        if resource.kind in _ASKED_BY_PLATFORM:
            said = f"the platform asks {resource.name} whether it is alive"
            return met(Site(1.0, said, file.at(resource.line), key=resource.name))
    for use in project.uses("serve", "endpoint", notebooks=False):
        if use.call.system in (*_OWN_METRICS, "mlflow", "streamlit", "gradio"):
            said = f"{use.call.system} has health endpoints by itself, and nothing here asks them"
            return met(Site(0.75, said, use.where, key=use.call.system))
    return missing("no health endpoint, probe or HEALTHCHECK")


_ALERTS = re.compile(
    r"(^|/)(alert(s|ing|_rules|manager|-rules)?|prometheus[-_]?rules?|monitors?|dashboards?|grafana)[^/]*(/|\.(ya?ml|json|tf)$)",
    re.IGNORECASE,
)


_ALERT_KEYS = re.compile(
    r"(^|[._])(alerts?|alerting|panels|rules|receivers|dashboards?|monitors?)(\[\d+\]|[._]|$)", re.IGNORECASE
)


def alerts_as_code(project: Project) -> Verdict:
    """MON005: alert rules, dashboards or monitors stand in the repository."""
    kinds = re.compile(
        r"PrometheusRule|AlertRule|Alert|alarm|monitor|dashboard|grafana|notification_channel", re.IGNORECASE
    )
    for file, resource in project.resources:
        if kinds.search(resource.kind) and resource.kind not in ("ServiceMonitor", "PodMonitor"):
            return met(Site(1.0, f"{resource.kind} {resource.name}", file.at(resource.line), key=resource.name))
    for file in project.files:
        if (
            file.size
            and file.role in ("config", "infra", "other", "data")
            and _ALERTS.search(file.path)
            and any(_ALERT_KEYS.search(row.key) for row in file.facts.settings)
        ):
            return met(Site(1.0, f"{file.path} declares alerts or dashboards", file.at(0), key=file.path))
    declared = _declared_in_code(project)
    if declared is not None:
        return met(Site(1.0, f"{declared.call.name} declares an alarm or a dashboard", declared.where, key="declared"))
    for use in project.uses("alert", reached="any", notebooks=False):
        if use.call.name.startswith("smtplib") and not _tells_of_trouble(use):
            continue  # Mail is for anything.
        return met(Site(0.5, f"{use.call.name} sends an alert from code", use.where, key=use.call.name))
    return missing("no alert rules, dashboards or monitors are kept as code")


def _declared_in_code(project: Project) -> Use | None:
    """An alarm or a dashboard among infrastructure that is written in Python."""
    return next(project.uses("alert", "monitor", system="aws-cdk", notebooks=False), None)


def _tells_of_trouble(use: Use) -> bool:
    python = use.file.python
    assert python is not None
    words = [use.scope.name, use.file.name, *(text.value for text in python.texts if text.scope == use.call.scope)]
    return bool(re.search(r"alert|alarm|fail|error|drift|warn|incident|anomal|degrad", " ".join(words), re.IGNORECASE))


# ------------------------------------------------------------------------------------------------------------- MON006

_BROAD = frozenset(("", "Exception", "BaseException", "builtins.Exception", "builtins.BaseException"))


def errors_not_swallowed(project: Project) -> Verdict:
    """MON006: no bare or empty except around training and serving. The unit is the handler."""
    reached = project.training_nodes | project.serving_nodes
    broken, units = [], 0
    for file in project.code_files:
        for row in file.python.handlers if file.python and not _MEASURES.search(file.path) else ():
            if (file.path, row.scope) not in reached:
                continue
            units += 1
            bare = not row.types
            broad = bare or bool(set(row.types) & _BROAD)
            if row.silent and broad:
                broken.append(Site(0.0, "swallows every error", file.at(row.line), key="swallows"))
            elif bare and not row.reraises and not row.logs:
                broken.append(
                    Site(0.5, "a bare except also catches what nobody expects", file.at(row.line), key="bare")
                )
    return hazard(broken, units=units)


def inputs_and_predictions_compared(project: Project) -> Verdict:
    """MON007: live inputs and predictions are compared with those of training."""
    sites = []
    measured = list(project.uses("detect-drift", "two-sample-test", reached="any", notebooks=False))
    for use in measured or [use for use in own_detectors(project) if project.reaches(use.node, "any")]:
        python = use.file.python
        assert python is not None
        words = " ".join(
            [
                use.file.path,
                *(t.value for t in python.texts),
                *(c.name for c in python.calls),
                *(s.name for s in python.scopes),
                *(r.name for r in python.assigns),
            ]
            + [text for call in python.calls for arg in call.args for text in (*strings(arg.value), arg.value.text)]
        )
        predicted = re.search(r"predict|target|score|prob", words, re.IGNORECASE)
        compared = re.search(r"reference|baseline|train", words, re.IGNORECASE)
        credit = 1.0 if predicted and compared else 0.5
        what = "inputs and predictions" if predicted else "inputs"
        sites.append(Site(credit, f"{use.call.name} compares {what} with a reference", use.where, key=use.call.name))
    monitors = drift_monitors(project)
    both = any("predict" in f"{row.kind} {row.name}".lower() for _, row in monitors)
    for file, row in monitors[:1]:
        what = "inputs and predictions" if both else "inputs"
        said = f"{row.name} compares {what} with a reference"
        sites.append(Site(1.0 if both else 0.5, said, file.at(row.line), key=row.name))
    if not sites:
        return missing("live inputs and predictions are not compared with those of training")
    return met_best(sites, 3)
