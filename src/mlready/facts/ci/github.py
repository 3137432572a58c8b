"""GitHub Actions: workflows, reusable workflows and composite actions (Gitea and Forgejo use the same format)."""

from __future__ import annotations

from mlready.facts.ci.common import MAX_JOBS, MAX_STEPS, Pairs, command, compared_triggers, is_true, pairs, text, unique
from mlready.facts.reading import clean
from mlready.facts.rows import Automation, Job, Step
from mlready.facts.yamltree import MISSING, Node

_EVENTS = {
    "push": "push",
    "pull_request": "pull-request",
    "pull_request_target": "pull-request",
    "merge_group": "pull-request",
    "schedule": "schedule",
    "workflow_dispatch": "manual",
    "create": "tag",
    "release": "release",
    "registry_package": "release",
    "workflow_call": "workflow-call",
    "workflow_run": "workflow-run",
    "repository_dispatch": "webhook",
    "issue_comment": "webhook",
    "issues": "webhook",
    "deployment": "webhook",
    "status": "webhook",
}
_FILTERS = ("branches", "branches-ignore", "paths", "paths-ignore", "types")


def read_workflow(root: Node) -> Automation:
    """A file of .github/workflows."""
    events = _events(root.get("on"))
    folder = _default_folder(root)
    jobs = tuple(
        _job(key, node, folder=_default_folder(node) or folder) for key, node in root.get("jobs").pairs[:MAX_JOBS]
    )
    problem = "" if jobs and events else "not a workflow: `on` or `jobs` is missing"
    return Automation(
        "github",
        triggers=unique(trigger for event, node in events for trigger in _triggers(event, node)),
        crons=unique(text(item.get("cron")) for event, node in events if event == "schedule" for item in node.items),
        jobs=jobs,
        includes=unique(job.calls for job in jobs),
        permissions=_level(root.get("permissions")),
        problem=problem,
        env=pairs(root.get("env")),
        scopes=_scopes(root),
        branches=tuple(limit for event, node in events for limit in _limits(event, node)),
    )


def read_action(root: Node) -> Automation:
    """An action.yml: one job "runs" with the steps of a composite action, or none for JavaScript and Docker ones."""
    runs = root.get("runs")
    image = text(runs.get("image"))
    job = Job("runs", runs.line or 1, steps=_steps(runs.get("steps")), image=image)
    return Automation("github", triggers=("workflow-call",), jobs=(job,))


def _events(node: Node) -> list[tuple[str, Node]]:
    if node.kind == "map":
        return list(node.entries())
    return [(item.text, Node("map", item.line)) for item in node.listed() if item.kind == "scalar"]


def _triggers(event: str, node: Node) -> tuple[str, ...]:
    """A push that is limited to tags is no push to a branch."""
    if event != "push":
        return (_EVENTS.get(event, "webhook"),)
    tags = bool(node.get("tags") or node.get("tags-ignore"))
    branches = bool(node.get("branches") or node.get("branches-ignore"))
    return ("push", "tag") if tags and branches else (("tag",) if tags else ("push",))


def _limits(event: str, node: Node) -> Pairs:
    name = _EVENTS.get(event, event)
    found = [("tag", item) for item in node.get("tags").texts()]
    for key in _FILTERS:
        label = name if key == "branches" else f"{name}:{key}"
        found += [(label, clean(item)) for item in node.get(key).texts()]
    return tuple(found[:200])


_ALL = {"read-all": "read", "write-all": "write"}


def _scopes(owner: Node) -> Pairs:
    """The `permissions` of a workflow or job; `permissions: {}` takes all away."""
    node = owner.get("permissions")
    if node.kind == "map":
        return pairs(node) or (("*", "none"),)
    return (("*", _ALL[node.text]),) if node.text in _ALL else ()


def _level(node: Node) -> str:
    return "explicit" if node.kind == "map" else _ALL.get(node.text, "")


def _default_folder(node: Node) -> str:
    return text(node.get("defaults", "run", "working-directory"))


def _job(key: Node, node: Node, *, folder: str) -> Job:
    condition = text(node.get("if"))
    container = node.get("container")
    environment = node.get("environment")
    return Job(
        clean(key.text),
        key.line,
        steps=_steps(node.get("steps"), folder=folder),
        needs=tuple(clean(need) for need in node.get("needs").texts()),
        condition=condition,
        image=text(container.get("image") if container.kind == "map" else container),
        environment=text(environment.get("name") if environment.kind == "map" else environment),
        calls=text(node.get("uses")).removeprefix("./"),
        env=pairs(node.get("env")),
        permissions=_scopes(node),
        matrix=_matrix(node.get("strategy", "matrix")),
        triggers=compared_triggers(condition),
        tolerated=is_true(node.get("continue-on-error")),
    )


def _matrix(node: Node) -> Pairs:
    """One pair per value; the entries of `include` count as values too."""
    found: list[tuple[str, str]] = []
    for name, value in node.entries():
        if name == "exclude":
            continue
        if name == "include":
            found += [pair for item in value.items for pair in pairs(item)]
            continue
        for item in value.listed():
            found += [(clean(name), text(item))] if item.kind == "scalar" else pairs(item, prefix=clean(name) + ".")
            found += [(f"{clean(name)}:unquoted-float", item.text)] if item.lossy else []
    return tuple(dict.fromkeys(found))[:200]


def _steps(node: Node, *, folder: str = "") -> tuple[Step, ...]:
    return tuple(_step(item, folder=folder) for item in node.items[:MAX_STEPS] if item.kind == "map")


def _handed_over(node: Node) -> Node:
    """Shell text that an action runs for the step: retries, virtual machines, commands over SSH."""
    inputs, action = node.get("with"), node.get("uses").text
    keys = ("run", "command", "script") if "ssh" in action else ("run", "command")
    return next((inputs.get(key) for key in keys if inputs.get(key).kind == "scalar" and inputs.get(key)), MISSING)


def _step(node: Node, *, folder: str) -> Step:
    run = node.get("run") or _handed_over(node)
    return Step(
        node.line,
        run=command(run),
        uses=text(node.get("uses")),
        name=text(node.get("name")),
        inputs=pairs(node.get("with")),
        env=pairs(node.get("env")),
        run_line=run.text_line,
        condition=text(node.get("if")),
        directory=text(node.get("working-directory")) or folder,
        tolerated=is_true(node.get("continue-on-error")),
    )
