"""Declarative evidence: looks for what a rule's [[evidence]] entries describe, and gives the best credit that is found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Site, Verdict, met, missing
from mlready.project.project import Project
from mlready.rules.model import Evidence, Rule

_MAX_SITES = 5


def judge(rule: Rule, project: Project) -> Verdict:
    """The sites of the best evidence, at most five of them; without any, the rule's `missing` words."""
    sites: list[Site] = []
    for entry in rule.evidence:
        for found in _find(entry, project):
            sites.append(found)
            if len(sites) >= 4 * _MAX_SITES:
                break
    if not sites:
        return missing(rule.missing)
    sites.sort(key=lambda site: (-site.credit, site.where.path if site.where else ""))
    return met(*sites[:_MAX_SITES])


def _find(entry: Evidence, project: Project) -> Iterator[Site]:
    if entry.activity:
        yield from _calls(entry, project)
    elif entry.system:
        yield from _systems(entry, project)
    elif entry.file:
        for file in project.matching(*entry.file):
            if file.role not in ("vendored", "example", "docs") and file.size > 0:
                yield _site(entry, what=file.path, where=file.at(0))
    elif entry.setting:
        for pattern in entry.setting:
            for file, row in project.settings(pattern.file, key=pattern.key):
                if not pattern.value or re.search(pattern.value, str(row.value)):
                    yield _site(entry, what=row.key, where=file.at(row.line))
    elif entry.dependency:
        for file, requirement in project.requirements:
            if requirement.name in entry.dependency:
                yield _site(entry, what=requirement.name, where=file.at(requirement.line))
    elif entry.hook:
        for file, hook in project.hooks:
            if hook.id in entry.hook:
                yield _site(entry, what=hook.id, where=file.at(hook.line))
    elif entry.command:
        yield from _commands(entry, project)


def _calls(entry: Evidence, project: Project) -> Iterator[Site]:
    for use in project.uses(*entry.activity, reached=entry.reached, notebooks=entry.notebooks):
        if not entry.system or use.call.system in entry.system:
            yield _site(entry, what=use.call.name, where=use.where)


def _systems(entry: Evidence, project: Project) -> Iterator[Site]:
    for file in project.work_files:
        for row in file.python.imports if file.python else ():
            if not row.level and row.module and project.vocabulary.system_of(row.module) in entry.system:
                if not entry.reached or project.reaches((file.path, row.scope), entry.reached):
                    yield _site(entry, what=row.module, where=file.at(row.line))
                break


def _commands(entry: Evidence, project: Project) -> Iterator[Site]:
    patterns = [re.compile(pattern) for pattern in entry.command]
    for command in project.commands:
        if entry.origin and command.origin not in entry.origin:
            continue
        if entry.trigger and not set(entry.trigger) & set(command.triggers):
            continue
        text = " ".join(command.words)
        if any(pattern.search(text) for pattern in patterns):
            yield _site(entry, what=text[:80], where=command.where)


def _site(entry: Evidence, *, what: str, where: object) -> Site:
    from mlready.findings import Location

    assert isinstance(where, Location)
    return Site(entry.credit, entry.says.replace("{what}", what), where, key=what)
