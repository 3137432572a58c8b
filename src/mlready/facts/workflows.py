"""Workflow files beside DVC: MLproject, Snakemake, Argo, Kubeflow, Azure ML, Prefect, Valohai, Ploomber, Cog, BentoML, cron."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from mlready.facts.ci.common import command, pairs, text
from mlready.facts.masking import mask_text
from mlready.facts.reading import clean
from mlready.facts.rows import FileFacts, PipelineStage, Resource
from mlready.facts.yamltree import Node, Tree

MAX_ROWS = 500


def shell(node: Node) -> str:
    """A command that is a text or a list of words."""
    if node.kind == "seq":
        return clean(mask_text(" ".join(node.texts())), limit=5_000)
    return command(node)


def read_mlproject(tree: Tree) -> FileFacts:
    """Entry points as stages, the environment as a resource."""
    root = tree.root
    stages = tuple(
        PipelineStage(
            "mlproject",
            clean(key.text),
            shell(node.get("command")),
            key.line,
            params=tuple(clean(name) for name, _ in node.get("parameters").entries()),
        )
        for key, node in root.get("entry_points").pairs[:MAX_ROWS]
    )
    environment = tuple(
        (key, text(node.get("image")) if node.kind == "map" else text(node))
        for key, node in root.entries()
        if key in ("conda_env", "python_env", "docker_env")
    )
    project = Resource("mlproject", "project", text(root.get("name")), 1, environment)
    return FileFacts(problem=tree.problem, stages=stages, resources=(project,))


def read_cog(tree: Tree) -> FileFacts:
    """A cog.yaml: what it predicts and trains with."""
    root = tree.root
    if not (root.get("build") or root.get("predict")):
        return FileFacts(problem=tree.problem)
    details = (
        *((key, text(root.get(key))) for key in ("predict", "train", "run") if root.get(key)),
        *pairs(root.get("build")),
    )
    return FileFacts(problem=tree.problem, resources=(Resource("cog", "image", text(root.get("image")), 1, details),))


def read_bento(tree: Tree) -> FileFacts:
    """A bentofile.yaml."""
    root = tree.root
    details = tuple(pair for pair in pairs(root) if pair[0] != "service")
    return FileFacts(
        problem=tree.problem, resources=(Resource("bentoml", "bento", text(root.get("service")), 1, details),)
    )


def read_valohai(tree: Tree) -> FileFacts:
    """A valohai.yaml: steps and pipelines."""
    stages = []
    for item in tree.root.items[:MAX_ROWS]:
        if step := item.get("step"):
            lines = "\n".join(step.get("command").texts())
            stages.append(
                PipelineStage("valohai", text(step.get("name")), clean(mask_text(lines), limit=5_000), item.line)
            )
    return FileFacts(problem=tree.problem, stages=tuple(stages))


def read_prefect(tree: Tree) -> FileFacts:
    """A prefect.yaml: deployments, and a resource for each that has a schedule."""
    stages, resources = [], []
    for item in tree.root.get("deployments").items[:MAX_ROWS]:
        name = text(item.get("name"))
        stages.append(PipelineStage("prefect", name, text(item.get("entrypoint")), item.line))
        for schedule in (*item.get("schedule").listed(), *item.get("schedules").listed()):
            resources.append(Resource("prefect", "schedule", name, schedule.line, _scheduled(schedule)))
    return FileFacts(problem=tree.problem, stages=tuple(stages), resources=tuple(resources))


def _scheduled(node: Node) -> tuple[tuple[str, str], ...]:
    when = text(node.get("cron")) or text(node.get("interval")) or text(node.get("rrule"))
    return (("schedule", when),) if when else ()


def read_ploomber(tree: Tree) -> FileFacts:
    """A pipeline.yaml of Ploomber, told by tasks that have a source."""
    tasks = [task for task in tree.root.get("tasks").items if task.get("source")]
    stages = tuple(
        PipelineStage("ploomber", text(task.get("name")), text(task.get("source")), task.line, outs=_products(task))
        for task in tasks[:MAX_ROWS]
    )
    return FileFacts(problem=tree.problem if stages else "", stages=stages)


def _products(task: Node) -> tuple[str, ...]:
    product = task.get("product")
    return tuple(clean(name) for name in (product.texts() or (value for _, value in pairs(product))))


def read_kedro_catalog(tree: Tree) -> FileFacts:
    """Data sets of a Kedro catalog."""
    rows = tuple(
        Resource("kedro", "dataset", clean(key.text), key.line, pairs(node)[:30])
        for key, node in tree.root.pairs
        if node.get("type") and not key.text.startswith("_")
    )
    return FileFacts(problem=tree.problem, resources=rows[:MAX_ROWS])


def read_azureml(tree: Tree) -> FileFacts:
    """Azure ML jobs, components, schedules, monitors, environments and endpoints, told by their `$schema`."""
    root = tree.root
    schema = root.get("$schema").text.rpartition("/")[2].removesuffix(".json").removesuffix(".schema")
    name = text(root.get("name")) or text(root.get("display_name"))
    stages = [
        PipelineStage("azureml", clean(key.text), shell(node.get("command")) or text(node.get("component")), key.line)
        for key, node in root.get("jobs").pairs
    ]
    if root.get("command"):
        stages.append(PipelineStage("azureml", name, shell(root.get("command")), root.get("command").line))
    trigger = root.get("trigger")
    schedule = text(trigger.get("expression")) or text(trigger.get("frequency"))
    job = text(root.get("create_job")) or text(root.get("create_job", "job"))
    told = tuple((key, value) for key, value in (("schedule", schedule), ("job", job)) if value)
    signals = [
        Resource("azureml", f"monitor {text(node.get('type'))}", clean(key.text), key.line, pairs(node)[:30])
        for key, node in root.get("create_monitor", "monitoring_signals").pairs
    ]
    return FileFacts(
        problem=tree.problem,
        stages=tuple(stages[:MAX_ROWS]),
        resources=(Resource("azureml", clean(schema), name, 1, (*told, *_top(root))), *signals[:MAX_ROWS]),
    )


def _top(root: Node) -> tuple[tuple[str, str], ...]:
    return pairs(Node("map", 0, pairs=tuple((key, value) for key, value in root.pairs if value.kind == "scalar")))[:40]


# ---------------------------------------------------------------------------------------------------- Argo and Kubeflow


def argo_stages(document: Node) -> Iterator[PipelineStage]:
    """Containers and scripts of a Workflow, WorkflowTemplate or CronWorkflow of Argo (Kubeflow v1 compiles to it)."""
    spec = document.get("spec", "workflowSpec") or document.get("spec")
    for template in spec.get("templates").items[:MAX_ROWS]:
        body = template.get("container") or template.get("script")
        if body.kind == "map":
            words = [shell(body.get(key)) for key in ("command", "args", "source")]
            line = " ".join(word for word in words if word)
            yield PipelineStage("argo", text(template.get("name")), clean(line, limit=5_000), template.line)


def read_kubeflow(tree: Tree) -> FileFacts:
    """A compiled pipeline of Kubeflow v2: tasks of the root, commands of their executors."""
    root = tree.root
    executors = root.get("deploymentSpec", "executors")
    stages = []
    for key, task in root.get("root", "dag", "tasks").pairs[:MAX_ROWS]:
        component = root.get("components", task.get("componentRef", "name").text)
        container = executors.get(component.get("executorLabel").text, "container")
        words = (shell(container.get(part)) for part in ("command", "args"))
        needs = task.get("dependentTasks").texts()
        stages.append(PipelineStage("kubeflow", clean(key.text), " ".join(words).strip()[:5_000], key.line, deps=needs))
    return FileFacts(problem=tree.problem, stages=tuple(stages))


# ------------------------------------------------------------------------------------------------------ Snakemake, cron

_MAX_SECTION = 20_000
_RULE = re.compile(
    r"(?P<indent>[ \t]*)(?:rule|checkpoint)(?:[ \t]+(?P<name>\w+))?[ \t]*:(?P<rest>[ \t]*(?:#|\w+[ \t]*:|$).*)"
)
_SECTION = re.compile(
    r"[ \t]+(?P<key>input|output|shell|script|notebook|run|params|log|conda|wrapper|container)[ \t]*:(?P<rest>.*)$"
)
_LITERAL = re.compile(r"\"{3}(.*?)\"{3}|'{3}(.*?)'{3}|\"((?:\\.|[^\"\\\n])*)\"|'((?:\\.|[^'\\\n])*)'", re.S)


def read_snakefile(source: str) -> FileFacts:
    """Rules of a Snakefile: strings of `input`, `output` and of what runs them."""
    stages = []
    for line, name, body in islice(_rules(source.replace("\r\n", "\n").split("\n")), MAX_ROWS):
        run = {key: _strings(text) for key, text in body.items()}
        command = next((" ".join(run[key]) for key in ("shell", "script", "notebook", "wrapper") if run.get(key)), "")
        stages.append(
            PipelineStage(
                "snakemake",
                clean(name),
                clean(mask_text(command.strip()), limit=5_000),
                line,
                deps=tuple(clean(item) for item in run.get("input", ())),
                outs=tuple(clean(item) for item in run.get("output", ())),
            )
        )
    return FileFacts(stages=tuple(stages))


def _rules(lines: list[str]) -> Iterator[tuple[int, str, dict[str, str]]]:
    """(line, name, text of each section) of each rule; a rule ends where the indentation does."""
    current: tuple[int, str, dict[str, str]] | None = None
    indent, section = 0, ""
    for number, line in enumerate(lines, start=1):
        if match := _RULE.match(line):
            if current:
                yield current
            current, indent, section = (number, match.group("name") or "", {}), len(match.group("indent")), ""
            if inline := _SECTION.match(" " + match.group("rest").strip()):
                current[2][inline.group("key")] = inline.group("rest")
        elif (
            current
            and line.strip()
            and len(line) - len(line.lstrip()) <= indent
            and not line.lstrip().startswith(("#", '"', ")"))
        ):
            yield current
            current = None
        elif current and (match := _SECTION.match(line)):
            section = match.group("key")
            current[2][section] = match.group("rest")
        elif current and section and len(current[2][section]) < _MAX_SECTION:
            current[2][section] += "\n" + line
    if current:
        yield current


def _strings(text: str) -> list[str]:
    return [
        next(group for group in match.groups() if group is not None) for match in _LITERAL.finditer(text[:_MAX_SECTION])
    ][:100]


_MAX_LINES = 5_000
_CRON = re.compile(r"\s*(@\w+|(?:[\d*,/A-Za-z#L?-]+\s+){4}[\d*,/A-Za-z#L?-]+)\s+(\S.*)")


def read_crontab(path: str, source: str) -> FileFacts:
    """Lines of a crontab; those of /etc/cron.d name a user first, which stays part of the command."""
    rows = []
    for number, line in enumerate(source.split("\n")[:_MAX_LINES], start=1):
        match = _CRON.match(line[:2_000]) if not line.lstrip().startswith("#") else None
        if match:
            run = clean(mask_text(match.group(2).strip()))
            rows.append(
                Resource("cron", "schedule", run[:80], number, (("schedule", match.group(1)), ("command", run)))
            )
    return FileFacts(resources=tuple(rows[:MAX_ROWS]))


def read_timer(path: str, source: str) -> FileFacts:
    """A systemd timer."""
    found = re.findall(r"^[ \t]*(On\w+)[ \t]*=[ \t]*(.{1,200})$", source[:50_000], re.M)
    name = path.rpartition("/")[2]
    rows = (
        Resource("systemd", "schedule", clean(name), 1, (("schedule", clean(f"{key}={value}")),))
        for key, value in found
    )
    return FileFacts(resources=tuple(rows)[:20])
