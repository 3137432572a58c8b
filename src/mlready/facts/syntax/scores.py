"""Evaluation that is written out by hand: hits counted or errors averaged, instead of a metric of a library.

Only what says by its names that it holds a prediction against the truth: `(predicted == labels).sum()`, `np.mean(y_hat
== y)`, `sqrt(mean((y_pred - y_test) ** 2))`; and a model put into evaluation mode by a function that is named for it.
"""

from __future__ import annotations

import ast
import re

from mlready.facts.syntax.lore import Known
from mlready.facts.syntax.names import chain
from mlready.facts.syntax.scopes import INSTANCE, ModuleState

_TOTALS = frozenset({"sum", "mean", "average", "count_nonzero", "reduce_mean", "reduce_sum"})
SCORING = _TOTALS | {"eval"}
"""Last names of the calls that may be an evaluation by hand."""

BY_HAND = Known(system="", activities=("evaluate",), kept=True, asked=True)
"""What such a call means."""

_EQUALITY = frozenset({"eq", "ne", "equal", "not_equal"})
_DISTANCES = frozenset({"abs", "absolute", "square", "squared_difference", "pow", "power"})
_PREDICTION = re.compile(
    r"(^|_)(predict(ed|ions?)?|predict_?classes|preds?|outputs?|y_?pred|y_?hat|logits?|guess(es)?|hypothes[ei]s"
    r"|estimates?|estimated|argmax|forecasts?)(_|\d|$)",
    re.IGNORECASE,
)
_TRUTH = re.compile(
    r"(^|_)(labels?|targets?|y|ys|y_?(test|true|val|valid|train|eval|batch)|truth|gt|actuals?|gold|expected)"
    r"(_|\d|$)",
    re.IGNORECASE,
)
_EVALUATES = re.compile(
    r"^_*(evaluate|evaluation|eval|validate|validation|valid|val)(_|$)|_(evaluate|eval|validate|validation)$"
    r"|^_*test(_(one_)?(epoch|step|loop|model|net|network|performance|accuracy))?$"
)
_MAX_STEPS = 12


def is_evaluation(state: ModuleState, node: ast.Call, targets: tuple[str, ...]) -> bool:
    """Whether a call of one of SCORING measures a model by hand; `targets` are what its result is bound to."""
    if last_name(node.func) == "eval":
        return _evaluates_model(state, node)
    return _scores(state, node, targets)


def _evaluates_model(state: ModuleState, node: ast.Call) -> bool:
    if node.args or node.keywords or type(node.func) is not ast.Attribute:
        return False
    return state.scope.kind == "function" and _EVALUATES.search(state.scope.name) is not None


def _scores(state: ModuleState, total: ast.Call, targets: tuple[str, ...]) -> bool:
    """Whether hits are counted, or distances summed up other than for a loss that is minimised."""
    inner: ast.expr | None = total
    is_distance = False
    for _ in range(_MAX_STEPS):
        if sides := _equality(inner):
            return _held_against(sides)
        if type(inner) is ast.BinOp and type(inner.op) is ast.Sub:
            is_loss = any("loss" in name or "cost" in name for name in (*targets, state.scope.name))
            return is_distance and not is_loss and _held_against((inner.left, inner.right), truth=_TRUTH)
        is_distance = is_distance or _is_distance(inner)
        inner = _unwrapped(state, inner)
        if inner is None:
            return False
    return False


def _equality(node: ast.expr | None) -> tuple[ast.expr, ast.expr] | None:
    """The two sides of an equality, however it is written; of pairs, what `zip` pairs up."""
    if isinstance(node, ast.GeneratorExp | ast.ListComp) and (pairs := _zipped(node.generators[0].iter)):
        compared = [test for test in (node.elt, *node.generators[0].ifs) if _equality(test)]
        return pairs if compared else None
    if type(node) is ast.Compare and len(node.ops) == 1 and type(node.ops[0]) in (ast.Eq, ast.NotEq):
        return node.left, node.comparators[0]
    if type(node) is ast.Call and last_name(node.func) in _EQUALITY:
        if len(node.args) == 2:
            return node.args[0], node.args[1]
        if len(node.args) == 1 and type(node.func) is ast.Attribute:
            return node.func.value, node.args[0]
    return None


def _zipped(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    is_pair = type(node) is ast.Call and last_name(node.func) == "zip" and len(node.args) == 2
    return (node.args[0], node.args[1]) if is_pair else None  # type: ignore[attr-defined]


def _is_distance(node: ast.expr | None) -> bool:
    if type(node) is ast.BinOp:
        return type(node.op) is ast.Pow
    return type(node) is ast.Call and last_name(node.func) in _DISTANCES


def _unwrapped(state: ModuleState, node: ast.expr | None) -> ast.expr | None:
    """What a total, a cast or a distance is taken of; None where nothing more can be told."""
    if type(node) is ast.BinOp:
        return node.left if type(node.op) in (ast.Pow, ast.Div) else None
    if type(node) is ast.Attribute:
        return node.value
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        tests = node.generators[0].ifs
        return tests[0] if len(tests) == 1 and type(node.elt) is ast.Constant else node.elt
    if type(node) is not ast.Call:
        return None
    if type(node.func) is ast.Attribute and not _is_of_module(state, node.func):
        return node.func.value
    return node.args[0] if node.args else None


def _is_of_module(state: ModuleState, func: ast.Attribute) -> bool:
    """Whether it is a function of a module (`np.mean`) rather than the method of an array."""
    base, _ = chain(func)
    binding = state.lookup(base.id) if type(base) is ast.Name else None
    return binding is not None and binding[:1] not in ("", INSTANCE)


def _held_against(sides: tuple[ast.expr, ast.expr], truth: re.Pattern[str] | None = None) -> bool:
    """Whether one side is named for a prediction, and the other for the truth or at least is no constant."""
    names = [_names(side) for side in sides]
    for predicted, other in (names, names[::-1]):
        if any(_PREDICTION.search(name) for name in predicted):
            return any(truth.search(name) for name in other) if truth else bool(other)
    return False


def _names(node: ast.expr) -> list[str]:
    """The names of an operand: of variables, attributes and methods, and the keys of its subscripts."""
    found: list[str] = []
    for inner in ast.walk(node):
        if type(inner) is ast.Name:
            found.append(inner.id)
        elif type(inner) is ast.Attribute:
            found.append(inner.attr)
        elif type(inner) is ast.Subscript and type(inner.slice) is ast.Constant and type(inner.slice.value) is str:
            found.append(inner.slice.value)
        if len(found) > _MAX_STEPS:
            break
    return found


def last_name(node: ast.expr) -> str:
    """The last part of a name as written."""
    return node.attr if type(node) is ast.Attribute else node.id if type(node) is ast.Name else ""
