"""GitLab CI: `extends`, `default`, `!reference` and hidden jobs are followed inside the file, includes are named."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.ci.common import (
    MAX_JOBS,
    MAX_STEPS,
    Budget,
    Pairs,
    compared_triggers,
    flat,
    is_true,
    pairs,
    run_step,
    text,
    unique,
)
from mlready.facts.reading import clean
from mlready.facts.rows import Automation, Job, Step
from mlready.facts.yamltree import MISSING, Node

_RESERVED = {
    *("default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script"),
    *("after_script", "types", "spec"),
}
_JOB_KEYS = {"script", "extends", "trigger", "run", "stage", "before_script", "needs", "rules", "only"}
_REFS = {
    "schedules": "schedule",
    "tags": "tag",
    "merge_requests": "pull-request",
    "external_pull_requests": "pull-request",
    "web": "manual",
    "triggers": "webhook",
    "api": "webhook",
    "pipelines": "workflow-call",
}
_CONDITIONS = (
    (re.compile(r"\$CI_COMMIT_TAG\b"), "tag"),
    (re.compile(r"\$CI_(COMMIT_BRANCH|DEFAULT_BRANCH|COMMIT_REF_NAME)\b"), "push"),
    (re.compile(r"\$CI_(MERGE_REQUEST_I?ID|MERGE_REQUEST_\w+|EXTERNAL_PULL_REQUEST_\w+)\b"), "pull-request"),
)
_MAX_BASES = 30
_MAX_REFERENCES = 10


def read_gitlab(root: Node) -> Automation:
    """A .gitlab-ci.yml or a file that one includes."""
    named = [(key, node) for key, node in root.pairs if _is_job(key.text, node)]
    jobs = tuple(_job(root, key, node) for key, node in named[:MAX_JOBS])
    workflow = _rules_triggers(root.get("workflow", "rules"))
    triggers = workflow or ("push", *(trigger for job in jobs for trigger in job.triggers))
    includes = unique(name for item in root.get("include").listed() for name in _include(item))
    return Automation(
        "gitlab",
        triggers=unique(triggers),
        jobs=jobs,
        includes=includes + unique(job.calls for job in jobs if job.calls not in includes),
        env=pairs(root.get("variables")),
    )


def _is_job(name: str, node: Node) -> bool:
    if name in _RESERVED or name.startswith(".") or node.kind != "map":
        return False
    return any(key in _JOB_KEYS for key, _ in node.entries())


def _include(item: Node) -> tuple[str, ...]:
    """What an include names: a path of this repository without its leading slash, else a text with its source."""
    if item.kind == "scalar":
        return (text(item).lstrip("/") if "://" not in item.text else text(item),)
    if local := text(item.get("local")):
        return (local.lstrip("/"),)
    if project := text(item.get("project")):
        return tuple(f"{project}:{name.lstrip('/')}" for name in item.get("file").texts())
    return tuple(f"{key}:{text(item.get(key))}" for key in ("template", "remote", "component") if item.get(key))


def _job(root: Node, key: Node, node: Node) -> Job:
    entries, unknown = _extended(root, node, set())
    triggers, condition = _when(entries)
    image = _inherited(root, entries, "image")
    environment = entries.get("environment", MISSING)
    trigger = entries.get("trigger", MISSING)
    return Job(
        clean(key.text),
        key.line,
        steps=tuple(_steps(root, entries))[:MAX_STEPS],
        needs=unique(_need(item) for item in entries.get("needs", MISSING).listed()),
        condition=condition,
        image=text(image.get("name") if image.kind == "map" else image),
        environment=text(environment.get("name") if environment.kind == "map" else environment),
        calls=_called(trigger) or unknown or _unresolved(root, entries),
        env=pairs(entries.get("variables", MISSING)),
        matrix=_matrix(entries.get("parallel", MISSING).get("matrix")),
        triggers=triggers,
        tolerated=is_true(entries.get("allow_failure", MISSING)),
    )


def _extended(root: Node, node: Node, seen: set[str]) -> tuple[dict[str, Node], str]:
    """The job's entries with those of the jobs it extends beneath them, and a base that the file does not hold.

    `seen` holds the bases that are merged already, so that circles end.
    """
    entries: dict[str, Node] = {}
    unknown = ""
    for base in node.get("extends").texts():
        if base in seen or len(seen) > _MAX_BASES:
            continue
        seen.add(base)
        parent = root.get(base)
        if parent.kind != "map":
            unknown = clean(base)
            continue
        inherited, missing = _extended(root, parent, seen)
        entries.update(inherited)
        unknown = unknown or missing
    for key, value in node.entries():
        old = entries.get(key)
        if old is not None and old.kind == value.kind == "map":
            own = {name.text for name, _ in value.pairs}
            rest = (pair for pair in old.pairs if pair[0].text not in own)
            value = Node("map", value.line, pairs=(*value.pairs, *rest))
        entries[key] = value
    return entries, unknown


def _inherited(root: Node, entries: dict[str, Node], key: str) -> Node:
    return entries.get(key) or root.get("default", key) or root.get(key)


def _steps(root: Node, entries: dict[str, Node]) -> Iterator[Step]:
    """One step per command; the line of each is its own."""
    budget = Budget()
    for part in ("before_script", "script", "after_script"):
        node = entries.get(part, MISSING) if part == "script" else _inherited(root, entries, part)
        for item in flat(_resolved(root, node.listed() if not node.tag else (node,), budget)):
            yield run_step(item, name=part)


def _resolved(root: Node, nodes: tuple[Node, ...], budget: Budget, depth: int = 0) -> Iterator[Node]:
    """Scripts with `!reference [job, key]` replaced by what the file holds there."""
    for node in nodes:
        if not budget.take() or depth > _MAX_REFERENCES:
            return
        if node.tag == "!reference":
            yield from _resolved(root, root.get(*node.texts()).listed(), budget, depth + 1)
        elif node.kind == "seq":
            yield from _resolved(root, node.items, budget, depth + 1)
        elif node.kind == "scalar":
            yield node


def _unresolved(root: Node, entries: dict[str, Node]) -> str:
    """A reference to something that is not in this file, as "!reference .setup script"."""
    for key in ("before_script", "script", "after_script"):
        node = entries.get(key, MISSING)
        for item in (node, *node.items):
            if item.tag == "!reference" and not root.get(*item.texts()):
                return clean("!reference " + " ".join(item.texts()))
    return ""


def _called(trigger: Node) -> str:
    """A downstream pipeline: another project, or a child pipeline of this one."""
    if trigger.kind == "scalar":
        return text(trigger)
    names = [name for item in trigger.get("include").listed() for name in _include(item)]
    return text(trigger.get("project")) or next(iter(names), "child pipeline" if trigger else "")


def _need(item: Node) -> str:
    return text(item.get("job") if item.kind == "map" else item)


def _when(entries: dict[str, Node]) -> tuple[tuple[str, ...], str]:
    """Triggers that the job is narrowed to, and its conditions as text."""
    rules, only = entries.get("rules", MISSING), entries.get("only", MISSING)
    manual = entries.get("when", MISSING).text == "manual"
    condition = " || ".join(text(rule.get("if")) for rule in rules.items if rule.get("if"))
    refs = only.get("refs") if only.kind == "map" else only
    condition = condition or " || ".join(refs.texts())
    if except_ := entries.get("except", MISSING).texts():
        condition = f"{condition} && not ({' || '.join(except_)})".removeprefix(" && ")
    triggers = _rules_triggers(rules) or unique(_REFS.get(ref, "push") for ref in refs.texts())
    return (("manual",) if manual else triggers), clean(condition or ("manual" if manual else ""))


def _rules_triggers(rules: Node) -> tuple[str, ...]:
    """Triggers named by `rules`; () when one of them lets everything through."""
    found: list[str] = []
    for rule in rules.items:
        when = rule.get("when").text
        if when == "never" or rule.kind != "map":
            continue
        condition = rule.get("if").text
        named = compared_triggers(condition) or tuple(
            name for pattern, name in _CONDITIONS if pattern.search(condition)
        )
        if when == "manual":
            named = ("manual",)
        if not named:
            return ()
        found += named
    return unique(found)


def _matrix(node: Node) -> Pairs:
    return tuple(
        pair
        for item in node.items
        for name, value in item.entries()
        for value_node in value.listed()
        for pair in ((clean(name), text(value_node)), (f"{clean(name)}:unquoted-float", value_node.text))
        if not pair[0].endswith(":unquoted-float") or value_node.lossy
    )[:200]
