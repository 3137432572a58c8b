"""Co-variables: names that may share objects and so must be thought of as one unit."""

from __future__ import annotations

from collections.abc import Iterable

from mlready.flow.statements import StatementFlow


def shared_groups(flows: Iterable[StatementFlow]) -> tuple[frozenset[str], ...]:
    """Groups of two and more names whose objects may be, view or hold each other, over a run of statements."""
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for flow in flows:
        for name, shared in flow.aliases:
            for other in shared:
                parent[find(other)] = find(name)
    groups: dict[str, set[str]] = {}
    for name in list(parent):
        groups.setdefault(find(name), set()).add(name)
    return tuple(sorted((frozenset(names) for names in groups.values() if len(names) > 1), key=sorted))


def changed_by(flow: StatementFlow, groups: Iterable[frozenset[str]]) -> frozenset[str]:
    """Names whose value a statement changes for sure or through an object that they share."""
    changed = set(flow.binds | flow.mutates)
    for group in groups:
        if group & flow.mutates:
            changed |= group
    return frozenset(changed)
