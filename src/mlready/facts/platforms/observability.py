"""Prometheus rules and scrape jobs, Alertmanager routes, Grafana dashboards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlready.facts.ci.common import text
from mlready.facts.reading import clean, items, load_json, table, text_of
from mlready.facts.rows import FileFacts, Resource
from mlready.facts.yamltree import Node, Tree

MAX_ROWS = 1_000
MAX_QUERIES = 50


def alerts(node: Node) -> Iterator[Resource]:
    """Alerts and recording rules below `groups`."""
    for group in node.get("groups").items:
        for rule in group.get("rules").items:
            kind = "alert" if rule.get("alert") else "record"
            values = {"expr": rule.get("expr"), "for": rule.get("for"), "severity": rule.get("labels", "severity")}
            details = tuple((name, text(value)) for name, value in values.items() if value)
            yield Resource("prometheus", kind, text(rule.get(kind)), rule.line, details)


def read_rules(tree: Tree) -> FileFacts:
    """A file of Prometheus rules."""
    return FileFacts(problem=tree.problem, resources=tuple(alerts(tree.root))[:MAX_ROWS])


def read_prometheus(tree: Tree) -> FileFacts:
    """A prometheus.yml: its scrape jobs and rule files."""
    root = tree.root
    rows = []
    for job in root.get("scrape_configs").items[:MAX_ROWS]:
        targets = [target for config in job.get("static_configs").items for target in config.get("targets").texts()]
        details = (
            ("path", text(job.get("metrics_path")) or "/metrics"),
            *(("target", clean(target)) for target in targets[:30]),
        )
        rows.append(Resource("prometheus", "scrape", text(job.get("job_name")), job.line, details))
    rows += [Resource("prometheus", "rule-file", clean(name), 1) for name in root.get("rule_files").texts()]
    return FileFacts(problem=tree.problem, resources=tuple(rows))


def read_alertmanager(tree: Tree) -> FileFacts:
    """An Alertmanager configuration: its receivers; addresses and keys are not kept."""
    rows = (
        Resource(
            "alertmanager",
            "receiver",
            text(item.get("name")),
            item.line,
            tuple(("via", clean(key)) for key, _ in item.entries() if key != "name"),
        )
        for item in tree.root.get("receivers").items[:MAX_ROWS]
    )
    return FileFacts(problem=tree.problem, resources=tuple(rows))


def read_dashboard(source: str) -> FileFacts:
    """A dashboard of Grafana: its title and what its panels ask for."""
    root = table(load_json(source))
    board = table(root.get("dashboard")) or root
    panels = list(_panels(items(board.get("panels"))))
    if not panels:
        return FileFacts()
    queries = [
        text_of(target.get(key))
        for panel in panels
        for target in map(table, items(panel.get("targets")))
        for key in ("expr", "rawSql", "query")
    ]
    details = [("panels", str(len(panels))), *(("query", query) for query in dict.fromkeys(queries) if query)]
    details[MAX_QUERIES:] = []
    return FileFacts(resources=(Resource("grafana", "dashboard", text_of(board.get("title")), 1, tuple(details)),))


def _panels(found: list[Any]) -> Iterator[dict[str, Any]]:
    """Panels, and those in rows one level down."""
    for panel in map(table, found[:MAX_ROWS]):
        yield panel
        yield from map(table, items(panel.get("panels"))[:MAX_ROWS])
