"""Which values a pipeline keeps although later steps use them too: fitted models and measured metrics."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from mlready.convert.model import Plan, Statement
from mlready.flow.statements import Imports

SAVED_BY_JOBLIB = ("sklearn.", "imblearn.")
"""Libraries whose models are kept: joblib, which saves them, comes with them."""
NO_MODELS = ("sklearn.base.", "sklearn.datasets.", "sklearn.metrics.", "sklearn.gaussian_process.kernels.")
METRICS = ("sklearn.metrics.", "imblearn.metrics.")
NO_NUMBERS = ("_curve", "_matrix", "_report", "_support", "_path")
"""Endings of functions of metrics that give more than numbers."""
_METRIC = re.compile(r"(^|_)(score|accuracy|auc|rmse|mae|mse|r2|f1|error|loss)(_|$)")
_COUNTING = frozenset(
    {"len", "sum", "int", "float", "round", "abs", "max", "min", "mean", "std", "var", "median", "sqrt", "item"}
)


def kept_names(statements: Sequence[Statement], imports: Imports) -> frozenset[str]:
    """Names of models that are fitted, and of metrics."""
    return models(statements, imports) | _metrics(statements, imports)


def models(statements: Sequence[Statement], imports: Imports) -> frozenset[str]:
    """Names that hold an estimator with `fit` called on it."""
    fitted = {call.removesuffix(".fit") for s in statements for call in s.flow.calls if call.endswith(".fit")}
    found: set[str] = set()
    for name, call in _assigned(statements):
        inner = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "fit" else None
        if isinstance(inner, ast.Call):
            found |= {name} if _is_model(imports.resolve(inner.func)) else set()
        elif name in fitted and _is_model(imports.resolve(call.func)):
            found.add(name)
    return frozenset(found)


def saved_models(plan: Plan) -> tuple[str, ...]:
    """Results of a pipeline that are models."""
    found = models(_statements(plan), imports_of(plan))
    return tuple(name for name in plan.results if name in found)


def saved_metrics(plan: Plan) -> tuple[str, ...]:
    """Results of a pipeline that are metrics."""
    found = _metrics(_statements(plan), imports_of(plan))
    return tuple(name for name in plan.results if name in found)


def saved_numbers(plan: Plan) -> tuple[str, ...]:
    """Other results of a pipeline that are likely to be numbers."""
    likely = {
        target.id
        for s in _statements(plan)
        if isinstance(s.node, ast.Assign) and _is_numeric(s.node.value)
        for target in s.node.targets
        if isinstance(target, ast.Name)
    } - set(saved_metrics(plan))
    return tuple(name for name in plan.results if name in likely)


def imports_of(plan: Plan) -> Imports:
    """What the names of a notebook's imports mean."""
    imports = Imports()
    for line in plan.imports:
        for node in ast.parse(line.text).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.add(node)
    return imports


def _statements(plan: Plan) -> list[Statement]:
    return [statement for stage in plan.stages for statement in stage.statements]


def _assigned(statements: Sequence[Statement]) -> Iterable[tuple[str, ast.Call]]:
    """(name, call) of each `name = call(...)`."""
    for statement in statements:
        node = statement.node
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


def _metrics(statements: Sequence[Statement], imports: Imports) -> frozenset[str]:
    return frozenset(name for name, call in _assigned(statements) if _is_metric(imports.resolve(call.func)))


def _is_model(name: str) -> bool:
    last = name.rpartition(".")[2]
    makes = last[:1].isupper() or last in ("make_pipeline", "make_column_transformer")
    return makes and name.startswith(SAVED_BY_JOBLIB) and not name.startswith(NO_MODELS)


def _is_metric(name: str) -> bool:
    last = name.rpartition(".")[2]
    known = name.startswith(METRICS) and last[:1].islower()
    return not last.endswith(NO_NUMBERS) and (known or _METRIC.search(last) is not None)


def _is_numeric(value: ast.expr) -> bool:
    """A number, arithmetic with one, or a call of a function that counts."""
    if isinstance(value, ast.BinOp):
        return _is_numeric(value.left) or _is_numeric(value.right)
    if isinstance(value, ast.Call):
        last = value.func.attr if isinstance(value.func, ast.Attribute) else ast.unparse(value.func)
        return last in _COUNTING
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float)
