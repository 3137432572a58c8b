"""Azure Pipelines, templates included. `${{ if }}` and `${{ each }}` are looked through, templates are named."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlready.facts.ci.common import MAX_JOBS, MAX_STEPS, Pairs, command, is_true, pairs, run_step, text, unique
from mlready.facts.reading import clean
from mlready.facts.rows import Automation, Job, Step
from mlready.facts.yamltree import Node

_ALONE = "pipeline"
"""The job of a pipeline that has steps only."""
_SCRIPTS = ("script", "bash", "pwsh", "powershell")
_INLINE = ("inlineScript", "script", "inline")
_STEP_KEYS = {*_SCRIPTS, "task", "checkout", "template", "download", "publish", "downloadBuild", "getPackage"}


@dataclass
class _Context:
    """Collects jobs while stages and templates are walked."""

    folder: str
    jobs: list[Job] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)

    def template(self, node: Node) -> str:
        """A template as a path from the project's root; one of another repository (`x.yml@repo`) as written."""
        name = text(node).removesuffix("@self")
        if not name or "@" in name or "${{" in name:
            return name
        return name.lstrip("/") if name.startswith("/") else posixpath.normpath(posixpath.join(self.folder, name))


def looks_like_azure(root: Node) -> bool:
    """Tells a pipeline or template from any other YAML that lies in a folder called `pipelines`."""
    keys = {key for key, _ in root.entries()}
    if keys & {"apiVersion", "pipelines", "on", "image"}:
        return False
    steps = [key for item in _flat(root.get("steps")) for key, _ in item.entries()]
    jobs = [key for item in _flat(root.get("jobs")) for key, _ in item.entries()]
    stages = [key for item in _flat(root.get("stages")) for key, _ in item.entries()]
    return bool(
        _STEP_KEYS & set(steps)
        or {"job", "deployment", "template"} & set(jobs)
        or {"stage", "template"} & set(stages)
        or root.get("extends", "template")
    )


def read_azure(root: Node, *, path: str, template: bool) -> Automation:
    """`template` tells that the file's name or folder says it is used by others."""
    context = _Context(posixpath.dirname(path))
    _walk(context, root, name=_ALONE, stage="", needs=())
    schedules = root.get("schedules").items
    return Automation(
        "azure",
        triggers=_triggers(root, template=template),
        crons=unique(text(item.get("cron")) for item in schedules),
        jobs=tuple(context.jobs[:MAX_JOBS]),
        includes=unique(context.includes),
        env=_variables(root.get("variables")),
        branches=_branches(root),
    )


def _triggers(root: Node, *, template: bool) -> tuple[str, ...]:
    """A pipeline that says nothing runs on every push; one with parameters and no trigger is taken for a template."""
    keys = {key for key, _ in root.entries()}
    found = []
    if "trigger" in keys:
        found += ["push"] if _starts(root.get("trigger")) else []
        found += ["tag"] if root.get("trigger", "tags") else []
    elif template or ("parameters" in keys and not keys & {"pr", "schedules", "pool", "extends"}):
        return ("workflow-call",)
    elif not keys & {"schedules"} or "pr" in keys:
        found.append("push")
    found += ["pull-request"] if _starts(root.get("pr")) else []
    found += ["schedule"] if root.get("schedules") else []
    found += ["workflow-run"] if root.get("resources", "pipelines") else []
    return unique(found) or ("manual",)


def _starts(node: Node) -> bool:
    return bool(node) and node.text != "none"


def _branches(root: Node) -> Pairs:
    found = []
    for key, name in (("trigger", "push"), ("pr", "pull-request")):
        node = root.get(key)
        names = node.texts() or node.get("branches", "include").texts() or node.get("branches").texts()
        found += [(name, clean(item)) for item in names if item != "none"]
        found += [(f"{name}:paths", clean(item)) for item in node.get("paths", "include").texts()]
    return tuple(found[:200])


def _walk(context: _Context, node: Node, *, name: str, stage: str, needs: tuple[str, ...]) -> None:
    """A pipeline, stage or template: it holds stages, jobs or steps."""
    if extended := node.get("extends", "template"):
        context.includes.append(context.template(extended))
        context.jobs.append(Job(name, extended.line, calls=context.template(extended)))
    for item in _flat(node.get("stages")):
        label = text(item.get("stage")) or stage
        if template := context.template(item.get("template")):
            context.includes.append(template)
            context.jobs.append(Job(label or template, item.line, calls=template))
        else:
            _walk(context, item, name=label, stage=label, needs=item.get("dependsOn").texts())
    for item in _flat(node.get("jobs")):
        _job(context, item, stage=stage, inherited=node, needs=needs)
    if node.get("steps"):
        _add(context, name, node, node.get("steps"), stage_condition="")


def _job(context: _Context, item: Node, *, stage: str, inherited: Node, needs: tuple[str, ...]) -> None:
    name = text(item.get("job")) or text(item.get("deployment")) or stage or "job"
    if template := context.template(item.get("template")):
        context.includes.append(template)
        context.jobs.append(Job(name, item.line, calls=template, needs=needs))
        return
    condition = text(inherited.get("condition")) if stage else ""
    steps = item.get("steps") or Node("seq", item.line, items=tuple(_deployed(item.get("strategy"))))
    _add(context, name, item, steps, stage_condition=condition, needs=needs)


def _deployed(node: Node, depth: int = 0) -> Iterator[Node]:
    """Steps of a deployment strategy: runOnce / rolling / canary, then preDeploy, deploy, on.success, …"""
    for key, value in node.entries():
        if key == "steps":
            yield from value.items
        elif value.kind == "map" and depth < 4:
            yield from _deployed(value, depth + 1)


def _add(
    context: _Context, name: str, node: Node, steps: Node, *, stage_condition: str, needs: tuple[str, ...] = ()
) -> None:
    rows = tuple(_step(item) for item in list(_flat(steps))[:MAX_STEPS])
    templates = unique(context.template(item.get("template")) for item in _flat(steps))
    context.includes += templates
    container, environment = node.get("container"), node.get("environment")
    job = Job(
        clean(name),
        node.line,
        steps=rows,
        needs=unique((*needs, *(clean(item) for item in node.get("dependsOn").texts()))),
        condition=text(node.get("condition")) or stage_condition,
        image=text(container.get("image") if container.kind == "map" else container),
        environment=text(environment.get("name") if environment.kind == "map" else environment),
        calls=next(iter(templates), "") or _parameter(steps),
        env=_variables(node.get("variables")) if name != _ALONE else (),
        matrix=tuple(pair for _, value in node.get("strategy", "matrix").entries() for pair in pairs(value))[:200],
        tolerated=is_true(node.get("continueOnError")),
    )
    context.jobs.append(job)


def _parameter(steps: Node) -> str:
    """Steps that are handed in: `- ${{ parameters.steps }}`."""
    return next((clean(item.text) for item in steps.listed() if item.text.startswith("${{")), "")


def _flat(node: Node, depth: int = 0) -> Iterator[Node]:
    """Items of a list of stages, jobs or steps, with `${{ if … }}:` and `${{ each … }}:` looked through."""
    for item in node.items:
        key, value = item.pairs[0] if item.pairs else (item, item)
        if item.kind == "map" and key.text.startswith("${{") and depth < 10:
            inner = value if value.kind == "seq" else Node("seq", value.line, items=(value,))
            yield from _flat(inner, depth + 1)
        elif item.kind == "map":
            yield item


def _step(node: Node) -> Step:
    for key in _SCRIPTS:
        if script := node.get(key):
            step = run_step(script, name=text(node.get("displayName")), condition=text(node.get("condition")))
            return _with_common(step, node)
    if template := text(node.get("template")):
        return Step(node.line, uses=f"template:{template}", inputs=pairs(node.get("parameters")))
    key = next((key for key in ("task", "checkout", "download", "publish", "getPackage") if node.get(key)), "")
    uses = text(node.get(key)) if key == "task" else (f"{key}:{text(node.get(key))}" if key else "")
    step = Step(node.line, uses=uses, name=text(node.get("displayName")), condition=text(node.get("condition")))
    return _with_common(step, node)


def _with_common(step: Step, node: Node) -> Step:
    """Adds inputs, environment and, for tasks, the inline script."""
    inputs = node.get("inputs")
    inline = next((inputs.get(key) for key in _INLINE if inputs.get(key)), None)
    return Step(
        node.line,
        run=step.run or (command(inline) if inline else ""),
        uses=step.uses,
        name=step.name,
        inputs=pairs(inputs),
        env=pairs(node.get("env")),
        run_line=step.run_line or (inline.text_line if inline else 0),
        condition=step.condition,
        directory=text(node.get("workingDirectory")) or text(inputs.get("workingDirectory")),
        tolerated=is_true(node.get("continueOnError")),
    )


def _variables(node: Node) -> Pairs:
    """Variables as a map, or as a list of name / value, group and template items."""
    if node.kind == "map":
        return pairs(node)
    found: list[tuple[str, str]] = []
    for item in _flat(node):
        name = text(item.get("name"))
        found += pairs(Node("map", item.line, pairs=((item.get("name"), item.get("value")),))) if name else []
        found += [("group", text(item.get("group")))] if item.get("group") else []
        found += [("template", text(item.get("template")))] if item.get("template") else []
    return tuple(found[:500])
