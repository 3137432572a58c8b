"""What readers of all providers share: pairs of a map, commands with their lines, triggers out of conditions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlready.facts.masking import mask_text, mask_value
from mlready.facts.reading import clean
from mlready.facts.rows import Step
from mlready.facts.yamltree import Node

MAX_RUN = 20_000
MAX_JOBS = 500
MAX_STEPS = 2_000
"""Of one file, so that templates that are used a thousand times do not make a fact file of a gigabyte."""


class Budget:
    """Counts down while references of a file are followed, since a few lines can ask for a billion steps."""

    def __init__(self, steps: int = 2_000) -> None:
        self._left = steps

    def take(self) -> bool:
        """Is there one more left?"""
        self._left -= 1
        return self._left >= 0


Pairs = tuple[tuple[str, str], ...]


def pairs(node: Node, *, prefix: str = "") -> Pairs:
    """Scalars of a map, nested maps under dotted keys, lists joined by newlines; values of secrets masked.

    An unquoted number that loses digits (3.10) is repeated under the key "NAME:unquoted-float".
    """
    found: list[tuple[str, str]] = []
    for name, value in node.entries():
        key = clean(prefix + name)
        if value.kind == "map":
            found += pairs(value, prefix=key + ".") if key.count(".") < 5 else ()
            continue
        found.append((key, clean(mask_value(name, "\n".join(value.texts()[:200])[:MAX_RUN]), limit=MAX_RUN)))
        found += [(f"{key}:unquoted-float", item.text) for item in value.listed() if item.lossy]
    return tuple(found[:500])


def command(node: Node) -> str:
    """The shell text of a scalar, bounded and without credentials."""
    return clean(mask_text(node.text[:MAX_RUN].rstrip("\n")), limit=MAX_RUN)


def run_step(node: Node, *, name: str = "", condition: str = "", env: Pairs = ()) -> Step:
    """A step that runs the scalar's text."""
    return Step(node.line, command(node), "", name, env=env, run_line=node.text_line, condition=condition)


def flat(nodes: Iterable[Node]) -> Iterator[Node]:
    """Scalars and maps of sequences nested in each other (aliases and references put lists into lists)."""
    for node in nodes:
        if node.kind == "seq":
            yield from flat(node.items)
        elif node:
            yield node


def text(node: Node) -> str:
    """Short clean text of a scalar, else ""."""
    return clean(mask_text(node.text[:5_000])) if node.kind == "scalar" and node else ""


def is_true(node: Node) -> bool:
    """`true` as a loader would see it; an expression counts as false, since it cannot be told."""
    return node.plain and node.text.lower() in ("true", "yes", "on")


_SOURCES = {
    "push": "push",
    "merge_request_event": "pull-request",
    "pull_request": "pull-request",
    "pull_request_target": "pull-request",
    "schedule": "schedule",
    "web": "manual",
    "api": "webhook",
    "trigger": "webhook",
    "workflow_dispatch": "manual",
    "workflow_call": "workflow-call",
    "workflow_run": "workflow-run",
    "repository_dispatch": "webhook",
    "release": "release",
    "pipeline": "workflow-call",
    "parent_pipeline": "workflow-call",
}
_COMPARED = re.compile(r"(?:CI_PIPELINE_SOURCE|event_name)\s*==\s*[\"'](\w+)[\"']")


def compared_triggers(condition: str) -> tuple[str, ...]:
    """Triggers that a condition compares the event with: `github.event_name == 'schedule'` says "schedule"."""
    found = (_SOURCES.get(name, "") for name in _COMPARED.findall(condition))
    return tuple(dict.fromkeys(name for name in found if name))


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Without repetitions and empty ones, in order."""
    return tuple(dict.fromkeys(name for name in names if name))
