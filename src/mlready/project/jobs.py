"""Batch jobs: what starts on its own, loads a model, predicts and writes the predictions down, and trains nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlready.project.kinds import TRAIN_ACTIVITIES

if TYPE_CHECKING:
    from mlready.project.entries import Entry
    from mlready.project.graph import Node
    from mlready.project.project import Project, Use

_STEPS = (("load-model",), ("predict",), ("write-data", "record-predictions"))
"""What a job does; one call of each has to be reached."""
_OTHER_WORK = (*TRAIN_ACTIVITIES, "fit", "evaluate", "detect-drift", "endpoint", "serve")
"""What makes it something else: training, evaluation, monitoring, a service."""
_STARTERS = frozenset(("ci", "container", "infra"))
_PICTURES = re.compile(r"im(write|save)|savefig")
_JUDGES = re.compile(r"(^|/)(\w+_)?(eval\w*|test\w*|val|validat\w*|bench\w*|metrics?|train\w*|export\w*)\.py$")
"""Files whose name says that they judge or make a model; their predictions are not what users get."""


_ANSWERS = re.compile(
    r"predict|infer|scor|classif|forecast|recommend|answer|batch|submi|(^|[._])(main|run|job|execute)", re.IGNORECASE
)
"""Functions of a script that does more: others prepare data with a model (translate, augment, embed)."""


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A job: its entry, the scopes that it reaches, and its functions that do the whole of it."""

    entry: Entry
    nodes: frozenset[Node]
    whole: frozenset[Node]
    """Functions that load, predict and write: calling one is running the job."""
    write: Use
    started: bool
    """Whether something other than a person at a keyboard starts it."""


def find_jobs(project: Project) -> tuple[BatchJob, ...]:
    """The batch jobs of a project, one for each file that starts one."""
    found: dict[str, BatchJob] = {}
    for entry in project.entries:
        aside = entry.kind in ("notebook", "service") or _JUDGES.search(entry.path)
        job = None if aside else _job(project, entry)
        known = found.get(entry.path)
        if job is not None and (known is None or (job.started and not known.started)):
            found[entry.path] = job
    return tuple(found.values())


def _job(project: Project, entry: Entry) -> BatchJob | None:
    """The job that an entry starts: all that it reaches or, where a command line offers more, a function of its file."""
    functions = [node for node in project.graph.reach(entry.nodes) if node[1] and _is_function(project, node)]
    whole = frozenset(node for node in functions if _does_it_all(project, project.graph.reach([node])))
    nodes = project.graph.reach(entry.nodes)
    if not _does_it_all(project, nodes):
        offered = sorted(node for node in whole if node[0] == entry.path)
        nodes = project.graph.reach(node for node in offered if _ANSWERS.search(_name(project, node)))
    write = next(iter(_steps(project, nodes, *_STEPS[-1])), None)
    if write is None or not _does_it_all(project, nodes):
        return None
    started = entry.kind == "dag" or entry.origin in _STARTERS
    return BatchJob(entry=entry, nodes=nodes, whole=whole, write=write, started=started)


def _does_it_all(project: Project, nodes: frozenset[Node]) -> bool:
    does = all(next(_steps(project, nodes, *step), None) is not None for step in _STEPS)
    return does and next(_steps(project, nodes, *_OTHER_WORK), None) is None


def _steps(project: Project, nodes: frozenset[Node], *activities: str) -> Iterator[Use]:
    for use in project.uses(*activities, notebooks=False):
        if use.node in nodes and not _PICTURES.search(use.call.name):
            yield use


def _name(project: Project, node: Node) -> str:
    python = project.by_path[node[0]].python
    return python.scopes[node[1]].name if python else ""


def _is_function(project: Project, node: Node) -> bool:
    python = project.by_path[node[0]].python
    return python is not None and python.scopes[node[1]].kind == "function"
