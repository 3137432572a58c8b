"""A plan into the source files of the package."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from mlready.convert.activities import MODULES
from mlready.convert.codemods.functions import parsed, step, with_comments_above
from mlready.convert.codemods.source import Line, code_of, comment_text, comments, set_apart, with_comments
from mlready.convert.command import main_module, outputs_module
from mlready.convert.inputs import inputs_module
from mlready.convert.literals import literals_module
from mlready.convert.model import Definition, ImportLine, Plan, Setting, Stage
from mlready.convert.pipeline import pipeline_module
from mlready.convert.plan import imports_for
from mlready.convert.segment import MAX_LINES
from mlready.convert.strings import names_in_strings
from mlready.convert.tokens import CONFIG, CONFIG_CLASS, COPY, OUTPUT_DIR, SAVE_FIGURES, SHOW

DOCSTRINGS = {
    "data": "Reading the data.",
    "features": "Preparing the data for a model.",
    "training": "Fitting models.",
    "evaluation": "Measuring how good models are.",
    "plots": "Figures.",
    "artifacts": "Writing results to files.",
    "setup": "Settings of the libraries.",
    "analysis": "Computations on the data.",
    "helpers": "Functions and classes that several modules use.",
    "shared": "Functions and classes that several notebooks had.",
}


def source_files(plan: Plan) -> dict[str, str]:
    """Module name -> source, of every module of the package."""
    homes = definition_homes(plan)
    order = (*dict.fromkeys(MODULES.values()), "helpers")
    files = {"__init__": f'"""{_title(plan)}."""\n'}
    told: set[str] = set()
    for module in order:
        stages = [stage for stage in plan.stages if stage.module == module]
        definitions = [d for d in plan.definitions.values() if homes[d.name] == module]
        if stages or definitions:
            files[module] = _module(plan, module, stages, definitions, homes, told)
    files["config"] = config_module(plan.settings)
    if plan.literals:
        files["constants"] = literals_module(plan.literals)
    if inputs := inputs_module(plan):
        files["inputs"] = inputs
    if outputs := outputs_module(plan, files.values()):
        files["outputs"] = outputs
    files["pipeline"] = pipeline_module(plan)
    files["__main__"] = main_module(plan)
    return files


def _title(plan: Plan) -> str:
    from mlready.convert.sections import headings

    titles = (found for c in plan.notebook.cells if c.kind == "markdown" for _, found in headings(c.source)[:1])
    title = next(titles, "").rstrip(".") or plan.notebook.name.replace("_", " ")
    return title.replace('"', "'").replace("\\", "")


def _uses(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\(", text) is not None


# ------------------------------------------------------------------------------------------------------- where things go


def definition_homes(plan: Plan) -> dict[str, str]:
    """Module of each moved definition: that of its only user, else `helpers`; what helpers need is in helpers too."""
    users: dict[str, set[str]] = {name: set() for name in plan.definitions}
    for stage in plan.stages:
        for statement in stage.statements:
            for name in plan.needs[statement.index] & users.keys():
                users[name].add(stage.module)
    for _ in plan.definitions:
        for definition in plan.definitions.values():
            for used in definition.uses:
                users[used] |= users[definition.name] or {"helpers"}
    homes = {name: next(iter(found)) if len(found) == 1 else "helpers" for name, found in users.items()}
    return {name: "shared" if name in plan.shared else home for name, home in homes.items()}


def shared_module(plan: Plan) -> str:
    """Source of the project's `shared` module, as far as one notebook knows it."""
    definitions = [d for d in plan.definitions.values() if d.name in plan.shared]
    return _module(plan, "shared", (), definitions, definition_homes(plan), set())


# -------------------------------------------------------------------------------------------------------------- a module


def _module(
    plan: Plan,
    module: str,
    stages: Sequence[Stage],
    definitions: Sequence[Definition],
    homes: dict[str, str],
    told: set[str],
) -> str:
    """Source of a module; comments of an import that is in `told` stand in another one already."""
    statements = [d.statement for d in definitions] + [s for stage in stages for s in stage.statements]
    names = frozenset().union(*(plan.needs[s.index] for s in statements))
    blocks = [s for s in plan.module_blocks if s.flow.binds & names]
    names = names.union(*(plan.needs[s.index] for s in blocks))
    body = [code_of(s.code) for s in blocks]
    body += [code_of(definition.statement.code) for definition in definitions]
    body += [stage_function(plan, stage) for stage in stages]
    text = "\n\n\n".join(body)
    quoted = frozenset().union(*(names_in_strings(s.node) for s in statements))
    imports = _imports(plan, names, names - quoted, told, _own_imports(plan, module, names, text, homes))
    return "\n".join([f'"""{DOCSTRINGS[module]}"""', "", *imports]) + "\n\n\n" + text + "\n"


def _imports(
    plan: Plan, names: frozenset[str], read: frozenset[str], told: set[str], own: Sequence[str]
) -> Sequence[str]:
    """Import lines; linters sort them unless a star hides names. Comments above the first would not move with it."""
    lines = [line for line in imports_for(plan, names) if not line.late]
    head: list[str] = []
    future = [line.text for line in lines if line.root == "__future__"]
    found: list[tuple[str, ...]] = []
    for line in lines:
        if line.root != "__future__":
            apart, above = set_apart(line.above) if line.text not in told else ((), ())
            head += apart[1:] if apart[:1] == ("",) else apart
            found.append((*above, _import_text(line, read)))
            told.add(line.text)
    head += ["", *future, ""]
    if any(line.name == "*" for line in lines):
        return [*head, *(text for texts in found for text in texts), *own]
    return [*head, *own, *(text for texts in sorted(found, key=_is_commented) for text in texts)]


def _is_commented(texts: Sequence[str]) -> bool:
    return len(texts) > 1


def _own_imports(plan: Plan, module: str, names: frozenset[str], text: str, homes: dict[str, str]) -> Sequence[str]:
    """Imports from other modules of the package."""
    used = {"save_figures": SAVE_FIGURES, "show": SHOW}
    shown = [f"{name} as {token}" for name, token in used.items() if _uses(text, token)]
    found = [f"from {plan.package}.outputs import {', '.join(shown)}"] if shown else []
    found += [f"from {plan.package}.config import Config as {CONFIG_CLASS}"] if CONFIG_CLASS in text else []
    constants = sorted(literal.name for literal in plan.literals if re.search(rf"\b{literal.name}\b", text))
    found += [f"from {plan.package}.constants import {', '.join(constants)}"] if constants else []
    found += [f"from copy import deepcopy as {COPY}"] if _uses(text, COPY) else []
    for home, package in (("helpers", plan.package), ("shared", plan.package.split(".", 1)[0])):
        taken = sorted(name for name in names & homes.keys() if homes[name] == home and module != home)
        found += [f"from {package}.{home} import {', '.join(taken)}"] if taken else []
    return found


def _import_text(line: ImportLine, names: frozenset[str]) -> str:
    """An import; one that is there for its effect, or for the text of a formula, is kept by linters."""
    kept = "" if line.name in names or line.name == "*" or "noqa" in line.beside else "# noqa: F401"
    return "  ".join(part for part in (line.text, line.beside, kept) if part)


# --------------------------------------------------------------------------------------------------------------- a stage


def stage_function(plan: Plan, stage: Stage) -> str:
    """One step as a function: named parameters in, named values out."""
    annotations = {setting.name: setting.annotation for setting in plan.settings} | {CONFIG: CONFIG_CLASS}
    parameters = [*stage.inputs, *(f"{name}: {annotations[name]}" for name in stage.settings)]
    keyword = "async def" if stage.is_async else "def"
    returns = "" if stage.outputs else " -> None"
    body = [parsed(f"{name} = None") for name in stage.unset if name not in stage.inputs]
    body += _stage_body(plan, stage)
    after = plan.after if stage is plan.stages[-1] else ()
    if stage.outputs:
        body.append(with_comments_above(parsed(f"return {', '.join(stage.outputs)}"), after))
    signature = f"{keyword} {stage.name}({', '.join(parameters)}){returns}:"
    return code_of(step(signature, docstring(stage), body, () if stage.outputs else after))


def _stage_body(plan: Plan, stage: Stage) -> Iterable[Line]:
    """Statements of a step with the late imports that they need, and the saving of figures."""
    late = {imported.name: imported for imported in plan.imports if imported.late}
    for statement in stage.statements:
        for name in sorted(plan.needs[statement.index] & late.keys()):
            imported = late.pop(name)
            yield with_comments_above(parsed(f"{imported.text}  {imported.beside}"), imported.above)
        yield _without_title(statement.code, stage.title) if statement is stage.statements[0] else statement.code
        if statement.index in plan.figures:
            yield parsed(f"{SAVE_FIGURES}({OUTPUT_DIR}, {plan.figures[statement.index]!r})")


def _without_title(code: Line, title: str) -> Line:
    """A first statement without the comment that has become the docstring."""
    above = comments(code.leading_lines)
    return with_comments(code, (line for line in above if not line or comment_text(line) != title))


def docstring(stage: Stage) -> str:
    """What the step is, and what the notebook says about it, as indented lines."""
    title = _NUMBER.sub("", stage.title) or stage.title or stage.name.replace("_", " ")
    title = _quotable(title[:1].upper() + title[1:])[:100] or stage.name
    prose = _sentences(_quotable(stage.prose), 3 * PROSE_WIDTH) if _lines(stage) <= MAX_LINES - 4 else ""
    if not prose:
        return f'"""{title}."""'
    lines = textwrap.wrap(prose, PROSE_WIDTH)
    return "\n".join([f'"""{title}.', "", *(f"    {line}" for line in lines), '    """'])


PROSE_WIDTH = 84
_NUMBER = re.compile(
    r"^(?:(?:step|part|section|chapter)\s*\d+(?:\.\d+)*[.:)\s-]*|\d+(?:\.\d+)+[.:)]?\s+|\d+[.:)]\s*)", re.I
)
"""The number of a heading: it says where the notebook had it."""


def _lines(stage: Stage) -> int:
    return sum(statement.lines for statement in stage.statements)


def _quotable(text: str) -> str:
    return text.replace("\\", "").replace('"', "'").strip().rstrip(".:")


def _sentences(text: str, limit: int) -> str:
    """Whole sentences up to a length; "" where the first is longer."""
    found = ""
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        if len(found) + len(sentence) + 2 > limit:
            break
        found = f"{found} {sentence}".strip()
    return found if not found or found.rstrip("')")[-1:] in (".", "!", "?") else f"{found}."


# ------------------------------------------------------------------------------------------------------- configuration


def config_module(settings: Iterable[Setting]) -> str:
    """The typed configuration; each default is the notebook's value."""
    lines = ['"""Settings of the pipeline; every default is the value that the notebook used."""', ""]
    fields: list[str] = []
    for setting in settings:
        default = setting.default
        if setting.annotation.startswith("list"):
            default = f"field(default_factory=lambda: {default})"
        fields += [f"    {comment}" for comment in setting.comments if comment]
        fields.append(f"    {setting.name}: {setting.annotation} = {default}")
        where = f"cell {setting.cell}: " if setting.cell else ""
        fields.append(f'    """{where.capitalize()}{setting.what}."""')
    imported = "dataclass, field" if any("field(" in line for line in fields) else "dataclass"
    lines += ["from __future__ import annotations", "", f"from dataclasses import {imported}", "", ""]
    lines += ["@dataclass(frozen=True)", "class Config:", '    """What can be changed without touching code."""', ""]
    return "\n".join([*lines, *fields]) + "\n"
