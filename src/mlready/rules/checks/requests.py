"""Checks of factor 2: requests and answers of language models are typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Param, Scope
from mlready.findings import Site, Verdict, each, hazard, met, missing, unknown
from mlready.project.entries import is_handler
from mlready.project.project import Project, ProjectFile
from mlready.rules.checks.batch import rows_checked
from mlready.rules.checks.common import constant

# -------------------------------------------------------------------------------------------------------------- FEA003

_UNTYPED = re.compile(
    r"^(dict|Dict|Any|list|List|object|Request|Mapping|bytes|str)?(\[.*(Any|object).*\]|\[str, (Any|float|object)\])?$|(^|\.)(Request|Any)$"
)


def schema_enforced_in_serving(project: Project) -> Verdict:
    """FEA003: requests are typed, so that a wrong one is refused before the model sees it."""
    sites = [site for file in project.code_files for site in _handler_sites(project, file)]
    sites += _platform_schemas(project)
    if not sites:
        if project.has("endpoint", "serve", notebooks=False):
            return unknown("how requests are parsed cannot be told")
        return _job_verdict(project)
    return each(*sites) if any(s.credit < 1 for s in sites) and len(sites) > 1 else met(*sites)


def _job_verdict(project: Project) -> Verdict:
    job = rows_checked(project)
    if job is None:
        return missing("no service checks what it is asked")
    return met(job) if job.credit else missing(job.message, job.where)


def _handler_sites(project: Project, file: ProjectFile) -> Iterator[Site]:
    assert file.python is not None
    for number, scope in enumerate(file.python.scopes):
        if scope.kind != "function" or not is_handler(project, scope.decorators):
            continue
        if not _predicts(project, file, number, scope) or _takes_nothing(file, scope):
            continue
        yield _handler_site(file, number, scope)


def _predicts(project: Project, file: ProjectFile, number: int, scope: Scope) -> bool:
    if re.search(r"predict|infer|score|classify|recommend|generate|forecast", scope.name, re.IGNORECASE):
        return True
    assert file.python is not None
    return any(call.scope == number and "predict" in call.activities for call in file.python.calls)


_INJECTED = ("self", "cls", "db", "session", "background_tasks", "response")


def _takes_nothing(file: ProjectFile, scope: Scope) -> bool:
    """Whether a handler is sent no body: no parameters, only what is injected, or typed parts of its path."""
    routes = [value for decorator in scope.decorators for value in decorator.items if isinstance(value.scalar, str)]
    path = {name for route in routes for name in re.findall(r"[{<](?:\w+:)?(\w+)", str(route.scalar))}
    sent = [
        param
        for param in scope.params
        if param.name not in _INJECTED
        and "Depends" not in param.annotation
        and not (param.default is not None and param.default.text.rpartition(".")[2] in ("Depends", "Security"))
    ]
    if any(param.name not in path or not re.match(r"str|int|float|UUID|date", param.annotation) for param in sent):
        return False
    return bool(sent) or scope.name.endswith("_page") or not _has_ambient_request(file)


def _has_ambient_request(file: ProjectFile) -> bool:
    """Whether handlers may read a request that is no parameter of theirs, as Flask's and Bottle's do."""
    assert file.python is not None
    return not any(row.module.partition(".")[0] in ("fastapi", "litestar") for row in file.python.imports)


def _is_own_class(file: ProjectFile, annotation: str) -> bool:
    """Whether a type called Request is a class of the project: one with declared fields."""
    assert file.python is not None
    name = annotation.strip("'\"").rpartition(".")[2]
    return any(
        scope.kind == "class" and scope.name == name and re.search(r"(Model|Struct|Schema)$", " ".join(scope.bases))
        for scope in file.python.scopes
    )


def _handler_site(file: ProjectFile, number: int, scope: Scope) -> Site:
    assert file.python is not None
    place = file.at(scope.line)
    reads = [
        call
        for call in file.python.calls
        if call.scope == number
        and re.search(
            r"(request|req)\.(json|get_json|form|args|data|values|body|get_data)",
            f"{call.receiver}.{call.name.rpartition('.')[2]}",
        )
    ]
    validated = _validates(file, number)
    typed = [
        param
        for param in scope.params
        if param.annotation
        and (not _UNTYPED.match(param.annotation.strip("'\"")) or _is_own_class(file, param.annotation))
        and param.name not in ("self", "db", "background_tasks", "response")
    ]
    uploads = any(re.search(r"UploadFile|File", param.annotation) for param in scope.params)
    loose = _loose_field(file, typed)
    if loose and not validated:
        return Site(0.5, f"{scope.name} takes a typed request whose {loose} may hold anything", place, key=scope.name)
    if typed or validated or uploads:
        return Site(1.0, f"{scope.name} takes typed requests", place, key=scope.name)
    if reads or any(param.annotation for param in scope.params):
        return Site(0.0, f"{scope.name} takes whatever it is sent", place, key=scope.name)
    return Site(0.0, f"{scope.name} has no typed request", place, key=scope.name)


def _validates(file: ProjectFile, number: int) -> bool:
    """Whether a handler validates, or the file refuses what it is asked with 422 or 400."""
    assert file.python is not None
    for call in file.python.calls:
        if call.scope == number and re.search(r"model_validate|parse_obj|validate|Schema\(\)\.load|\.load$", call.name):
            return True
        if call.name.endswith("HTTPException") and constant(call, "0", "status_code") in (400, 422):
            return True
    methods = (scope.name.rpartition(".")[2] for scope in file.python.scopes if scope.kind == "function")
    return any(re.search(r"validat|check_(input|schema|features)", name) for name in methods)


def _loose_field(file: ProjectFile, typed: list[Param]) -> str:
    """A field of the request's class, of the same file, that is a free dictionary or anything at all; "" if none is."""
    assert file.python is not None
    wanted = {word for param in typed for word in re.findall(r"\w+", param.annotation)}
    classes = {i for i, s in enumerate(file.python.scopes) if s.kind == "class" and s.name in wanted}
    loose = re.compile(r"\b(Any|object)\b|^(list|List)\[(dict|Dict)\]|^(dict|Dict)$")
    aside = re.compile(r"config|option|param|meta|extra|context|setting", re.IGNORECASE)
    rows = (f for f in file.python.fields if f.scope in classes and not aside.search(f.name))
    return next((f.name for f in rows if loose.search(f.annotation)), "")


def _platform_schemas(project: Project) -> list[Site]:
    found = []
    for use in project.calls(
        "mlflow.models.infer_signature", "mlflow.models.signature.infer_signature", "mlflow.models.ModelSignature"
    ):
        found.append(Site(1.0, "the model carries a signature", use.where, key="signature"))
    for file in project.matching("*config.pbtxt", "*model-settings.json"):
        found.append(Site(1.0, f"{file.path} types the inputs", file.at(0), key=file.path))
    return found


def llm_output_structured(project: Project) -> Verdict:
    """FEA009: answers that are parsed follow a schema and are validated."""
    broken, units = [], 0
    for file in project.work_files:
        for flow in file.python.flows if file.python else ():
            if flow.kind in ("llm-parsed-bare", "llm-parsed-checked"):
                units += 1
                if flow.kind == "llm-parsed-bare":
                    broken.append(Site(0.0, flow.message, file.at(flow.line), key=flow.message, certain=flow.certain))
    return hazard(broken, units=units)
