"""Checks of factor 7: results are tracked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Arg, Call, Value
from mlready.findings import Site, Verdict, hazard, met, met_best, missing, not_applicable, unknown
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, Use
from mlready.rules.checks.common import (
    NO_TRAINING,
    argument,
    constant,
    holds_data,
    literal_path,
    missing_in_code,
    nothing_trains,
    strings,
    written_metrics,
)

_ADDRESS_CALLS = ("mlflow.set_tracking_uri", "mlflow.tracking.set_tracking_uri", "mlflow.tracking.MlflowClient")


_OFF = frozenset(("disabled", "offline-disabled"))


def experiments_tracked(project: Project) -> Verdict:
    """TRK001: runs are logged to a tracker by the code that trains; a file of metrics for each run is half of one."""
    logging = list(project.uses("track-metrics", "autolog"))
    first = {
        (use.call.name, use.file.facts.notebook is None, project.reaches(use.node, "training")): use
        for use in reversed(logging)
    }
    sites = [_tracker_site(project, use) for use in first.values()]
    sites += [*_metrics_of_runs(project), *_metrics_of_stages(project)]
    started = _reported_by_trainer(project)
    if started is not None:
        words = f"{started.call.name}, and the trainer of transformers reports to it"
        sites.append(Site(1.0, words, started.where, key=started.call.name))
    sites = sites or list(_runs_without_metrics(project))
    if not sites and nothing_trains(project):
        return unknown(NO_TRAINING)
    if not sites:
        return missing_in_code(project, "no experiment tracker is called in the code that trains")
    return met_best(sites, 4)


def _runs_without_metrics(project: Project) -> Iterator[Site]:
    """Runs that training opens in a tracker, or gives parameters to, where no call logs a metric."""
    for use in project.uses("track", "track-params", reached="training", notebooks=False):
        said = f"{use.call.name} keeps a run, and no metric is logged to it"
        yield Site(0.5, said, use.where, key=use.call.name)


def _tracker_site(project: Project, use: Use) -> Site:
    name = use.call.name
    if use.file.facts.notebook is not None:
        training = {u.file.path for u in project.uses(*TRAIN_ACTIVITIES, "fit", notebooks=True)}
        logging = {u.file.path for u in project.uses("track-metrics", "autolog", notebooks=True)}
        share = len(training & logging) / len(training) if training else 0.0
        return Site(
            0.5 * share,
            f"{name} logs, in {len(training & logging)} of {len(training)} notebooks that train",
            use.where,
            key=name,
        )
    reached = project.reaches(use.node, "training") or use.node in _pipeline_nodes(project)
    if not reached and project.training_entries:
        return Site(0.5, f"{name} logs, though no training entry point reaches it", use.where, key=name)
    if _switched_off(project):
        return Site(0.5, f"{name} logs, and is switched off by default", use.where, key=name)
    if use.call.system in ("tensorboard", "csv-logger"):
        return Site(0.75, f"{name} logs to files of one machine", use.where, key=name)
    return Site(1.0, f"logs with {name}", use.where, key=name)


def _reported_by_trainer(project: Project) -> Use | None:
    """A run that is started where a trainer of transformers trains: it logs parameters and metrics by itself."""
    if "transformers" not in project.imported:
        return None
    classes = (scope for file in project.code_files for scope in (file.python.scopes if file.python else ()))
    trained = any(base.endswith(".Trainer") for scope in classes for base in scope.bases)
    trained = trained or next(project.calls("transformers.Trainer", "transformers.Seq2SeqTrainer"), None) is not None
    starts = [use for use in project.uses("track", notebooks=False) if use.call.system in ("wandb", "comet", "mlflow")]
    starts.sort(key=lambda use: not project.reaches(use.node, "training"))
    return starts[0] if trained and starts else None


def _pipeline_nodes(project: Project) -> frozenset[tuple[str, int]]:
    """What the stages of a pipeline reach that trains in one of its stages: evaluation may be a stage of its own."""
    if not any(entry.origin == "pipeline" for entry in project.training_entries):
        return frozenset()
    return project.graph.reach(node for entry in project.entries if entry.origin == "pipeline" for node in entry.nodes)


def _switched_off(project: Project) -> bool:
    starts = list(project.uses("track"))
    return bool(starts) and all(constant(use.call, "mode") in _OFF for use in starts)


_RUN_FILE = re.compile(r"(metric|score|result|history|report|eval)[^/]*\.(json|ya?ml|csv|xlsx)$", re.IGNORECASE)
_RUN_LOG = re.compile(r"(metric|score|result|history|eval)[^/]*\.(txt|log)$", re.IGNORECASE)
"""A text that each run adds its lines to."""


def _metrics_of_runs(project: Project) -> Iterator[Site]:
    """Metrics that training writes to a file: of each run under its own name, or over the last one's."""
    named_files = False
    for use in project.uses("write-data", "serialize", "open-file", reached="training", notebooks=False):
        mode = constant(use.call, "mode", "1") if use.call.name.endswith("open") else None
        if mode in ("r", "rb", "rt"):
            continue
        texts = [text for arg in use.call.args for text in strings(arg.value)]
        adds = str(mode).startswith("a")
        named = next((text for text in texts if _RUN_FILE.search(text) or (adds and _RUN_LOG.search(text))), "")
        if named and not _is_of_predictions(use, named):
            named_files = True
            yield _file_site(use, named)
    for use in written_metrics(project) if not named_files else ():
        if project.reaches(use.node, "training"):
            said = f"{use.call.name} writes the metrics of a run to a file"
            yield Site(0.5, said, use.where, key=use.call.name)
            return


def _metrics_of_stages(project: Project) -> Iterator[Site]:
    """Metrics that DVC keeps of each run of a pipeline that trains."""
    stages = [(file, stage) for file, stage in project.stages if stage.tool == "dvc"]
    trains = any(re.search(r"train|fit", f"{stage.name} {stage.command}") for _, stage in stages)
    for file, stage in stages if trains else ():
        if stage.metrics:
            said = f"dvc keeps {stage.metrics[0]} of each run"
            yield Site(0.75, said, file.at(stage.line), key=stage.metrics[0])
            return


_PREDICTIONS = re.compile(r"(^|_)(sub(mission)?|pred(iction)?s?|output|answers?|test)(_|$)", re.IGNORECASE)


def _is_of_predictions(use: Use, named: str) -> bool:
    """Whether a table of results holds what the model answered: `submission.to_csv("result.csv")`."""
    surely = re.search(r"metric|score|eval|history", named, re.IGNORECASE)
    return named.endswith(".csv") and not surely and bool(_PREDICTIONS.search(use.call.receiver))


def _file_site(use: Use, named: str) -> Site:
    """A metrics file: each run under its own name or in a row of its own, or over the last one's."""
    python = use.file.python
    assert python is not None
    modes = [constant(call, "mode", "1") for call in python.calls if any(named in t for t in _given(call))]
    if any(isinstance(mode, str) and mode.startswith("a") for mode in modes):
        return Site(0.5, f"appends a row to {named}", use.where, key=named)
    if "{" in named or "%" in named:
        return Site(0.5, f"writes {named}", use.where, key=named)
    return Site(0.25, f"writes {named}, over that of the last run", use.where, key=named)


def _given(call: Call) -> Iterator[str]:
    return (text for arg in call.args for text in strings(arg.value))


_STORE_NAMES = re.compile(
    r"(MLFLOW_TRACKING_URI|WANDB_(BASE_URL|PROJECT|ENTITY|API_KEY)|COMET_\w+|NEPTUNE_\w+|CLEARML_\w+|tracking_uri|tracking_url|mlflow[._]?uri)",
    re.IGNORECASE,
)
_HOSTED_LOGGERS = frozenset(("WandbLogger", "CometLogger", "NeptuneLogger"))
_HOSTED = frozenset(("wandb", "comet", "neptune", "clearml", "sagemaker", "vertex-ai", "azure-ml", "databricks"))


def central_store(project: Project) -> Verdict:
    """TRK003: the address of the tracking store comes from configuration, not from a literal."""
    literal = [use for use in project.calls(*_ADDRESS_CALLS) if _literal_address(use)]
    if literal:
        return met(
            *(Site(0.0, f"address written in code: {use.call.name}", use.where, key=use.call.name) for use in literal)
        )
    for use in project.calls(*_ADDRESS_CALLS):
        return met(Site(1.0, f"{use.call.name} is given an address from outside", use.where, key=use.call.name))
    for file in project.files:
        for row in file.facts.settings:
            if _STORE_NAMES.search(row.key) and row.value not in (None, ""):
                return met(Site(1.0, f"{row.key} names the store", file.at(row.line), key=row.key))
        for service in file.facts.services:
            if "mlflow" in f"{service.name} {service.image}":
                return met(
                    Site(1.0, f"the service {service.name} is the store", file.at(service.line), key=service.name)
                )
    for command in project.commands:
        if _STORE_NAMES.search(command.text) and command.origin != "document":
            return met(Site(1.0, f"{command.text[:50]} names the store", command.where, key="command"))
    for file, automation in project.automations:
        if any(_STORE_NAMES.search(name) for job in automation.jobs for step in job.steps for name, _ in step.env):
            return met(Site(1.0, "CI names the store", file.at(0), key=file.path))
    for use in project.uses("track", "track-metrics", "autolog", "configure"):
        if use.call.system in _HOSTED or use.call.name.rpartition(".")[2] in _HOSTED_LOGGERS:
            return met(Site(1.0, f"{use.call.name} logs to a hosted project", use.where, key=use.call.name))
    if nothing_trains(project):
        return unknown(NO_TRAINING)
    return missing("runs are kept on the machine that trains: no store is named by configuration")


def _literal_address(use: Use) -> bool:
    values = [arg.value for arg in use.call.args if arg.name in ("0", "uri", "tracking_uri")]
    return any(value.kind == "const" and isinstance(value.scalar, str) and value.scalar for value in values)


def parameters_and_metrics_logged(project: Project) -> Verdict:
    """TRK002: both the parameters and the metrics of a run are logged, or the framework logs both by itself."""
    started = _reported_by_trainer(project)
    if started is not None:
        return met(Site(1.0, f"{started.call.name}, and the trainer reports both", started.where, key="trainer"))
    locked = next(((file, stage) for file, stage in project.stages if stage.tool == "dvc" and stage.params), None)
    if locked is not None and (project.has("track-metrics") or any(stage.metrics for _, stage in project.stages)):
        file, stage = locked
        return met(Site(1.0, "dvc keeps the parameters of each run beside its metrics", file.at(stage.line), key="dvc"))
    for reached, factor in (("training", 1.0), ("", 0.5)):
        automatic = next(project.uses("autolog", reached=reached), None)  # type: ignore[arg-type]
        params = next(project.uses("track-params", reached=reached), None)  # type: ignore[arg-type]
        metrics = next(project.uses("track-metrics", reached=reached), None)  # type: ignore[arg-type]
        if automatic is not None:
            return met(Site(factor, f"{automatic.call.name} logs both", automatic.where, key=automatic.call.name))
        if params is not None and metrics is not None:
            return met(Site(factor, f"{params.call.name} and {metrics.call.name}", params.where, key=params.call.name))
        if metrics is not None and metrics.call.name.startswith("kfp."):
            words = f"{metrics.call.name}, and the pipeline keeps the parameters of each of its steps"
            return met(Site(factor, words, metrics.where, key=metrics.call.name))
        only = params or metrics
        beside = next(project.uses("track-metrics" if metrics is None else "track-params", notebooks=False), None)
        if only is not None and reached and beside is not None:
            words = f"{only.call.name} and, where no entry point was seen to reach it, {beside.call.name}"
            return met(Site(0.75, words, only.where, key=only.call.name))
        kept = _kept_parameters(project) if metrics is not None else None
        if only is not None and kept is not None:
            words = f"{only.call.name}, and {kept.call.name} keeps the parameters in a file"
            return met(Site(0.75 * factor, words, only.where, key=only.call.name))
        if only is not None:
            lacks = "metrics" if params is not None else "parameters"
            return met(
                Site(0.5 * factor, f"{only.call.name} is called, but no {lacks} are logged", only.where, key=lacks)
            )
    written = next(_metrics_of_runs(project), None)
    kept = _kept_parameters(project)
    if written is not None and kept is not None:
        words = f"{written.message}, and {kept.call.name} keeps the parameters in a file"
        return met(Site(0.75, words, written.where, key=written.key))
    if written is not None:
        return met(Site(0.5, f"{written.message}; no parameters are kept", written.where, key=written.key))
    if nothing_trains(project):
        return unknown(NO_TRAINING)
    return missing_in_code(project, "neither parameters nor metrics are logged")


_WRITES_VALUES = (
    "json.dump", "json.dumps", "yaml.dump", "yaml.safe_dump", "omegaconf.OmegaConf.save", "shutil.copy",
    "shutil.copyfile", "shutil.copy2", "hydra.main",
)  # fmt: skip
_PARAMETERS = re.compile(
    r"(^|[._])(args|opts?|options|cfg|config(uration)?|params|hparams|(hyper)?_?parameters|settings)$|^vars$",
    re.IGNORECASE,
)


def _kept_parameters(project: Project) -> Use | None:
    """A call of training that writes its settings beside the run: `json.dump(vars(args), file)`; hydra does so by itself."""
    for use in project.calls(*_WRITES_VALUES, reached="training"):
        value = argument(use.call, "0", "obj", "data", "config", "src")
        words = [value.text, *(item.text for item in value.items), *strings(value)] if value is not None else []
        rows = use.file.python.assigns if use.file.python and value is not None and value.kind == "name" else ()
        words += [key for row in rows if value is not None and row.name == value.text for key in strings(row.value)]
        if use.call.name == "hydra.main" or any(_PARAMETERS.search(word) for word in words):
            return use
    return None


_RESULT = re.compile(
    r"(result|score|metric|accuracy|experiment|leaderboard|log)s?[^/]*\.(txt|csv|xlsx?|tsv|log)$", re.IGNORECASE
)


def no_manual_results(project: Project) -> Verdict:
    """TRK004: results are not kept by hand: no spreadsheets, no text files that runs append to, no metrics that are only printed."""
    trained = list(project.uses(*TRAIN_ACTIVITIES, "fit"))
    if not trained:
        return not_applicable("nothing is trained")
    tracked = project.has("track-metrics", "autolog")
    broken = [*_appended_results(project), *_sheets(project)]
    if not tracked and not broken and not _metrics_file(project):
        broken += _only_printed(project)
    return hazard(broken, units=max(1, len({use.file.path for use in trained})))


def _appended_results(project: Project) -> list[Site]:
    sites = []
    for use in project.calls("open", ".to_csv", ".open"):
        mode = constant(use.call, "mode", "1")
        path = literal_path(use.call)
        if isinstance(mode, str) and mode.startswith("a") and path and _RESULT.search(path):
            sites.append(Site(0.0, f"appends results to {path}", use.where, key=path))
    return sites


def _sheets(project: Project) -> list[Site]:
    sites = []
    for use in project.uses("write-data"):
        path = literal_path(use.call)
        if path.endswith((".xlsx", ".xls")) and _RESULT.search(path):
            sites.append(Site(0.0, f"keeps results in the spreadsheet {path}", use.where, key=path))
    return sites


def _metrics_file(project: Project) -> bool:
    """Whether the pipeline writes its metrics to a file that machines read."""
    if any(stage.metrics for _, stage in project.stages):
        return True
    for use in project.calls(
        "json.dump", "json.dumps", "yaml.dump", ".write_text", "yaml.safe_dump", ".to_json", ".to_csv"
    ):
        if any(
            "metric" in text.lower() or "score" in text.lower() for arg in use.call.args for text in _named(arg.value)
        ):
            return True
    return any(
        re.search(r"(metrics?|scores?|evaluation|report)[^/]*\.(json|ya?ml)", text.value)
        for file in project.work_files
        for text in (file.python.texts if file.python else ())
    )


def _named(value: Value) -> Iterator[str]:
    yield from strings(value)
    if value.kind == "name":
        yield value.text


def _only_printed(project: Project) -> list[Site]:
    sites = []
    for use in project.uses("evaluate"):
        if use.call.parent == "print":
            sites.append(Site(0.0, f"{use.call.name.rpartition('.')[2]} is only printed", use.where, key=use.call.name))
    return sites


def lineage_recorded(project: Project) -> Verdict:
    """TRK005: the version of the code and of the data stands with each run."""
    code, data = _code_version(project), _data_version(project)
    if code is not None and data is not None:
        return met(Site(1.0, f"code version: {code.message}; data version: {data.message}", data.where, key="lineage"))
    if data is not None:
        return met(Site(0.5, f"data version: {data.message}; no code version", data.where, key="data"))
    if code is not None:
        return met(
            Site(0.5, f"code version: {code.message}; nothing says which data a run used", code.where, key="code")
        )
    if nothing_trains(project):
        return unknown(NO_TRAINING)
    return missing_in_code(project, "neither code nor data version is kept with a run")


_CODE_WORDS = re.compile(
    r"(^|[_.\s-])(git|commit|code)[_.-]?(sha|commit|hash|version|rev(ision)?|ref)\b|(^|[_.\s-])commit$", re.IGNORECASE
)
_DATA_WORDS = re.compile(
    r"(data(set)?|dvc|input|train)[_.-]?(version|hash|md5|sha(256)?|rev(ision)?|digest|checksum|fingerprint)",
    re.IGNORECASE,
)


def _asks_git(project: Project) -> Use | None:
    """A call of training that asks git for the commit: `git rev-parse`, GitPython."""
    for use in project.uses("shell", reached="training", notebooks=False):
        words = " ".join(text for arg in use.call.args for text in strings(arg.value))
        if re.search(r"\bgit\b.*\b(rev-parse|describe|log|show)\b", words):
            return use
    return next(project.calls("git.Repo", reached="training"), None)


def _code_version(project: Project) -> Site | None:
    for use in project.uses("track-lineage"):
        if not use.call.name.endswith(_TAGS) or any(_CODE_WORDS.search(t) for a in use.call.args for t in _keys(a)):
            return Site(1.0, use.call.name, use.where)
    for use in project.uses("track-params", "track", "track-metrics", "register-model"):
        if any(_CODE_WORDS.search(text) for arg in use.call.args for text in _keys(arg)):
            return Site(1.0, f"{use.call.name} records it", use.where)
    asked = _asks_git(project)
    if asked is not None:
        return Site(1.0, f"{asked.call.name} asks git for the commit", asked.where)
    for system, words in _RECORD_THE_COMMIT if project.git.kind != "none" else ():
        logging = list(project.uses("track", "track-metrics", "autolog", system=system, notebooks=False))
        of_training = [use for use in logging if project.reaches(use.node, "training")]
        for use in of_training or logging:
            if not _in_container(project, use):
                return Site(1.0, words, use.where)
    if any(stage.tool == "dvc" for _, stage in project.stages):
        file, stage = next((f, s) for f, s in project.stages if s.tool == "dvc")
        return Site(1.0, "dvc.lock is committed with the code", file.at(stage.line))
    return None


_RECORD_THE_COMMIT = (
    ("mlflow", "MLflow records the git commit of the entry script"),
    ("wandb", "W&B records the git commit"),
)
_COMPONENT = re.compile(r"(^|\.)(component|create_component_from_func|func_to_container_op)$")


def _in_container(project: Project, use: Use) -> bool:
    """Whether it runs in an image, where there is no repository: a component of Kubeflow, or started by a container alone."""
    if any(_COMPONENT.search(decorator.text) for decorator in use.scope.decorators):
        return True
    starts = [entry for entry in project.entries if use.node in project.graph.reach(entry.nodes)]
    return bool(starts) and all(entry.origin == "container" for entry in starts)


_TAGS = (".set_tag", ".set_tags", ".add_tags", ".add_tag")


def _keys(arg: Arg) -> Iterator[str]:
    """Names that an argument gives to what is recorded; a switch (`commit=False`) names nothing."""
    if isinstance(arg.value.scalar, bool):
        return
    yield arg.name
    yield from strings(arg.value)


def _data_version(project: Project) -> Site | None:
    for use in project.uses("version-data", "track-lineage"):
        if use.call.name.endswith(
            ("log_input", "use_artifact", "Dataset.get", "get_dataset", "from_pandas", "log_dataset")
        ) or ("version-data" in use.call.activities and holds_data(use)):
            return Site(1.0, use.call.name, use.where)
    for use in project.uses(
        "track-params", "track", "track-metrics", "log-artifact", "save-model", "write-data", "register-model"
    ):
        if any(_DATA_WORDS.search(text) for arg in use.call.args for text in _keys(arg)):
            return Site(1.0, f"{use.call.name} records it", use.where)
    for file, stage in project.stages:
        if stage.tool == "dvc" and any(not dep.endswith(".py") for dep in stage.deps):
            return Site(1.0, "dvc.lock names the data of each run", file.at(stage.line))
    return None
