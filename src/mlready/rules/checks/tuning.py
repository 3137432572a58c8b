"""Check of factor 7: what a search for hyperparameters tried is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Arg, Value
from mlready.findings import Site, Verdict, met_best, not_applicable
from mlready.project.project import Project, Use
from mlready.rules.checks.common import strings

_KEPT_TRIALS = ("storage", "logger", "log_dir", "local_dir", "storage_path", "run_config")
_KEEPING_SYSTEMS = ("wandb", "mlflow", "comet", "neptune", "ray", "sagemaker", "keras-tuner")
_KEEPING_CALLBACKS = re.compile(r"mlflow|wandb|weights|neptune|comet|tensorboard|logger", re.IGNORECASE)


def tuning_recorded(project: Project) -> Verdict:
    """TRK006: every trial of a search is kept."""
    tuned = _searches(project)
    if not tuned:
        return not_applicable("nothing is tuned")
    written = list(_results_saved(project))
    logged = [*project.uses("autolog"), *(u for u in project.uses("track-metrics") if u.call.name.endswith("Callback"))]
    sites = []
    for use in tuned:
        storage = next((arg for arg in use.call.args if _keeps(arg)), None)
        if use.call.system in _KEEPING_SYSTEMS:
            sites.append(Site(1.0, f"{use.call.name} keeps its trials", use.where, key=use.call.name))
        elif storage is not None:
            sites.append(Site(1.0, f"{use.call.name} keeps its trials ({storage.name})", use.where, key=use.call.name))
        elif (saved := next((other for other in written if _near(other, use)), None)) is not None:
            sites.append(Site(1.0, "the results of the search are written out", saved.where, key=use.call.name))
        elif (tracked := _logged_by_objective(project, use)) is not None:
            sites.append(Site(1.0, f"each trial calls {tracked.call.name}", tracked.where, key=use.call.name))
        elif (by := next((other for other in logged if _near(other, use)), None)) is not None:
            said = f"{by.call.name.rpartition('.')[2]} records the trials"
            sites.append(Site(1.0, said, use.where, key=use.call.name))
        else:
            sites.append(
                Site(0.0, f"the trials of {use.call.name} are lost when it ends", use.where, key=use.call.name)
            )
    return met_best(sites, 5)


def _near(one: Use, other: Use) -> bool:
    """Whether two calls belong together: in one file, or in modules of one folder; notebooks stand alone."""
    if one.file.path == other.file.path:
        return True
    notebook = one.file.facts.notebook is not None or other.file.facts.notebook is not None
    return (not notebook and one.file.path.split("/")[:2] == other.file.path.split("/")[:2]) or (
        not notebook and one.file.path.rpartition("/")[0] == other.file.path.rpartition("/")[0]
    )


def _keeps(arg: Arg) -> bool:
    """Whether an argument names where trials are kept; a name for the study alone keeps nothing."""
    if arg.name == "callbacks":
        return any(_KEEPING_CALLBACKS.search(text) for text in _names_in(arg.value))
    return (arg.name in _KEPT_TRIALS and arg.value.scalar not in ("", None)) or (
        arg.name in _KEPT_TRIALS and arg.value.kind != "const"
    )


def _logged_by_objective(project: Project, use: Use) -> Use | None:
    """What a tracker is told in the function that the search calls for each trial."""
    python = use.file.python
    assert python is not None
    named = {name.rpartition(".")[2] for arg in use.call.args for name in _names_in(arg.value) if name}
    objectives = [
        (use.file.path, number)
        for number, scope in enumerate(python.scopes)
        if scope.kind == "function" and scope.name.rpartition(".")[2] in named
    ]
    objectives += [node for name in sorted(named) for node in project.graph.resolve(use.file.path, name) if node[1]]
    reached = project.graph.reach(objectives)
    told = project.uses("track-metrics", "track-params", "autolog")
    return next((other for other in told if other.node in reached and other.call.system != "lightning"), None)


_INSIDE = re.compile(r"\.suggest_\w+$|\.lr_find$|\.scale_batch_size$|\.Trial\.|\.report$|\.should_prune$")


def _searches(project: Project) -> list[Use]:
    """The searches: one for each function that starts them, and not what a trial asks for inside."""
    first: dict[object, Use] = {}
    for use in project.uses("tune"):
        if not _INSIDE.search(use.call.name):
            kind = use.call.name.removesuffix(".fit")
            first.setdefault((use.node, use.file.at(use.call.line).cell, kind), use)
    return list(first.values())


_TRIALS = re.compile(
    r"^((all|per)_)?trials?(_results)?$|trial_(history|log)|(^|[/_])trials\.(csv|jsonl?|parquet)$", re.IGNORECASE
)


def _results_saved(project: Project) -> Iterator[Use]:
    """Calls that write out, or make a table of, what a search tried."""
    for use in project.uses("tune"):
        python = use.file.python
        named = [row.value for row in python.texts] if python else []
        named += (
            [text for row in python.assigns for item in row.value.items for text in strings(item)] if python else []
        )
        if any(_TRIALS.search(text) for text in named) and not _INSIDE.search(use.call.name):
            yield use
    for use in project.uses("write-data", "log-artifact", "track-metrics", "track-params"):
        named_in = (text for arg in use.call.args for text in _names_in(arg.value))
        if any("cv_results" in text for text in named_in) or _TRIALS_TABLE.search(
            f"{use.call.receiver} {use.call.name}"
        ):
            yield use
    for use in project.calls("pandas.DataFrame", ".trials_dataframe"):
        named_in = (text for arg in use.call.args for text in _names_in(arg.value))
        if "trials_dataframe" in use.call.name or any("cv_results" in text for text in named_in):
            yield use


_TRIALS_TABLE = re.compile(r"cv_results|trials_dataframe")


def _names_in(value: Value, depth: int = 5) -> Iterator[str]:
    yield value.text
    if depth:
        for item in (*value.items, *value.values):
            yield from _names_in(item, depth - 1)
