"""What is decided about a statement, done to its code. The order matters: literals are found by their place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlready.convert.codemods import expressions, functions
from mlready.convert.display import display_calls, is_shown, show_calls
from mlready.convert.model import Statement
from mlready.convert.tokens import CONFIG, CONFIG_CLASS, OUTPUT_DIR, SAVE_FIGURES, SHOW, setting
from mlready.flow.statements import Imports


@dataclass(frozen=True)
class Rewriter:
    """`literals` with what stands in their place, by index of the statement; `leading`: function -> arguments that each call
    of it passes first; `from_config`: function -> settings that it reads from the configuration."""

    imports: Imports
    literals: Mapping[int, Sequence[tuple[ast.expr, str]]]
    leading: Mapping[str, tuple[str, ...]]
    from_config: Mapping[str, frozenset[str]]

    def member(self, statement: Statement) -> Statement:
        """A definition that becomes a member of a module."""
        name = str(getattr(statement.node, "name", "figure"))
        from_config = self.from_config.get(name, frozenset())
        rewritten = self._inside(statement, name, from_config)
        if name in self.leading:
            annotations = {CONFIG: CONFIG_CLASS}
            code = functions.with_parameters(rewritten.code, self.leading[name], annotations)
            rewritten = replace(rewritten, code=functions.without_global(code, from_config))
        return replace(rewritten, code=functions.described(rewritten.code))

    def in_step(self, statement: Statement, step: str, held: frozenset[str], from_config: Iterable[str]) -> Statement:
        """A statement of a step that holds some names as its own, and reads these settings from the configuration."""
        rewritten = self._inside(statement, step, from_config)
        if any(isinstance(node, ast.Global) for node in ast.walk(statement.node)):
            rewritten = replace(rewritten, code=functions.with_nonlocal(rewritten.code, held))
        if is_shown(statement, self.imports):
            rewritten = replace(rewritten, code=functions.shown(rewritten.code, SHOW))
        return rewritten

    def _inside(self, statement: Statement, place: str, from_config: Iterable[str]) -> Statement:
        """What happens to the expressions of a statement; `place` names its figures."""
        code = statement.code
        if found := self.literals.get(statement.index):
            nodes = ((statement.origin.literal(literal), new) for literal, new in found)
            code = expressions.with_literals_replaced(code, {node: new for node, new in nodes if node is not None})
        calls = [node for node in ast.walk(statement.node) if isinstance(node, ast.Call)]
        if displays := display_calls(calls, self.imports):
            code = expressions.with_calls_renamed(code, dict.fromkeys(displays, SHOW))
        if shows := show_calls(calls, self.imports):
            folder = '"outputs"' if isinstance(statement.node, ast.ClassDef) else OUTPUT_DIR
            code = expressions.with_figures_saved(code, shows, f"{SAVE_FIGURES}({folder}, {place!r})")
        if any(isinstance(call.func, ast.Name) and call.func.id in self.leading for call in calls):
            code = expressions.with_leading_arguments(code, self.leading)
        if attributes := {name: setting(name) for name in from_config}:
            code = expressions.with_names_replaced(code, attributes)
        if "__name__" in statement.flow.reads | statement.flow.deferred:
            code = expressions.with_main_name(code)
        return replace(statement, code=code)
