"""Jenkinsfiles, declarative and scripted, by a tolerant reader: comments and strings are told apart, Groovy is not run.

What starts a Jenkins job lies mostly in the server; a file that names no trigger counts as run on push, which is what
multibranch pipelines do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlready.facts.ci.common import MAX_JOBS, MAX_RUN, MAX_STEPS, unique
from mlready.facts.masking import mask_text, mask_value
from mlready.facts.reading import clean
from mlready.facts.rows import Automation, Job, Step

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))"""
    r"""|(?P<triple>'{3}(?:\\.|(?!''').)*(?:'{3}|\Z)|"{3}(?:\\.|(?!\"\"\").)*(?:"{3}|\Z))"""
    r"""|(?P<string>'(?:\\.|[^'\\\n])*'?|"(?:\\.|[^"\\\n])*"?)"""
    r"""|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)|(?P<number>\d+)|(?P<newline>\n)|(?P<mark>[^\s\w])""",
    re.S,
)
_RUNS = ("sh", "bat", "powershell", "pwsh")
_TRIGGERS = {"pollSCM": "push", "githubPush": "push", "upstream": "workflow-run", "gitlab": "push"}
_MAX_TOKENS = 100_000
_MAX_SOURCE = 1_000_000


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def read_jenkinsfile(source: str) -> Automation:
    """Stages as jobs, `sh` and its kin as steps, triggers, images and shared libraries."""
    tokens = list(_tokens(source))
    crons = unique(
        _string(tokens, i + 1) for i, token in enumerate(tokens) if token.text == "cron" and token.kind == "word"
    )
    named = [_TRIGGERS.get(token.text, "") for token in tokens if token.kind == "word"]
    schedule = ["schedule"] if crons else []
    manual = (
        ["manual"] if any(token.text in ("parameters", "input") for token in tokens if token.kind == "word") else []
    )
    return Automation(
        "jenkins",
        triggers=unique([*(unique(named) or ("push",)), *schedule, *manual]),
        crons=tuple(clean(line) for cron in crons for line in cron.splitlines() if line.strip()),
        jobs=_jobs(tokens),
        includes=unique(clean(_string(tokens, i + 1)) for i, token in enumerate(tokens) if token.text == "Library"),
        env=_environment(tokens),
    )


def _tokens(source: str) -> Iterator[_Token]:
    line = 1
    for count, match in enumerate(_TOKEN.finditer(source[:_MAX_SOURCE])):
        kind = match.lastgroup or ""
        text = match.group()
        if count >= _MAX_TOKENS:
            return
        if kind not in ("comment", "newline"):
            yield _Token("string" if kind == "triple" else kind, text, line)
        line += text.count("\n")


def _unquoted(text: str) -> str:
    quote = text[:3] if text[:3] in ("'''", '"""') else text[:1]
    return re.sub(r"\\([\"'$])", r"\1", text[len(quote) :].removesuffix(quote))


def _string(tokens: list[_Token], start: int) -> str:
    """The first string after `start`, brackets and names of arguments (`script:`) passed over."""
    for token in tokens[start : start + 12]:
        if token.kind == "string":
            return _unquoted(token.text)
        if token.text in ("}", "{", ";"):
            return ""
    return ""


def _jobs(tokens: list[_Token]) -> tuple[Job, ...]:
    """Steps under the name of the last stage that was opened; those before any stage under "pipeline"."""
    image = next((_image(tokens, i) for i in range(len(tokens)) if _image(tokens, i)), "")
    found: list[tuple[str, int, list[Step]]] = [("pipeline", 1, [])]
    for index, token in enumerate(tokens):
        if token.kind != "word":
            continue
        if token.text == "stage" and (name := _string(tokens, index + 1)):
            found.append((name, token.line, []))
        elif token.text in _RUNS and (step := _run(tokens, index)):
            found[-1][2].append(step)
    rows = [Job(clean(name), line, tuple(steps[:MAX_STEPS]), image=image) for name, line, steps in found]
    rows = [row for row in rows if row.steps or row.name != "pipeline"]
    words = {token.text for token in tokens if token.kind == "word"}
    if not rows and not words & {"pipeline", "node"}:
        rows = [Job("pipeline", 1, calls="shared library")]
    return tuple(rows[:MAX_JOBS])


def _run(tokens: list[_Token], index: int) -> Step | None:
    """`sh 'x'`, `sh(script: "x", returnStdout: true)`, `sh label: 'a', script: 'x'`."""
    after = [token for token in tokens[index + 1 : index + 20] if token.text != "("]
    if not after or after[0].kind not in ("string", "word"):
        return None
    if after[0].kind == "word":
        named = next((i for i, token in enumerate(after[:10]) if token.text == "script"), None)
        after = after[named:] if named is not None else []
    token = next((token for token in after if token.kind == "string"), None)
    if token is None:
        return None
    raw = _unquoted(token.text)
    body = raw.lstrip("\n")
    shift = len(raw) - len(body)
    run = clean(mask_text("\n".join(line.strip() for line in body.splitlines())), limit=MAX_RUN)
    return Step(tokens[index].line, run.rstrip(), run_line=token.line + shift) if run.strip() else None


def _image(tokens: list[_Token], index: int) -> str:
    """`image 'python:3.11'` of an agent, `docker.image("…")` of a script."""
    token = tokens[index]
    if token.kind != "word" or token.text not in ("image", "docker.image"):
        return ""
    near = tokens[index + 1 : index + 3]
    return next((clean(_unquoted(item.text)) for item in near if item.kind == "string"), "")


def _environment(tokens: list[_Token]) -> tuple[tuple[str, str], ...]:
    """`NAME = 'value'` inside `environment { … }`; `credentials('id')` is kept as such."""
    found: list[tuple[str, str]] = []
    inside = False
    for index, token in enumerate(tokens[:-3]):
        if token.text == "environment" and tokens[index + 1].text == "{":
            inside = True
        elif token.text == "}":
            inside = False
        elif inside and token.kind == "word" and tokens[index + 1].text == "=":
            value = tokens[index + 2]
            if value.kind == "string":
                found.append((clean(token.text), clean(mask_value(token.text, _unquoted(value.text)))))
            elif value.text == "credentials":
                found.append((clean(token.text), f"credentials({clean(_string(tokens, index + 3))})"))
    return tuple(found[:200])
