"""Checks of factor 12 that look at the service: who can ask the model, how it is loaded, how it scales, what it calls."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from mlready.facts.rows import Call, Param, Value
from mlready.findings import Location, Site, Verdict, hazard, met, met_best, missing
from mlready.project.entries import is_handler, is_hosted
from mlready.project.graph import Node
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import (
    argument,
    constant,
    is_remote,
    missing_in_code,
    spreads_keywords,
    strings,
)
from mlready.rules.checks.inputs import TEXT_READERS

# -------------------------------------------------------------------------------------------------------------- DEP004

_PREDICT_NAME = re.compile(
    r"^(batch_)?(predict|infer(ence)?|score|generate|forecast|classify|detect|recommend)", re.IGNORECASE
)
_JUDGE_NAME = re.compile(r"eval|test|valid|metric|train", re.IGNORECASE)
_SELF_SERVING = frozenset(("bentoml", "ray", "kserve", "mlserver", "litserve"))
_STARTED_BY = frozenset(("ci", "pipeline", "container", "infra"))


def prediction_interface(project: Project) -> Verdict:
    """DEP004: others can ask the model: an API, a batch job, or a command that predicts from the artifact."""
    sites = [
        *_services(project),
        *_commands_that_predict(project),
        *_platform_services(project),
        *_hosted_functions(project),
    ]
    if sites:
        return met_best(sites, 3)
    scored = {use.file.path for use in project.uses("evaluate", "train", "fit", notebooks=False)}
    for use in project.uses("predict", notebooks=False):
        if project.has("load-model", notebooks=False) and use.call.scope and use.file.path not in scored:
            said = f"{use.scope.name} predicts, and no command or service calls it"
            return met(Site(0.5, said, use.where, key=use.scope.name))
    return missing_in_code(project, "no service, job or command answers with a prediction")


def _services(project: Project) -> Iterator[Site]:
    uses = sorted(project.uses("endpoint", "serve", notebooks=False), key=lambda use: not _asks_model(use))
    for use in uses:
        if _answers(project) or use.call.system in _SELF_SERVING:
            yield Site(1.0, f"a service answers ({use.call.name})", use.where, key=use.call.name)
            return


def _asks_model(use: Use) -> bool:
    """Whether a route names a prediction: the one to show of several."""
    said = " ".join(text for arg in use.call.args for text in strings(arg.value))
    return bool(re.search(r"predict|infer|score|classif|forecast|generate|chat|recommend", f"{said} {use.scope.name}"))


def _hosted_functions(project: Project) -> Iterator[Site]:
    """Functions of a cloud that ask a hosted endpoint, or predict, for whoever calls them."""
    for file in project.code_files:
        if is_hosted(file):
            yield Site(1.0, f"{file.path} answers for a hosted endpoint", file.at(1), key=file.path)
    for use in project.calls(".invoke_endpoint", "boto3.client.invoke_endpoint"):
        if re.search(r"handler$", use.scope.name):
            yield Site(1.0, f"{use.scope.name} answers from an endpoint", use.where, key=use.scope.name)
            return


def _answers(project: Project) -> bool:
    """Whether what serves predicts, loads a model or calls one."""
    wanted = {"predict", "load-model", "call-llm", "retrieve"}
    named = re.compile(r"(^|[._])(predict|infer|score|generate)")
    nodes = project.serving_nodes
    return any(
        (file.path, call.scope) in nodes and (wanted & set(call.activities) or named.search(call.name))
        for file in project.code_files
        for call in file.calls
    )


def _commands_that_predict(project: Project) -> Iterator[Site]:
    loading = {use.node for use in project.uses("load-model", notebooks=False)}
    predicting = {use.node for use in project.uses("predict", notebooks=False)}
    fitting = {use.node for use in project.uses("train", "fit", "tune", "fine-tune", notebooks=False)}
    for entry in project.entries:
        if entry.kind in ("notebook", "service"):
            continue
        reach = project.graph.reach(entry.nodes)
        stem = PurePosixPath(entry.path).stem
        named = _PREDICT_NAME.search(stem) or any(_PREDICT_NAME.search(_scope_name(project, node)) for node in reach)
        if loading.isdisjoint(reach) or not (named or not predicting.isdisjoint(reach)):
            continue
        if not _PREDICT_NAME.search(stem) and (_JUDGE_NAME.search(stem) or not fitting.isdisjoint(reach)):
            continue  # It judges or makes the model, and answers nobody.
        started = entry.kind in ("console-script", "dag") or entry.origin in _STARTED_BY
        said = f"{entry.path} predicts from the artifact: {entry.reason}" + ("" if started else ", by hand")
        yield Site(1.0 if started else 0.5, said, Location(entry.path), key=entry.path)


def _scope_name(project: Project, node: Node) -> str:
    python = project.by_path[node[0]].python
    return python.scopes[node[1]].name.rpartition(".")[2] if python else ""


_SERVING_KINDS = re.compile(
    r"InferenceService|SeldonDeployment|RayService|sagemaker_endpoint|ml_online_deployment|model_serving|vertex_ai_endpoint|triton",
    re.IGNORECASE,
)
_SERVING_COMMANDS = re.compile(
    r"mlflow models serve|bentoml serve|torchserve|tritonserver|tensorflow_model_server|mlserver start|"
    r"seldon-core-microservice|vllm serve|text-generation-launcher"
)


_FUNCTION_KINDS = re.compile(r"^(aws_lambda_function|AWS::(Lambda|Serverless)::Function)$")
_GATEWAY_KINDS = re.compile(r"^aws_(api_gateway_rest_api|apigatewayv2_api|lambda_function_url)$|^AWS::ApiGateway")
_OF_THE_MODEL = re.compile(r"(^|[-_])(predict\w*|inference|scor(e|ing)|ml-?_?model)([-_]|$)", re.IGNORECASE)


def _functions_behind_gateway(project: Project) -> Iterator[Site]:
    """A function named for the model or its predictions, in a file that puts functions behind an address."""
    opened = {file.path for file, resource in project.resources if _GATEWAY_KINDS.search(resource.kind)}
    for file, resource in project.resources:
        if file.path not in opened or not _FUNCTION_KINDS.search(resource.kind):
            continue
        names = [resource.name, *(value for key, value in resource.details if key in ("function_name", "FunctionName"))]
        if any(_OF_THE_MODEL.search(name) for name in names):
            said = f"{resource.kind} {resource.name} answers behind a gateway"
            yield Site(1.0, said, file.at(resource.line), key=resource.name)


def _platform_services(project: Project) -> Iterator[Site]:
    yield from _functions_behind_gateway(project)
    for file, resource in project.resources:
        if _SERVING_KINDS.search(resource.kind):
            yield Site(
                1.0, f"{resource.kind} {resource.name} serves the model", file.at(resource.line), key=resource.name
            )
    for command in project.commands:
        if command.origin not in ("document", "hook") and _SERVING_COMMANDS.search(command.text):
            yield Site(1.0, f"{command.text[:50]} serves the model", command.where, key="command")


# -------------------------------------------------------------------------------------------------------------- DEP008

_WORKERS = re.compile(r"(--workers|-w)[ =]?[\"']?(\$|[2-9]|\d\d)|WEB_CONCURRENCY|--threads|UVICORN_WORKERS")
_REPLICA_KEYS = frozenset(
    [
        "replicas",
        "minReplicas",
        "maxReplicas",
        "num_replicas",
        "desired_count",
        "min_instances",
        "max_instances",
        "initial_instance_count",
        "InitialInstanceCount",
        "min_capacity",
        "max_capacity",
    ]
)
_CALL_WORDS = {
    "replicas": {"num_replicas", "autoscaling_config", "workers", "min_replicas", "max_capacity"},
    "batching": {"batchable", "max_batch_size", "batch_wait_timeout_s"},
    "concurrency": {"max_concurrency", "max_ongoing_requests", "threads", "traffic", "max_concurrent_queries"},
}


def serving_scales(project: Project) -> Verdict:
    """DEP008: replicas, batching and concurrency are stated; one gives half, two give all."""
    said: dict[str, Site] = {}
    for what, site in (*_scaling_resources(project), *_scaling_commands(project), *_scaling_calls(project)):
        said.setdefault(what, site)
    if not said:
        return missing("nothing says how many requests it can answer at once")
    credit = 1.0 if len(said) > 1 else 0.5
    return met(*(Site(credit, site.message, site.where, key=site.key) for site in said.values()))


_NOT_THE_SERVICE = re.compile(
    r"mlflow|pushgateway|exporter|provisioner|openebs|storage|cert|csi|metrics|prometheus|grafana|alertmanager|loki|tempo|jaeger|otel|cilium|coredns|operator|redis|postgres|mysql|mongo|minio|kafka"
    r"|zookeeper|rabbit|airflow|console|frontend|dashboard|streamlit|(^|[-_ ])(ui|web|db|database)([-_ ]|$)|nginx|ingress|vault|consul",
    re.IGNORECASE,
)
"""Names of what stands around a service: its replicas are not those of the model."""
_THE_SERVICE = re.compile(r"model|predict|infer|serv(e|ing|ice)|(^|[-_. ])(api|app)([-_. ]|$)|scor(e|ing)|bento|endpoint|llm|backend|scal(e|ing)|hpa", re.I)  # fmt: skip


def _is_the_service(project: Project, said: str) -> bool:
    """Whether a resource runs the service, by its name and its file's."""
    others = (f"{resource.name} {file.name}" for file, resource in project.resources if resource.kind == "Deployment")
    named = any(_THE_SERVICE.search(other) for other in others)
    return not _NOT_THE_SERVICE.search(said) and (not named or bool(_THE_SERVICE.search(said)))


_SCALED_KINDS = re.compile(
    r"AutoScaling::ScalableTarget|appautoscaling_target|autoscaling_(policy|setting)|EndpointAutoScal"
)


def _scaling_resources(project: Project) -> Iterator[tuple[str, Site]]:
    for file, resource in project.resources:
        if resource.kind == "amlCompute" or not _is_the_service(project, f"{resource.name} {file.name}"):
            continue  # A cluster that jobs run on answers nobody.
        keys = {key for key, _ in resource.details}
        place = file.at(resource.line)
        scaled = resource.kind in ("HorizontalPodAutoscaler", "ScaledObject") or _SCALED_KINDS.search(resource.kind)
        if scaled or keys & _REPLICA_KEYS:
            yield "replicas", Site(1.0, f"replicas of {resource.name}", place, key="replicas")
        for what in ("concurrency", "batch"):
            if any(what in key.lower() for key in keys):
                name = "batching" if what == "batch" else what
                yield name, Site(1.0, f"{name} of {resource.name}", place, key=name)


def _scaling_commands(project: Project) -> Iterator[tuple[str, Site]]:
    for command in project.commands:
        if command.origin not in ("document", "hook") and _WORKERS.search(command.text):
            yield "concurrency", Site(1.0, f"workers: {command.text[:50]}", command.where, key="concurrency")


_BATCH_ROUTE = re.compile(r"(predict|score|infer|classif|forecast|embed)\w*[/_-]?(batch|bulk|many)|(batch|bulk)[/_-]?(predict|score|infer)|^/(batch|bulk)/?$", re.I)  # fmt: skip


def _scaling_calls(project: Project) -> Iterator[tuple[str, Site]]:
    for use in project.uses("scale", "serve", "endpoint", notebooks=False):
        names = {arg.name for arg in use.call.args}
        for what, words in _CALL_WORDS.items():
            if names & words:
                yield what, Site(1.0, f"{use.call.name} states {what}", use.where, key=what)
        texts = [text for arg in use.call.args for text in strings(arg.value)]
        if use.call.name.endswith(".batch") or any(_BATCH_ROUTE.search(text) for text in texts):
            yield "batching", Site(1.0, "a route for many rows at once", use.where, key="batching")
    for path, number in sorted(_handlers(project)):
        file = project.by_path[path]
        assert file.python is not None
        scope = file.python.scopes[number]
        many = any(_takes_rows(project, param) for param in scope.params) or _reads_upload(file, number)
        if _PREDICT_NAME.search(scope.name) and many:
            yield "batching", Site(1.0, f"{scope.name} takes many rows at once", file.at(scope.line), key="batching")


_ROWS = re.compile(r"\b[Ll]ist\[['\"]?(?:\w+\.)*(\w+)['\"]?\]")


def _takes_rows(project: Project, param: Param) -> bool:
    """`rows: list[House]`, where House is a class of the project: the fields of a row, not one row of numbers."""
    named = set(_ROWS.findall(param.annotation))
    scopes = (scope for file in project.code_files if file.python for scope in file.python.scopes)
    return bool(named) and any(scope.kind == "class" and scope.name in named for scope in scopes)


def _reads_upload(file: ProjectFile, number: int) -> bool:
    """Whether a handler reads a table from a file that is sent to it."""
    assert file.python is not None
    sent = any("UploadFile" in param.annotation for param in file.python.scopes[number].params)
    return sent and any(call.scope == number and TEXT_READERS.search(call.name) for call in file.calls)


# -------------------------------------------------------------------------------------------------------------- DEP011


def safe_model_loading(project: Project) -> Verdict:
    """DEP011: nothing that came over a network is unpickled; torch.load loads weights only. The unit is the call."""
    broken, units = [], 0
    torch_safe = _torch_is_safe(project)
    for use in project.uses("load-model", "unpickle"):
        if "unpickles" not in project.vocabulary.traits(use.call.name) and "unpickle" not in use.call.activities:
            continue
        if use.file.facts.notebook is None and not project.reaches(use.node, "any"):
            continue
        units += 1
        site = _loading_site(project, use, torch_safe)
        if site is not None:
            broken.append(site)
    return hazard(broken, units=units)


def _torch_is_safe(project: Project) -> bool:
    """Whether the torch that gets installed loads weights only by default: 2.6 or newer, or no version is asked at all."""
    declared = [row for _, row in project.requirements if row.name == "torch"]
    locked = [p.version for _, m in project.manifests for p in m.packages if p.name == "torch"]
    if locked:
        return all(_at_least(version, (2, 6)) for version in locked)
    if declared and all(not row.spec for row in declared):
        return True
    pinned = [re.match(r"^(?:==|>=|~=)\s*([\d.]+)", row.spec) for row in declared]
    return bool(pinned) and all(found and _at_least(found.group(1), (2, 6)) for found in pinned)


def _at_least(version: str, wanted: tuple[int, int]) -> bool:
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    return tuple(numbers) >= wanted if len(numbers) == 2 else False


def _for_foreign_network(project: Project, use: Use) -> bool:
    """Whether the function or cell brings a network of another package, whose weights came from there."""
    python = use.file.python
    assert python is not None
    here = use.where.cell
    near = (row for row in python.imports if row.scope == use.call.scope and (row.scope or here is not None))
    return any(
        not row.level
        and row.name[:1].isalpha()
        and (row.scope or use.file.at(row.line).cell == here)
        and _is_foreign(project, row.module.partition(".")[0])
        for row in near
    )


def _is_foreign(project: Project, root: str) -> bool:
    """A package that is neither the project's own nor a known library."""
    return (
        root not in sys.stdlib_module_names
        and root not in project.local_roots
        and not project.vocabulary.system_of(root)
        and not project.vocabulary.distributions_of(root)
    )


_DOWNLOADS = re.compile(
    r"requests\.|urllib|httpx|urlopen|hf_hub_download|download|get_object|boto3|gdown|wget|load_state_dict_from_url",
    re.IGNORECASE,
)


def _loading_site(project: Project, use: Use, torch_safe: bool) -> Site | None:
    call = use.call
    remote = _comes_from_network(use, argument(call, "0", "f", "file", "filename", "url"))
    loader = argument(call, "Loader", "loader", "1")
    if loader is not None and "Safe" in loader.text:
        return None
    if project.vocabulary.canonical(call.name) != "torch.load":
        said = f"{call.name} unpickles what came over a network"
        return Site(0.0, said, use.where, key=call.name) if remote else None
    only = constant(call, "weights_only")
    if only is True or spreads_keywords(call):
        return None
    if remote and not (torch_safe and only is None):
        return Site(0.0, f"{call.name} unpickles what was downloaded", use.where, key=call.name)
    own = project.has("save-model", "checkpoint", system=call.system)
    if own and (only is None or not _for_foreign_network(project, use)):
        return None
    if only is None and torch_safe:
        return None
    how = "with weights_only=False" if only is False else "without weights_only=True"
    said = f"{call.name} {how} can run code from the file"
    return Site(0.5, said, use.where, key=call.name, certain=False)


def _comes_from_network(use: Use, source: Value | None) -> bool:
    """Whether a value is a URL, a download, or a name that a download was bound to in the same function."""
    if source is None:
        return False
    if any(is_remote(text) and not text.startswith("file://") for text in strings(source)):
        return True
    if source.kind == "call" and _DOWNLOADS.search(source.text):
        return True
    name = source.text.split(".")[0] if source.kind in ("name", "item", "call") else ""
    python = use.file.python
    assert python is not None
    inner = {item.text.split(".")[0] for item in source.items if item.kind == "name"} | {name}
    here = [call for call in python.calls if call.scope == use.call.scope and call.line < use.call.line]
    makers = [call for call in here if set(call.targets) & inner]
    if not makers and source.kind in ("name", "item") and name not in {param.name for param in use.scope.params}:
        # `body = requests.get(url).content`: the name is bound to a part of the answer.
        makers = [call for call in here if {"http-call"} & set(call.activities) and not call.targets]
    return any(_DOWNLOADS.search(call.name) or "download" in call.activities for call in makers)


# -------------------------------------------------------------------------------------------------------------- DEP013

_ONCE = re.compile(r"cache|asynccontextmanager|on_event|startup|lifespan|singleton", re.IGNORECASE)
_SETUP = frozenset(("__init__", "__new__", "setup", "load_context", "initialize", "setUp", "load"))


def model_loaded_once(project: Project) -> Verdict:
    """DEP013: the model is loaded when the service starts, not in each request. The unit is the loading call."""
    handlers = _handlers(project)
    broken, units = [], 0
    for use in project.uses("load-model", notebooks=False):
        if not project.reaches(use.node, "serving"):
            continue
        units += 1
        if use.node in handlers and not _guarded(use):
            said = f"{use.call.name} runs in every request ({use.scope.name})"
            broken.append(Site(0.0, said, use.where, key=use.call.name))
        elif use.call.scope and _called_from(project, use, handlers):
            said = f"{use.scope.name} loads the model, and a request handler calls it each time"
            broken.append(Site(0.0, said, use.where, key=use.call.name))
    return hazard(broken, units=units)


def _handlers(project: Project) -> set[Node]:
    return {
        (file.path, number)
        for file in project.code_files
        for number, scope in enumerate(file.python.scopes if file.python else ())
        if scope.kind == "function" and is_handler(project, scope.decorators) and not _is_startup(scope.decorators)
    }


def _is_startup(decorators: tuple[Value, ...]) -> bool:
    return any(_ONCE.search(decorator.text) for decorator in decorators)


def _guarded(use: Use) -> bool:
    """`if model is None: model = load()`, a cached function, or a global that keeps what was loaded."""
    kept = any(
        re.search(r"(^|\.|_)(cached?|model|pipeline|instance)s?(_|\[|$)", name) and name.startswith("_")
        for name in use.call.targets
    )
    return kept or bool({"if", "try"} & set(use.call.context)) or _is_startup(use.scope.decorators)


def _called_from(project: Project, use: Use, handlers: set[Node]) -> bool:
    """Whether a handler calls the loading function itself, without cache or guard."""
    name = use.scope.name.rpartition(".")[2]
    if _guarded(use) or name in _SETUP:
        return False
    for node in handlers:
        if use.node not in project.graph.edges.get(node, ()):
            continue
        python = project.by_path[node[0]].python
        assert python is not None
        calls = [c for c in python.calls if c.scope == node[1] and c.name.rpartition(".")[2] == name]
        if any("if" not in call.context for call in calls):
            return True
    return False


# ------------------------------------------------------------------------------------------------------ DEP014, DEP015

_TIMEOUTS = ("timeout", "timeout_s", "request_timeout", "timeout_seconds", "timeouts")
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "max_length")


def remote_calls_bounded(project: Project) -> Verdict:
    """DEP014: calls of other services have a timeout, those of a language model an output limit. The unit is the call."""
    broken, units = [], 0
    for use in project.uses("http-call", "call-llm", notebooks=False):
        matters = project.reaches(use.node, "serving") or project.reaches(use.node, "training")
        if not (matters or (project.kind.name == "llm-application" and project.reaches(use.node, "any"))):
            continue
        if use.call.name.endswith(
            ("_channel", "Message", "Prompt", "PromptTemplate", "request.Request", "_opener", "ProxyHandler")
        ):
            continue  # A channel has its timeout at each call; a message or a request object calls nobody.
        if _RELEASES.search(use.file.path) or _made_without(use) or _chains(use):
            continue
        units += 1
        faults = _unbounded(use)
        if faults:
            credit = 0.5 if "call-llm" in use.call.activities else 0.0
            broken.append(Site(credit, f"{use.call.name} has {faults}", use.where, key=use.call.name))
    return hazard(broken, units=units)


_RELEASES = re.compile(
    r"(^|/)(release|ci|dev|maint\w*|tools|hack)/|(^|[/_])(release|changelog|bump)[^/]*$", re.IGNORECASE
)


def _chains(use: Use) -> bool:
    """`RetrievalQA.from_chain_type(llm=llm, …)`: what is put around a model has the limits of the model."""
    return ".chains." in use.call.name or argument(use.call, "llm", "llm_chain") is not None


def _made_without(use: Use) -> bool:
    """Whether the object that is called was made in the same file by a call that is a site already."""
    python = use.file.python
    assert python is not None
    root = use.call.receiver.partition(".")[0]
    made = [call for call in python.calls if root and root in call.targets and call.line < use.call.line]
    return any("call-llm" in call.activities for call in made)


_ALWAYS_LIMITED = re.compile(r"(^|\.)ChatAnthropic\b|\.AnthropicLLM\b")
"""Clients that send an output limit when none is given."""


def _unbounded(use: Use) -> str:
    """What a call lacks, or ""."""
    if spreads_keywords(use.call):
        return ""
    names = {arg.name for arg in use.call.args}
    timed = bool(names & set(_TIMEOUTS)) or _client_has(use, (*_TIMEOUTS, "max_retries", "retries"))
    if "call-llm" in use.call.activities:
        if names & set(_LIMITS) or _client_has(use, _LIMITS) or _ALWAYS_LIMITED.search(use.call.name):
            return ""
        if "body" in names and _limit_in_body(use):
            return ""
        return "no output limit" + ("" if timed else " and no timeout of its own")
    return "" if timed or use.call.name.startswith(("httpx.", "openai")) else "no timeout"


_LIMIT_KEYS = re.compile(
    r"^(max_?(new_?|gen_?|output_?|completion_?)?(tokens?|len)(_?count|_?to_?sample)?)$", re.IGNORECASE
)
"""Names of the limit in bodies of requests: max_tokens, maxTokenCount, max_gen_len, max_tokens_to_sample."""


def _limit_in_body(use: Use) -> bool:
    """`invoke_model(body=json.dumps({"max_tokens": 512}))`: a mapping of the same function has the limit."""
    python = use.file.python
    assert python is not None
    values = [row.value for row in python.assigns if row.scope in (0, use.call.scope)]
    values += [arg.value for call in python.calls if call.scope == use.call.scope for arg in call.args]
    return any(_LIMIT_KEYS.match(text) for value in values for text in strings(value))


def _client_has(use: Use, names: tuple[str, ...]) -> bool:
    """Whether a client or session of the file was made with one of the arguments."""
    python = use.file.python
    assert python is not None
    return any({arg.name for arg in call.args} & set(names) for call in python.calls if _makes_client(call))


def _makes_client(call: Call) -> bool:
    last = call.name.rpartition(".")[2]
    return bool(re.search(r"Client|Session|OpenAI|Anthropic|Chat|LLM|Timeout|Retry", last))


def llm_output_not_executed(project: Project) -> Verdict:
    """DEP015: what a language model answers never becomes code, a shell command or raw SQL. The unit is the call."""
    broken = [
        Site(0.0, flow.message, file.at(flow.line), key=flow.message, certain=flow.certain)
        for file in project.work_files
        for flow in (file.python.flows if file.python else ())
        if flow.kind == "llm-execution"
    ]
    return hazard(broken, units=max(len(list(project.uses("call-llm"))), len(broken)))
