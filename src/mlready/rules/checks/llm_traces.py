"""Checks of factor 11: calls of language models leave a trace."""

from __future__ import annotations

import re

from mlready.findings import Location, Site, Verdict, met, missing, unknown
from mlready.project.project import Project, Use
from mlready.rules.checks.common import inserted_rows, strings

_INSTRUMENTED = re.compile(r"(?<!install )\bopentelemetry-instrument\b(?!ation)")
_GATEWAYS = re.compile(r"litellm|portkey|helicone|gateway|openrouter", re.IGNORECASE)


_MEASURED = re.compile(r"\b(\w*_)?(tokens|latency(_\w+)?|response_time|cost)\b", re.IGNORECASE)
"""Columns of a table that say what a call took."""


def llm_calls_traced(project: Project) -> Verdict:
    """MON008: each call of a language model leaves a trace: model, prompt version, tokens, latency, errors."""
    calls = list(project.uses("call-llm", notebooks=False)) or list(project.uses("call-llm"))
    traced = list(project.uses("trace-llm", notebooks=False))
    if traced:
        return met(Site(1.0, f"{traced[0].call.name} traces calls", traced[0].where, key=traced[0].call.name))
    for use in project.uses("trace", notebooks=False):
        return met(
            Site(0.5, f"{use.call.name} traces the service, calls of the model among it", use.where, key=use.call.name)
        )
    for file in project.code_files:
        for text in file.python.texts if file.python else ():
            if text.kind == "url" and _GATEWAYS.search(text.value):
                return met(Site(1.0, "calls go through a gateway that logs them", file.at(text.line), key="gateway"))
    instrumented = _instrumented(project)
    if instrumented is not None:
        said = "starts under opentelemetry-instrument, which traces calls of the model among others"
        return met(Site(0.5, said, instrumented, key="opentelemetry-instrument"))
    variable = _switched_on(project)
    if variable is not None:
        return met(variable)
    logged = next((use for use in calls if _logs_near(use)), None)
    if logged is not None:
        return met(Site(0.5, "calls are logged by hand", logged.where, key="log"))
    row = next((where for where, sql in inserted_rows(project) if _MEASURED.search(sql)), None)
    if row is not None:
        return met(Site(0.5, "calls are rows of a table, written by hand", row, key="insert"))
    if any(project.uses("trace-llm", notebooks=True)):
        return met(
            Site(
                0.25,
                "only a notebook traces calls",
                next(project.uses("trace-llm", notebooks=True)).where,
                key="notebook",
            )
        )
    if project.systems & _TRACED_BY_VARIABLES:
        return unknown("LangChain sends traces when the environment says so, and no file tells")
    return missing("calls of the language model leave no trace", calls[0].where if calls else None)


def _instrumented(project: Project) -> Location | None:
    """Where an image or a service starts under an agent that traces."""
    for file, container in project.containers:
        for row in container.instructions:
            if row.op in ("CMD", "ENTRYPOINT") and _INSTRUMENTED.search(row.value):
                return file.at(row.line)
    started = (c for c in project.commands if c.origin in ("container", "infra") and _INSTRUMENTED.search(c.text))
    return next((command.where for command in started), None)


_TRACED_BY_VARIABLES = frozenset(("langchain", "langgraph", "langsmith"))
_SWITCH = re.compile(r"(^|[._])(LANGCHAIN_TRACING(_V2)?|LANGSMITH_TRACING(_V2)?)$")


def _switched_on(project: Project) -> Site | None:
    """LangChain's own tracing, switched on by a variable in a file of settings (of .env files only names are read)."""
    for file in project.files:
        for row in file.facts.settings:
            if _SWITCH.search(row.key) and str(row.value).lower() in ("true", "1", "none"):
                return Site(1.0, f"{row.key} switches tracing on", file.at(row.line), key="tracing variable")
    return None


def _logs_near(use: Use) -> bool:
    python = use.file.python
    assert python is not None
    words = re.compile(r"token|usage|latency|prompt|completion|duration|elapsed", re.IGNORECASE)
    return any(
        call.scope == use.call.scope
        and "log" in call.activities
        and any(words.search(text) for arg in call.args for text in (*strings(arg.value), arg.value.text))
        for call in python.calls
    )
