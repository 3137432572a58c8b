"""Runs the examples of rules: a tiny project is read by the product's own readers and judged by the product's own engine.

A text for an .ipynb file is written in percent form and made a real notebook: `# %%` begins a code cell, `# %% [markdown]`
a markdown cell, and JSON after `# %%` sets `execution_count`, `tags`, `output` (text), `error` (exception name) or `id`.
A line that must be a site of the rule ends in `#! ID`; with at least one such mark the broken sites must be exactly those.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from mlready.findings import RuleResult
from mlready.project.load import Tree, project_of
from mlready.project.project import Project
from mlready.rules import load_rules
from mlready.rules.engine import Choice, judge
from mlready.rules.model import Example, Rule

_CELL = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?P<meta> \{.*\})?\s*$")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an example gave, and how it differs from what it must give ("" when it doesn't)."""

    result: RuleResult
    problem: str


def run_example(rule: Rule, example: Example) -> Outcome:
    """Judge the example's project by the rule (and by the rules that it refines)."""
    marks = _marks(rule, example)
    project = example_project(rule, example)
    rules = [rule]
    by_id = {known.id: known for known in load_rules().rules}
    while rules[-1].refines:
        rules.append(by_id[rules[-1].refines])
    result = judge(project, tuple(rules), Choice(profile=_everything(rule)))[rule.id]
    return Outcome(result=result, problem=_difference(example, result, marks))


def _everything(rule: Rule) -> Any:
    from mlready.rules.model import Profile

    return Profile(name="example", title="", summary="", weights={rule.id: rule.weight})


def example_project(rule: Rule, example: Example) -> Project:
    """The example's project, read."""
    files = {path: _bytes(path, text, rule.id) for path, text in example.files.items()}
    files.update({path: b"" for path in example.sizes if path not in files})
    kind = "" if example.kind == "auto" else example.kind or rule.kinds[0]
    sizes = example.sizes or None
    project = project_of(
        Tree(files=files, git=example.git, untracked=frozenset(example.untracked), sizes=sizes, kind=kind)
    )
    if rule.id in _NEEDS_TOOLS:
        return _with_tools(project, files)
    return project


_NEEDS_TOOLS = frozenset({"DES002", "DES008", "DEP003", "DEP012"})
"""Rules that read the findings of external tools."""


def _with_tools(project: Project, files: dict[str, bytes]) -> Project:
    from dataclasses import replace

    from mlready import external

    return replace(project, external=external.run_tree(files)[0])


def _bytes(path: str, text: str, rule_id: str) -> bytes:
    plain = re.sub(rf"[ \t]*#! {rule_id}[ \t]*$", "", text, flags=re.MULTILINE)
    if path.endswith(".ipynb") and not plain.lstrip().startswith("{"):
        return json.dumps(percent_to_notebook(plain), indent=1).encode()
    return plain.encode()


def _marks(rule: Rule, example: Example) -> set[tuple[str, int]]:
    """(path, line) of each marked line; in a notebook the line in its cell."""
    found: set[tuple[str, int]] = set()
    for path, text in example.files.items():
        line = 0
        for raw in text.splitlines():
            line = 0 if path.endswith(".ipynb") and _CELL.match(raw) else line + 1
            if raw.rstrip().endswith(f"#! {rule.id}"):
                found.add((path, line))
    return found


def percent_to_notebook(text: str) -> dict[str, Any]:
    """A notebook of format 4.5 from its percent form."""
    cells: list[dict[str, Any]] = []
    for raw in text.splitlines():
        matched = _CELL.match(raw)
        if matched:
            cells.append(
                _new_cell(len(cells), markdown=bool(matched["markdown"]), meta=json.loads(matched["meta"] or "{}"))
            )
        elif cells:
            markdown = cells[-1]["cell_type"] == "markdown"
            cells[-1]["source"].append(raw.removeprefix("#").removeprefix(" ") + "\n" if markdown else raw + "\n")
        elif raw.strip():
            raise ValueError(f"a notebook in percent form begins with '# %%', not with {raw!r}")
    for cell in cells:
        while cell["source"] and not cell["source"][-1].strip():
            cell["source"].pop()
        if cell["source"]:
            cell["source"][-1] = cell["source"][-1].rstrip("\n")
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def _new_cell(number: int, *, markdown: bool, meta: dict[str, Any]) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": "markdown" if markdown else "code",
        "id": meta.get("id", f"cell{number}"),
        "metadata": {"tags": meta["tags"]} if "tags" in meta else {},
        "source": [],
    }
    if not markdown:
        cell |= {"execution_count": meta.get("execution_count"), "outputs": _outputs(meta)}
    return cell


def _outputs(meta: dict[str, Any]) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = []
    if "output" in meta:
        text = meta["output"] * meta.get("repeat", 1)
        outputs.append({"output_type": "stream", "name": "stdout", "text": [text]})
    if "error" in meta:
        outputs.append({"output_type": "error", "ename": meta["error"], "evalue": "", "traceback": []})
    return outputs


def _difference(example: Example, result: RuleResult, marks: set[tuple[str, int]]) -> str:
    if result.status != example.outcome:
        said = "; ".join(site.message for site in result.sites) or result.reason
        return f"outcome is {result.status}, not {example.outcome}: {said}"
    if example.credit is not None and abs((result.credit or 0.0) - example.credit) > 0.005:
        return f"credit is {result.credit}, not {example.credit}"
    if example.says:
        said = "\n".join([result.reason, *(site.message for site in result.sites)])
        if example.says not in said:
            return f"nothing says {example.says!r}: {said}"
    if marks:
        found = {(s.where.path, s.where.line) for s in result.sites if s.credit < 0.999 and s.where}
        if found != marks:
            return f"sites are {sorted(found)}, not {sorted(marks)}"
    return ""
