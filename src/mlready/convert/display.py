"""What a cell displays: which last expressions are shown, and where figures are saved."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from mlready.convert.model import Statement
from mlready.flow.effects import MUTATING, call_effect
from mlready.flow.statements import Imports

_QUIET_METHODS = MUTATING | {
    "fit",
    "info",
    "plot",
    "hist",
    "boxplot",
    "imshow",
    "scatter",
    "bar",
    "barh",
    "pie",
    "axhline",
}
_DISPLAYS = ("IPython.display.display", "IPython.core.display.display", "IPython.core.display_functions.display")
_TABLE_WRITERS = frozenset({"to_csv", "to_excel", "to_parquet", "to_pickle", "to_hdf", "to_feather", "to_stata"})
_PLOT_METHODS = frozenset(
    {"plot", "hist", "boxplot", "pie", "bar", "barh", "kde", "density", "hexbin", "scatter", "imshow", "area"}
)
_PLOT_WORDS = (
    "plot",
    "hist",
    "figure",
    "draw",
    "visuali",
    "scatter",
    "imshow",
    "heatmap",
    "show",
    "display",
    "chart",
    "graph",
)


def is_display(name: str) -> bool:
    """True for `display` and its kin (`display_png`, ...)."""
    return name == "display" or name.startswith(_DISPLAYS)


def is_shown(statement: Statement, imports: Imports) -> bool:
    """True where the value of a last expression is worth showing: not of plots, prints, fits and in-place changes."""
    if not statement.shown or not isinstance(statement.node, ast.Expr):
        return False
    value = statement.node.value
    if isinstance(value, ast.Constant) and (isinstance(value.value, str) or value.value is None):
        return False
    if not isinstance(value, ast.Call):
        return not isinstance(value, ast.Yield | ast.YieldFrom)
    name = imports.resolve(value.func)
    if name == "print" or is_display(name):
        return False
    method = value.func.attr if isinstance(value.func, ast.Attribute) else ""
    if _gives_nothing(value, method):
        return False
    return method not in _QUIET_METHODS and call_effect(name) != "plot"


def _gives_nothing(call: ast.Call, method: str) -> bool:
    """True for a change in place, and for a table that is written to a file: both return None."""
    if method in _TABLE_WRITERS and call.args:
        return True
    return any(
        k.arg == "inplace" and isinstance(k.value, ast.Constant) and k.value.value is True for k in call.keywords
    )


def display_calls(calls: Iterable[ast.Call], imports: Imports) -> frozenset[str]:
    """Names that `display` and its kin are called by."""
    names = (call.func for call in calls if isinstance(call.func, ast.Name))
    return frozenset(name.id for name in names if is_display(imports.resolve(name)))


def show_calls(calls: Iterable[ast.Call], imports: Imports) -> frozenset[str]:
    """Dotted names that `plt.show` is called by."""
    return frozenset(ast.unparse(call.func) for call in calls if is_show_call(call, imports))


def is_show_call(node: ast.AST, imports: Imports) -> bool:
    """`plt.show()`: the notebook shows and closes every open figure."""
    return isinstance(node, ast.Call) and imports.resolve(node.func) in (
        "matplotlib.pyplot.show",
        "pylab.show",
        "matplotlib.pylab.show",
    )


def may_plot(statement: Statement, plotting: frozenset[str]) -> bool:
    """True where a statement may leave a figure open; `plotting` are functions of the notebook that do."""
    if "plot" in statement.flow.effects or plotting & statement.flow.reads:
        return True
    if any(isinstance(node, ast.Attribute) and node.attr in _PLOT_METHODS for node in ast.walk(statement.node)):
        return True
    return any(_sounds_like_plot(call) for call in statement.flow.calls)


def plotting_functions(statements: Sequence[Statement], imports: Imports) -> frozenset[str]:
    """Functions and classes of the notebook whose code plots, directly or through each other."""
    found: set[str] = set()
    for _ in range(3):
        for statement in statements:
            node = statement.node
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if found & statement.flow.deferred or _plots(node, imports):
                found.add(node.name)
    return frozenset(found)


def _plots(root: ast.AST, imports: Imports) -> bool:
    calls = (node for node in ast.walk(root) if isinstance(node, ast.Call))
    names = map(imports.resolve, (call.func for call in calls))
    return any(call_effect(name) == "plot" or _sounds_like_plot(name) for name in names)


def _sounds_like_plot(name: str) -> bool:
    """By the function, or by the class that it is called on: `ConfusionMatrixDisplay.from_estimator`."""
    *_, owner, function = ("", *name.split("."))
    said = [function, owner] if owner[:1].isupper() else [function]
    return any(word in part.lower() for part in said for word in _PLOT_WORDS)
