"""CloudFormation and SAM, CDK, Pulumi, Serverless, Databricks bundles, and files of model servers."""

from __future__ import annotations

import re

from mlready.facts.ci.common import Pairs, pairs, text
from mlready.facts.reading import clean, load_json, table, text_of
from mlready.facts.rows import FileFacts, PipelineStage, Resource
from mlready.facts.yamltree import Node, Tree

MAX_ROWS = 1_000
MAX_DETAILS = 50
_SCHEDULE_KEYS = ("Schedule", "ScheduleExpression", "quartz_cron_expression")


def _with_schedule(found: Pairs) -> Pairs:
    """Schedules stand first, under one name."""
    schedules = tuple(("schedule", value) for key, value in found if key.rpartition(".")[2] in _SCHEDULE_KEYS)
    return (*schedules, *found)[:MAX_DETAILS]


def read_cloudformation(tree: Tree) -> FileFacts:
    """A template of CloudFormation or SAM: a row per resource."""
    rows = (
        Resource(
            "cloudformation",
            text(node.get("Type")),
            clean(key.text),
            key.line,
            _with_schedule(pairs(node.get("Properties"))),
        )
        for key, node in tree.root.get("Resources").pairs
        if node.get("Type")
    )
    return FileFacts(problem=tree.problem, resources=tuple(rows)[:MAX_ROWS])


def read_cdk(source: str) -> FileFacts:
    """A cdk.json."""
    root = table(load_json(source))
    return (
        FileFacts(resources=(Resource("cdk", "app", text_of(root.get("app")), 1),)) if root.get("app") else FileFacts()
    )


def read_pulumi(tree: Tree) -> FileFacts:
    """A Pulumi.yaml; resources of a YAML program too."""
    root = tree.root
    runtime = root.get("runtime")
    found = (("runtime", text(runtime.get("name") if runtime.kind == "map" else runtime)),)
    rows = [Resource("pulumi", "project", text(root.get("name")), 1, found)]
    for key, node in root.get("resources").pairs[:MAX_ROWS]:
        rows.append(
            Resource(
                "pulumi", text(node.get("type")), clean(key.text), key.line, pairs(node.get("properties"))[:MAX_DETAILS]
            )
        )
    return FileFacts(problem=tree.problem, resources=tuple(rows))


def read_serverless(tree: Tree) -> FileFacts:
    """A serverless.yml: a row per function."""
    root = tree.root
    rows = []
    for key, node in root.get("functions").pairs[:MAX_ROWS]:
        found = [(name, text(node.get(name))) for name in ("handler", "image", "runtime") if node.get(name)]
        for event in node.get("events").items:
            schedule = event.get("schedule")
            rate = schedule.get("rate") if schedule.kind == "map" else schedule
            found += [("schedule", clean(item)) for item in rate.texts() if item]
            found += [("event", clean(name)) for name, _ in event.entries() if name != "schedule"]
        rows.append(Resource("serverless", "function", clean(key.text), key.line, tuple(found[:MAX_DETAILS])))
    provider = text(root.get("provider", "name")) or text(root.get("provider"))
    return FileFacts(
        problem=tree.problem,
        resources=(Resource("serverless", "service", text(root.get("service")), 1, (("provider", provider),)), *rows),
    )


# ---------------------------------------------------------------------------------------------------------- Databricks

_TASKS = {
    "notebook_task": "notebook_path",
    "spark_python_task": "python_file",
    "python_wheel_task": "entry_point",
    "pipeline_task": "pipeline_id",
    "sql_task": "file",
    "dbt_task": "commands",
    "run_job_task": "job_id",
}


def read_databricks(tree: Tree) -> FileFacts:
    """A bundle or a file of its resources: jobs with schedules, their tasks as stages, endpoints, pipelines, models."""
    root = tree.root
    targets = [node for _, node in root.get("targets").entries()]
    rows: list[Resource] = []
    stages: list[PipelineStage] = []
    if root.get("bundle"):
        details = tuple(("include", clean(name)) for name in root.get("include").texts())
        rows.append(Resource("databricks", "bundle", text(root.get("bundle", "name")), 1, details))
    for owner in (root, *targets):
        for kind, group in owner.get("resources").entries():
            for key, node in group.pairs[:MAX_ROWS]:
                rows.append(
                    Resource("databricks", clean(kind), clean(key.text), key.line, _with_schedule(_job_details(node)))
                )
                stages += [_task(clean(key.text), task) for task in node.get("tasks").items[:MAX_ROWS]]
    return FileFacts(problem=tree.problem, resources=tuple(rows[:MAX_ROWS]), stages=tuple(stages[:MAX_ROWS]))


def _job_details(node: Node) -> Pairs:
    notebooks = tuple(
        ("notebook", text(task.get("notebook_task", "notebook_path")))
        for task in node.get("tasks").items
        if task.get("notebook_task")
    )
    git = (("git_source", text(node.get("git_source", "git_url"))),) if node.get("git_source") else ()
    return (*notebooks[:20], *git, *pairs(node))


def _task(job: str, task: Node) -> PipelineStage:
    command = next((text(task.get(kind, key)) for kind, key in _TASKS.items() if task.get(kind)), "")
    needs = tuple(text(item.get("task_key")) for item in task.get("depends_on").items)
    return PipelineStage("databricks", f"{job}.{text(task.get('task_key'))}", command, task.line, deps=needs)


# ------------------------------------------------------------------------------------------------------- model servers

_PBTXT = re.compile(
    r"^[ \t]*(name|platform|backend|max_batch_size|default_model_filename)[ \t]*:[ \t]*\"?([^\"\n#]{1,200})\"?", re.M
)
_PBTXT_BLOCK = re.compile(r"^(instance_group|dynamic_batching|version_policy|model_warmup|ensemble_scheduling)\b", re.M)


def read_triton(source: str) -> FileFacts:
    """A config.pbtxt of Triton."""
    found = {key: clean(value.strip()) for key, value in reversed(_PBTXT.findall(source[:200_000]))}
    details = [(key, value) for key, value in found.items() if key != "name"]
    details += [(name, "yes") for name in dict.fromkeys(_PBTXT_BLOCK.findall(source[:200_000]))]
    return FileFacts(resources=(Resource("triton", "model", found.get("name", ""), 1, tuple(details)),))


def read_mlserver(source: str) -> FileFacts:
    """A model-settings.json of MLServer."""
    root = table(load_json(source))
    parameters = table(root.get("parameters"))
    values = {
        "implementation": root.get("implementation"),
        "uri": parameters.get("uri"),
        "version": parameters.get("version"),
    }
    details = tuple((key, text_of(value)) for key, value in values.items() if value)
    return FileFacts(resources=(Resource("mlserver", "model", text_of(root.get("name")), 1, details),))


def read_ray_serve(tree: Tree) -> FileFacts:
    """A configuration of Ray Serve: its applications."""
    rows = (
        Resource("ray-serve", "application", text(item.get("name")), item.line, pairs(item)[:MAX_DETAILS])
        for item in tree.root.get("applications").items[:MAX_ROWS]
        if item.get("import_path")
    )
    return FileFacts(problem=tree.problem, resources=tuple(rows))
