"""What several factors ask of a batch job, where a project predicts in bulk and has no service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from mlready.facts.rows import Call, Scope
from mlready.findings import Site
from mlready.project.graph import Node
from mlready.project.jobs import BatchJob
from mlready.project.project import Project, ProjectFile
from mlready.rules.checks.common import strings

Test = tuple[ProjectFile, int, Scope]

_PYDANTIC = frozenset(("model_validate", "model_validate_json", "parse_obj", "parse_raw", "validate_python"))
_SCHEMA_BASES = re.compile(r"(^|\.)(BaseModel|RootModel|SQLModel)$")
_RECORDS = re.compile(
    r"(record|log|keep|store|persist|capture|track)_?\w*(predict|inference|scor)|(predict\w*|inference)_?(log|record|store)",
    re.IGNORECASE,
)
_KEEPS = frozenset(("open-file", "write-data", "database", "publish", "track-metrics", "log-artifact"))
_PREDICTS = re.compile(r"(^|[._])predict")


def serves(project: Project) -> bool:
    """Whether a service answers requests, so that batch jobs are not what its users ask."""
    return project.has("endpoint", "serve", notebooks=False)


def rows_checked(project: Project) -> Site | None:
    """FEA003: whether the job refuses rows that the model cannot read; None where there is no job."""
    jobs = project.batch_jobs
    for job in jobs:
        for file, call in _calls(project, job.nodes):
            if _checks_rows(project, file, call):
                said = f"the batch job {job.entry.path} checks its rows ({call.name})"
                return Site(1.0, said, file.at(call.line), key=call.name)
        if (schema := _schema_of_another_file(project, job)) is not None:
            file, scope, name = schema
            said = f"the batch job {job.entry.path} checks its rows ({name})"
            return Site(1.0, said, file.at(scope.line), key=name)
    for job in jobs:
        said = f"the batch job {job.entry.path} predicts whatever it reads"
        return Site(0.0, said, job.write.where, key=job.entry.path)
    return None


def _checks_rows(project: Project, file: ProjectFile, call: Call) -> bool:
    """Whether a call checks rows by a schema; a model of pydantic reads settings too, so it has to stand with the rows."""
    if "validate-data" in call.activities and call.name.rpartition(".")[2] not in _PYDANTIC:
        return True
    typed = "validate-data" in call.activities or _builds_row(project, file, call)
    return typed and any(
        other.scope == call.scope and ({"read-data", "predict"} & set(other.activities) or _PREDICTS.search(other.name))
        for other in file.calls
    )


def _schema_of_another_file(project: Project, job: BatchJob) -> tuple[ProjectFile, Scope, str] | None:
    """`TABLE.validate(rows)`, where TABLE comes from a module that declares schemas."""
    declaring = {use.file.path for use in project.uses("declare-schema", notebooks=False) if use.call.scope == 0}
    for node in sorted(job.nodes):
        scope = _scope(project, node)
        for name in scope.refs if scope is not None else ():
            if scope is None or not name.endswith(".validate"):
                continue
            if any(path in declaring for path, _ in project.graph.edges.get(node, ())):
                return project.by_path[node[0]], scope, name
    return None


def _builds_row(project: Project, file: ProjectFile, call: Call) -> bool:
    """`Row(**values)`, where the project declares Row as a model of pydantic."""
    if not any(arg.name == "**" for arg in call.args):
        return False
    name = call.name.rpartition(".")[2]
    return any(
        scope.kind == "class" and scope.name == name and any(_SCHEMA_BASES.search(base) for base in scope.bases)
        for path, number in project.graph.edges.get((file.path, call.scope), ())
        for scope in [_scope(project, (path, number))]
        if scope is not None
    )


def run_by_test(project: Project, alive: Iterable[Test]) -> Site | None:
    """TST006: a test that runs a whole job, in process or as a command."""
    whole = _whole(project)
    for file, number, scope in alive:
        if not project.graph.reach([(file.path, number)]).isdisjoint(whole) or _starts_a_job(project, file, number):
            return Site(1.0, f"{scope.name} runs the batch job", file.at(scope.line), key=scope.name)
    return None


def compared_by_test(project: Project, alive: Iterable[Test]) -> Site | None:
    """TST009: a test that runs a whole job, and predicts beside it with the artifact or the pipeline."""
    whole = _whole(project)
    jobs = {scope.name.rpartition(".")[2] for node in whole for scope in [_scope(project, node)] if scope is not None}
    for file, number, scope in alive:
        ran = not project.graph.reach([(file.path, number)]).isdisjoint(whole) or _starts_a_job(project, file, number)
        offline = any(
            call.scope == number
            and call.name.rpartition(".")[2] not in jobs
            and ("predict" in call.activities or _PREDICTS.search(call.name))
            for call in file.calls
        )
        if ran and offline:
            said = f"{scope.name} compares the batch job with the artifact"
            return Site(1.0, said, file.at(scope.line), key=scope.name)
    return None


def _starts_a_job(project: Project, file: ProjectFile, number: int) -> bool:
    """Whether a test starts a job as a command: its path, or its module, among the words of the command."""
    wanted = {job.entry.path for job in project.batch_jobs}
    for command in file.calls:
        if command.scope == number and command.name.startswith(("subprocess.", "os.system")):
            words = [word for arg in command.args for text in strings(arg.value) for word in text.split()]
            files = {word.lstrip("./") for word in words if word.endswith(".py")}
            files |= {word.replace(".", "/") + ".py" for flag, word in pairwise(words) if flag == "-m"}
            if any(f"/{path}".endswith(f"/{name}") for path in wanted for name in files):
                return True
    return False


def recorded(project: Project) -> Site | None:
    """MON002: the job records what it predicts; its output alone counts by whether something starts it."""
    jobs = project.batch_jobs
    for job in jobs:
        for file, call in _calls(project, job.nodes):
            if _RECORDS.search(call.name.rpartition(".")[2]) and _keeps(project, job, call):
                return Site(1.0, f"{call.name} records predictions", file.at(call.line), key=call.name)
    for job in sorted(jobs, key=lambda job: not job.started)[:1]:
        name = job.write.call.name
        said = f"a batch job writes its predictions ({name})" + ("" if job.started else ", when somebody runs it")
        return Site(0.75 if job.started else 0.25, said, job.write.where, key=name)
    return None


def _keeps(project: Project, job: BatchJob, call: Call) -> bool:
    """Whether the function of the job that a call names writes something down."""
    name = call.name.rpartition(".")[2]
    named = [node for node in job.nodes if (scope := _scope(project, node)) and scope.name.rpartition(".")[2] == name]
    return any(_KEEPS & set(other.activities) for _, other in _calls(project, project.graph.reach(sorted(named))))


def _whole(project: Project) -> frozenset[Node]:
    return frozenset(node for job in project.batch_jobs for node in job.whole)


def _calls(project: Project, nodes: frozenset[Node]) -> Iterator[tuple[ProjectFile, Call]]:
    for path in sorted({path for path, _ in nodes}):
        file = project.by_path[path]
        for call in file.calls:
            if (path, call.scope) in nodes:
                yield file, call


def _scope(project: Project, node: Node) -> Scope | None:
    python = project.by_path[node[0]].python
    return python.scopes[node[1]] if python else None
