"""From cells to a plan: what becomes a step, a module member, a setting, an import. Nothing is written here."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mlready.convert.activities import FITTING, MODULES, Activity, activities, dominant, told
from mlready.convert.corrections import Correction, correction_notes, drawing, given_back, held_together
from mlready.convert.definitions import MAX_SETTINGS, Moved, many, plan_definitions
from mlready.convert.display import is_show_call, is_shown, may_plot, plotting_functions
from mlready.convert.glue import glued_positions
from mlready.convert.imports import Imported, plan_imports
from mlready.convert.keep import kept_names
from mlready.convert.literals import long_literals
from mlready.convert.model import Definition, ImportLine, LongLiteral, Note, Notebook, Plan, Setting, Stage, Statement
from mlready.convert.names import from_heading, leading_verb
from mlready.convert.policy import plain_cell
from mlready.convert.rewrite import Rewriter
from mlready.convert.scripts import expand_runs
from mlready.convert.sections import Section, prose_above, sections
from mlready.convert.segment import Limits, Work, cut, live_after
from mlready.convert.settings import Extracted, extract, identifiers
from mlready.convert.statements import Reading, read_statements
from mlready.convert.step_names import fitted_names, is_part, leading_comment, step_name
from mlready.convert.strings import names_in_strings, quoted_names
from mlready.convert.tokens import CONFIG, OUTPUT_DIR, PLAIN
from mlready.errors import UsageError
from mlready.flow.scopes import inner_names
from mlready.flow.statements import Imports

_ASKING = frozenset({"input", "getpass.getpass"})
"""Calls that a pipeline cannot answer."""
_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__doc__", "__file__", "__builtins__"}


def make_plan(notebook: Notebook, package: str, corrections: tuple[Correction, ...] = ()) -> Plan:
    """Decides everything about one notebook; `corrections` are what a reference run showed to be wrong in a first plan."""
    cells = tuple(plain_cell(cell) for cell in notebook.cells if cell.kind == "code" and cell.source.strip())
    cells = expand_runs(cells, notebook.path.parent)
    imports = Imports()
    reading = read_statements(cells, imports)
    if not reading.statements:
        problems = [f"cell {cell.number}: {cell.problem}" for cell in reading.cells if cell.problem]
        raise UsageError(f"{notebook.path}: it has no code that can be converted", hint=next(iter(problems), ""))
    return _Planner(notebook, package, reading, imports, corrections).plan()


class _Planner:
    """Holds what the steps of planning share."""

    def __init__(
        self,
        notebook: Notebook,
        package: str,
        reading: Reading,
        imports: Imports,
        corrections: tuple[Correction, ...],
    ) -> None:
        self.notebook, self.package, self.imports = notebook, package, imports
        self.corrections = corrections
        self.cells, self.after = reading.cells, reading.after
        self.literals = long_literals(reading.statements, imports, identifiers(reading.statements) | PLAIN)
        statements = tuple(_without_lines(s, self.literals.get(s.index)) for s in reading.statements)
        self.statements = statements
        self.sections = sections(notebook)
        self.prose = prose_above(notebook)
        self.imported: Imported = plan_imports(statements, notebook.path.parent)
        rest = [s for s in statements if s.index not in self.imported.hoisted]
        self.extracted: Extracted = extract(rest, imports)
        constants = set(self.extracted.constants.values())
        rest = [s for s in rest if s.index not in constants]
        self.literals = {index: literal for index, literal in self.literals.items() if index not in constants}
        self.moved: Moved = plan_definitions(rest, self.imported, self.extracted)
        moved = {definition.statement.index for definition in self.moved.definitions.values()}
        self.work = [s for s in rest if s.index not in moved]
        self.activity = activities(statements)
        self.settings = frozenset(setting.name for setting in self.extracted.settings)
        self.variables = frozenset().union(*(s.flow.binds | s.flow.global_writes for s in self.work))
        self.figures: dict[int, str] = {}
        self.needs = {s.index: self._needs(s) for s in statements}
        self.kept = kept_names(self.work, imports) & self.variables
        self.configured = self.settings - self._local_names() - {OUTPUT_DIR}

    def _needs(self, statement: Statement) -> frozenset[str]:
        flow = statement.flow
        names = flow.reads | flow.deferred | self.extracted.reads_of(statement)
        known = self.variables | self.imported.names | self.moved.definitions.keys()
        names |= names_in_strings(statement.node) & known
        return names | self.moved.added_reads(names)

    def _local_names(self) -> frozenset[str]:
        """Names that stay plain variables: a scope inside binds its own, or text names them."""
        return frozenset().union(*(inner_names(s.node) | quoted_names(s.node) for s in self.work))

    # ---------------------------------------------------------------------------------------------------- steps

    def plan(self) -> Plan:
        self._mark_figures()
        work = self._work_items()
        stages = self._stages(work)
        written, definitions = self._rewritten(stages)
        return Plan(
            notebook=self.notebook,
            package=self.package,
            stages=written,
            definitions=definitions,
            imports=self.imported.lines,
            module_blocks=self.imported.blocks,
            settings=self._settings(),
            figures=self.figures,
            notes=self._notes(stages),
            cells=self.cells,
            results=_results(stages, self.kept),
            constants=tuple(self.extracted.constants),
            where=self._where(stages),
            imported=self._imported_names(),
            identifiers=self._identifiers(),
            needs=self.needs,
            after=self.after,
            literals=tuple(self.literals.values()),
        )

    def _identifiers(self) -> frozenset[str]:
        names = identifiers(self.statements) | self.settings | self._imported_names()
        return frozenset(names - {OUTPUT_DIR, "display"})

    def _imported_names(self) -> frozenset[str]:
        hoisted = (s for s in self.statements if s.index in self.imported.hoisted)
        return frozenset().union(*(s.flow.binds for s in hoisted))

    def _settings(self) -> tuple[Setting, ...]:
        used = any(OUTPUT_DIR in needs for needs in self.needs.values())
        extra = (Setting(OUTPUT_DIR, "str", '"outputs"', 0, "folder for figures"),) if used else ()
        return (*extra, *(s for s in self.extracted.settings if s.name != OUTPUT_DIR))

    def _mark_figures(self) -> None:
        """The last statement of each cell that may leave figures open saves them, as the notebook's backend does."""
        plotting = plotting_functions(self.statements, self.imports)
        known = drawing(self.corrections, self.work)
        by_cell: dict[int, list[Statement]] = {}
        for statement in self.work:
            by_cell.setdefault(statement.cell, []).append(statement)
        for found in by_cell.values():
            active = [s for s in found if self.activity[s.index] != "setup"]
            if any(s.index in known or may_plot(s, plotting) for s in active):
                last = found[-1]
                if isinstance(last.node, ast.Expr) and is_show_call(last.node.value, self.imports):
                    continue
                self.figures[last.index] = ""
                self.needs[last.index] |= {OUTPUT_DIR}

    def _work_items(self) -> list[Work]:
        bound: set[str] = set()
        items: list[Work] = []
        known = self.variables | self.settings | {OUTPUT_DIR, CONFIG}
        previous = 0
        section: Section | None = None
        for statement in self.work:
            flow = statement.flow
            reads = self.needs[statement.index] & known
            writes = flow.global_writes & bound
            here = self.sections.get(statement.cell)
            items.append(
                Work(
                    reads=(reads - (self.variables - bound - flow.binds)) | writes,
                    binds=flow.binds | flow.global_writes,
                    certain=flow.certain,
                    deletes=flow.deletes,
                    early=(flow.reads & self.variables & self._hidden()) - bound,
                    lines=statement.lines,
                    weight=statement.weight,
                    activity=self.activity[statement.index],
                    starts_cell=statement.cell != previous,
                    starts_section=statement.cell != previous and here is not section,
                )
            )
            bound |= flow.binds | flow.global_writes
            previous, section = statement.cell, here
        return items

    def _hidden(self) -> frozenset[str]:
        """Names that are there before the notebook binds them: builtins, and with a star import possibly any."""
        return self.variables if self.imported.stars else frozenset(_BUILTINS)

    def _limits(self) -> Limits:
        total = sum(statement.weight for statement in self.statements)
        return Limits(target=min(14.0, max(4.0, 0.14 * total)), settings=self.configured, many_settings=MAX_SETTINGS)

    # --------------------------------------------------------------------------------------------------- stages

    def _stages(self, work: list[Work]) -> tuple[Stage, ...]:
        glued = glued_positions(self.work, self.variables, self.moved) | held_together(self.corrections, self.work)
        runs = cut(work, glued, self._limits())
        live = live_after(work)
        taken = identifiers(self.statements) | set(self.moved.definitions) | {line.name for line in self.imported.lines}
        taken |= PLAIN | self.settings | {self.package}
        taken |= set(MODULES.values()) | {"pipeline", "outputs", "helpers"}
        stages: list[Stage] = []
        before: set[str] = set()
        named: set[int] = set()
        for start, end in runs:
            stage = self._stage(work, start, end, live, before, taken, named)
            taken.add(stage.name)
            stages.append(stage)
            for item in work[start:end]:
                before |= item.binds
        return tuple(stages)

    def _stage(
        self,
        work: list[Work],
        start: int,
        end: int,
        live: list[frozenset[str]],
        before: set[str],
        taken: set[str],
        named: set[int],
    ) -> Stage:
        statements = tuple(self.work[start:end])
        inputs, certain, binds, deleted = _traffic(work[start:end], before | self.settings | {OUTPUT_DIR, CONFIG})
        outputs = [n for n in binds if n in live[end] and n not in deleted]
        conditional = {n for n in outputs if n not in certain and n in before}
        inputs = dict.fromkeys([*inputs, *sorted(conditional)])
        mutated = [n for s in statements for n in sorted(s.flow.mutates) if n in live[end] and n in self.variables]
        outputs += [n for n in dict.fromkeys(mutated) if n not in outputs and len(outputs) < 6]
        outputs += [n for n in self._final(statements, work, end, deleted) if n not in outputs]
        outputs += sorted((given_back(self.corrections) & set(binds)) - deleted - set(outputs))
        unset = [n for n in outputs if n not in certain and n not in inputs and not self._read_for_sure(n, end)]
        written = set().union(*(s.flow.global_writes for s in statements))
        bound_here = set().union(*(s.flow.binds for s in statements))
        unset += sorted(n for n in written - bound_here - inputs.keys() if n not in unset)
        kind = dominant((self.activity[s.index], s.weight) for s in statements)
        if kind == "compute" and not binds and any(self.activity[s.index] == "setup" for s in statements):
            kind = "setup"
        heading = self._heading(statements[0].cell, kind, named)
        kind = told(kind, leading_verb(heading or leading_comment(statements)))
        title, name = step_name(
            statements, kind, heading, self._subjects(statements, list(inputs), outputs, kind), taken
        )
        self._name_figures(statements, name)
        settings = [n for n in inputs if n in self.settings or n in (OUTPUT_DIR, CONFIG)]
        through = self.configured & set(settings)
        from_config = through if CONFIG in settings else many(through)
        return Stage(
            name=name,
            module=MODULES[kind],
            statements=statements,
            inputs=tuple(n for n in inputs if n not in settings),
            settings=(
                *(n for n in settings if n not in from_config and n != CONFIG),
                *([CONFIG] if from_config or CONFIG in settings else ()),
            ),
            outputs=tuple(outputs),
            unset=tuple(unset),
            title=title,
            prose=self.prose.get(statements[0].cell, "") if work[start].starts_cell else "",
            is_async=any(_awaits(s.node) for s in statements),
            from_config=tuple(n for n in settings if n in from_config),
        )

    def _final(self, statements: tuple[Statement, ...], work: list[Work], end: int, deleted: set[str]) -> list[str]:
        """Names whose last value is displayed, kept or read by nobody: results of the notebook."""
        later = set().union(*(item.binds for item in work[end:]))
        found: list[str] = []
        for position, statement in enumerate(statements):
            names = set(statement.flow.binds) if isinstance(statement.node, ast.Assign) else set()
            read = set().union(*(self.needs[s.index] for s in statements[position + 1 :]))
            unread = set() if self._draws(statement) else names - (read - self.kept)
            shown = _plain_names(statement.node.value) if isinstance(statement.node, ast.Expr) else set()
            if not is_shown(statement, self.imports):
                shown = set()
            bound = set().union(*(s.flow.binds for s in statements[: position + 1]))
            found += sorted((unread | (shown & bound)) - later - deleted - {"_"})
        return [n for n in dict.fromkeys(found) if n in self.variables and not n.startswith("_")]

    def _draws(self, statement: Statement) -> bool:
        """True where a statement makes parts of a figure: those are no results."""
        methods = (call.rsplit(".", 1)[-1] for call in statement.flow.calls)
        return self.activity[statement.index] == "plot" or any(
            method.startswith(("set_", "legend", "title", "xlabel", "ylabel", "subplot", "annotate", "text"))
            for method in methods
        )

    def _read_for_sure(self, name: str, end: int) -> bool:
        """True where a later plain statement reads the name: the notebook would fail there too were it unbound."""
        plain = (ast.Assign, ast.Expr, ast.AugAssign, ast.AnnAssign, ast.Assert)
        return any(name in s.flow.reads and isinstance(s.node, plain) for s in self.work[end:])

    def _heading(self, cell: int, kind: Activity, named: set[int]) -> str:
        """The heading that a step is the first to stand under; none says what setting libraries up is about."""
        section = self.sections.get(cell)
        if kind == "setup" or section is None or section.cell in named or not from_heading(section.title, verb="do"):
            return ""
        named.add(section.cell)
        return section.title

    def _subjects(
        self, statements: tuple[Statement, ...], inputs: list[str], outputs: list[str], kind: Activity
    ) -> list[str]:
        """Variables that a step is about, the telling ones first: what it makes, what it changes, what it takes."""
        made = [n for n in outputs if n not in inputs] or outputs
        looped = {n for s in statements if isinstance(s.node, ast.For) for n in s.flow.binds}
        changed = [n for s in statements for n in sorted(s.flow.mutates - looped) if n in self.variables]
        bound = [n for s in reversed(statements) for n in sorted(s.flow.binds - looped)]
        found = [name for name in (*made, *changed, *inputs, *bound) if name not in (OUTPUT_DIR, CONFIG)]
        if kind == "train":
            calls = (call.rpartition(".") for s in statements for call in s.flow.calls)
            fitted = [owner for owner, _, method in calls if method in FITTING and owner in self.variables]
            found = [*fitted_names(statements, fitted), *found]
        if kind in ("train", "evaluate"):
            found.sort(key=lambda name: is_part(name) or name in self.settings)
        return sorted(found, key=lambda name: name not in self.kept) if kind == "evaluate" else found

    def _name_figures(self, statements: tuple[Statement, ...], name: str) -> None:
        for statement in statements:
            if statement.index in self.figures:
                self.figures[statement.index] = name

    # ------------------------------------------------------------------------------------------- edits and notes

    def _rewritten(self, stages: tuple[Stage, ...]) -> tuple[tuple[Stage, ...], dict[str, Definition]]:
        """Steps and members with the code that is written."""
        literals: dict[int, Sequence[tuple[ast.expr, str]]] = dict(self.extracted.literals)
        for index, literal in self.literals.items():
            literals[index] = (*literals.get(index, ()), (literal.node, literal.use))
        rewriter = Rewriter(self.imports, literals, self.moved.leading, self.moved.from_config)
        written = []
        for stage in stages:
            held = frozenset((*stage.parameters, *stage.unset)).union(*(s.flow.binds for s in stage.statements))
            statements = tuple(rewriter.in_step(s, stage.name, held, stage.from_config) for s in stage.statements)
            written.append(replace(stage, statements=statements))
        definitions = {
            name: replace(definition, statement=rewriter.member(definition.statement))
            for name, definition in self.moved.definitions.items()
        }
        return tuple(written), definitions

    def _where(self, stages: tuple[Stage, ...]) -> dict[str, str]:
        found = dict.fromkeys(self.extracted.constants, "config")
        for stage in stages:
            for statement in stage.statements:
                for name in sorted(statement.flow.binds | statement.flow.global_writes):
                    found[name] = stage.name
        return found

    def _notes(self, stages: tuple[Stage, ...]) -> tuple[Note, ...]:
        notes = [note for cell in self.cells for note in cell.notes]
        notes += self.imported.notes
        notes += [
            Note(literal.cell, 0, "translated", f"its data stands in the module constants as {literal.name}")
            for literal in self.literals.values()
        ]
        notes += correction_notes(self.corrections, self.statements)
        notes += self._undefined()
        notes += self._questions()
        notes += self._order()
        for stage in stages:
            lines = sum(s.lines for s in stage.statements)
            if lines > 60:
                cells = ", ".join(map(str, stage.cells))
                message = f"{stage.name} has {lines} lines: cells {cells} share state and stay in one step"
                if len(stage.statements) == 1:
                    message = f"{stage.name} has {lines} lines: one statement"
                notes.append(Note(stage.cells[0], 0, "warning", message))
        return tuple(sorted(notes, key=lambda note: (note.cell, note.line)))

    def _undefined(self) -> Iterable[Note]:
        known = self.variables | self.settings | self.imported.names | self.moved.definitions.keys() | _BUILTINS
        known |= {OUTPUT_DIR, CONFIG, "display"}
        if self.imported.stars:
            return
        for statement in self.statements:
            if statement.index in self.imported.hoisted:
                continue
            for name in sorted(self.needs[statement.index] - known):
                known |= {name}
                yield Note(statement.cell, 0, "warning", f"{name}: used, but nothing in the notebook defines it")

    def _questions(self) -> Iterable[Note]:
        for statement in self.statements:
            for call in sorted(_ASKING.intersection(statement.flow.calls)):
                yield Note(statement.cell, 0, "warning", f"{call} waits for a person: make a setting of the answer")

    def _order(self) -> Iterable[Note]:
        counts = [(c.execution_count, c.number) for c in self.notebook.cells if c.execution_count is not None]
        ran = [number for _, number in sorted(counts)]
        moved = [number for place, number in enumerate(ran) if number != sorted(ran)[place]]
        if moved:
            cells = ", ".join(str(number) for number in sorted(moved)[:20])
            yield Note(
                moved[0], 0, "warning", f"cells {cells} last ran in another order; converted in the order of the file"
            )


def _without_lines(statement: Statement, literal: LongLiteral | None) -> Statement:
    return statement if literal is None else replace(statement, lines=statement.lines - literal.lines + 1)


def _traffic(
    work: Sequence[Work], before: frozenset[str] | set[str]
) -> tuple[dict[str, None], set[str], list[str], set[str]]:
    """Inputs in order of use, names bound for sure, names bound at all, names deleted at the end.

    Only a name that is there `before` can be an input; a builtin that the notebook re-binds later is one too.
    """
    inputs: dict[str, None] = {}
    certain: set[str] = set()
    binds: dict[str, None] = {}
    deleted: set[str] = set()
    for item in work:
        for name in sorted((item.reads - certain) & (before | item.early)):
            inputs.setdefault(name)
        for name in sorted(item.binds):
            binds.setdefault(name)
        deleted = (deleted - item.binds) | item.deletes
        certain = (certain | item.certain) - item.deletes
    return inputs, certain, list(binds), deleted


def _plain_names(value: ast.expr) -> set[str]:
    if isinstance(value, ast.Name):
        return {value.id}
    if isinstance(value, ast.Tuple | ast.List):
        return {element.id for element in value.elts if isinstance(element, ast.Name)}
    return set()


def _results(stages: Sequence[Stage], kept: frozenset[str]) -> tuple[str, ...]:
    """Names given back by a step that no later step takes, or that are kept although it does."""
    found: list[str] = []
    for position, stage in enumerate(stages):
        later = set().union(*(s.inputs for s in stages[position + 1 :]))
        rebound = set().union(*(s.outputs for s in stages[position + 1 :]))
        found += [name for name in stage.outputs if name not in later - kept and name not in rebound]
    return tuple(dict.fromkeys(found))


def _awaits(node: ast.AST) -> bool:
    """True where a statement awaits at its own level, outside of functions."""
    stack: list[ast.AST] = [node]
    while stack:
        found = stack.pop()
        if isinstance(found, ast.Await | ast.AsyncFor | ast.AsyncWith):
            return True
        if not isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack.extend(ast.iter_child_nodes(found))
    return False


def imports_for(plan: Plan, names: frozenset[str]) -> tuple[ImportLine, ...]:
    """Import lines that code using these names needs, side effects of the same library included."""
    direct = [line for line in plan.imports if line.name in names or line.name == "*" or line.root == "__future__"]
    roots = {line.root for line in direct} | ({"matplotlib"} if any(li.root in _MATPLOTLIB for li in direct) else set())
    side = [line for line in plan.imports if line.side_effect and (line.root in roots or _base(line.root) in roots)]
    wanted = {id(line) for line in (*direct, *side)}
    return tuple(line for line in plan.imports if id(line) in wanted)


_MATPLOTLIB = frozenset({"matplotlib", "pylab", "seaborn"})


def _base(root: str) -> str:
    return "matplotlib" if root in ("mpl_toolkits", "seaborn", "scienceplots", "cmocean") else root
