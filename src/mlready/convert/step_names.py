"""The name of a step: from its heading, its comment, the title of its figure, or what its code does to what."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence

from mlready.convert.activities import VERBS, Activity
from mlready.convert.codemods.source import comment_text, comments_of
from mlready.convert.model import Statement
from mlready.convert.names import VERBS as IMPERATIVES
from mlready.convert.names import from_heading, from_title, leading_verb, snake, unique

GENERIC = frozenset(
    {"df", "data", "dataset", "fig", "axes", "axs", "res", "ret", "tmp", "temp", "out", "value", "values"}
)
"""Names of variables that say little: others are preferred."""
_VERBS_OF: dict[str, str] = {
    "aggregate": "agg aggregate",
    "bin": "cut qcut digitize",
    "clean": "dropna drop drop_duplicates fillna interpolate ffill bfill",
    "combine": "concat concatenate vstack hstack column_stack",
    "correlate": "corr corrcoef pearsonr spearmanr",
    "count": "value_counts",
    "describe": "describe",
    "encode": "get_dummies",
    "filter": "query",
    "group": "groupby",
    "merge": "merge",
    "optimize": "minimize minimize_scalar differential_evolution linprog",
    "pivot": "pivot_table pivot crosstab",
    "rename": "rename",
    "resample": "resample asfreq",
    "reshape": "melt stack unstack",
    "solve": "solve solve_ivp odeint fsolve dsolve lstsq",
    "sort": "sort_values sort_index",
}
METHOD_VERBS = {method: verb for verb, methods in _VERBS_OF.items() for method in methods.split()}
"""Methods that say what is done, and the verb for it."""
_MODELS = frozenset({"model", "estimator", "classifier", "regressor", "learner", "network"})
"""Names of fitted objects that say less than their classes."""
_PART = re.compile(r"[xy]_?(train|test|val|valid|dev)(_\w+)?", re.IGNORECASE)
_TITLE_METHODS = frozenset({"title", "set_title", "suptitle"})
_QUIET = frozenset({"print", "display", "len", "range", "str", "int", "float", "list", "dict", "set", "format", "show"})


def step_name(
    statements: Sequence[Statement], kind: Activity, heading: str, hints: Sequence[str], taken: Container[str]
) -> tuple[str, str]:
    """(title, name); the title is "" where only the code speaks. `hints` are variables that the step is about."""
    if kind == "setup":
        return "", unique(_of_setup(statements), taken)
    nouns = sorted(dict.fromkeys(filter(None, map(_noun, hints))), key=lambda noun: len(noun) < 3 or noun in GENERIC)
    more = [*nouns, *_called(statements)]
    comment, figure = leading_comment(statements), _figure_title(statements) if kind == "plot" else ""
    for told in filter(None, (heading, comment)):
        if name := from_heading(told, verb=VERBS[kind]):
            return told, unique(f"{name}_{nouns[0]}" if name in IMPERATIVES and nouns else name, taken, more)
    if name := from_title(figure, verb=VERBS[kind]):
        return figure, unique(name, taken, more)
    verb = _verb(statements, kind)
    noun = next((noun for noun in more if not noun.startswith(verb)), "")
    return "", unique(f"{verb}_{noun}" if noun else verb if more else f"{verb}_values", taken, more[1:])


def fitted_names(statements: Sequence[Statement], fitted: Iterable[str]) -> list[str]:
    """What to call objects that are fitted: by their classes where their variables say no more than "model"."""
    made = {
        target.id: _class_name(s.node.value)
        for s in statements
        if isinstance(s.node, ast.Assign)
        for target in s.node.targets
        if isinstance(target, ast.Name)
    }
    return [made.get(name) or name if _is_short(name) else name for name in fitted]


def _class_name(value: ast.expr) -> str:
    """`LinearRegression` of `LinearRegression(...)`, `Lasso` of `LassoCV(...)`; "" of everything else."""
    name = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
    return name.removesuffix("CV") if name[:1].isupper() and not name.isupper() else ""


def _is_short(variable: str) -> bool:
    stem = snake(variable).rstrip("0123456789_")
    return len(stem) < 4 or stem in _MODELS


def is_part(variable: str) -> bool:
    """Whether a variable is a part of the data, as `X_train`: every step that fits or evaluates takes some."""
    return bool(_PART.fullmatch(variable))


def leading_comment(statements: Sequence[Statement]) -> str:
    """The comment above the first statement where it begins with a verb: it says what is done."""
    comment = next(iter(_comments(statements[0])), "")
    is_text = len(comment) <= 80 and not set(comment) & set("=()[]{}")
    return comment if is_text and leading_verb(comment) else ""


def _noun(variable: str) -> str:
    """What a variable is about: a path stands for what it leads to."""
    return re.sub(r"(?<=[a-z])_(path|url|file|filename)$", "", snake(variable))


def _comments(statement: Statement) -> Iterable[str]:
    """Comments right above a statement, without their marks."""
    above, _ = comments_of(statement.code)
    return filter(None, map(comment_text, above))


def _figure_title(statements: Sequence[Statement]) -> str:
    """The title of the figure, where there is one only."""
    titles = list(dict.fromkeys(_figure_titles(statements)))
    return titles[0] if len(titles) == 1 else ""


def _figure_titles(statements: Sequence[Statement]) -> Iterator[str]:
    for statement in statements:
        for node in ast.walk(statement.node):
            if isinstance(node, ast.Call):
                method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                found = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "label")]
                found = found if method in _TITLE_METHODS else [k.value for k in node.keywords if k.arg == "title"]
                yield from (v.value for v in found if isinstance(v, ast.Constant) and isinstance(v.value, str))


def _verb(statements: Sequence[Statement], kind: Activity) -> str:
    """The verb of the activity, or of the one method that is called most where the activity says little."""
    if all(isinstance(s.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for s in statements):
        return "define"
    if kind not in ("compute", "prepare"):
        return VERBS[kind]
    making = [s for s in statements if s.flow.binds or s.flow.mutates] or list(statements)
    methods = (call.rpartition(".")[2] for s in making for call in s.flow.calls if "." in call)
    verbs = Counter(METHOD_VERBS[method] for method in methods if method in METHOD_VERBS).most_common(2)
    clear = len(verbs) == 1 or (len(verbs) == 2 and verbs[0][1] > verbs[1][1])
    return verbs[0][0] if clear and 3 * verbs[0][1] >= len(making) else VERBS[kind]


def _called(statements: Sequence[Statement]) -> list[str]:
    """Names of what is called, most often first: they tell steps apart that have no values of their own."""
    calls = (call.rpartition(".")[2] for s in statements for call in s.flow.calls)
    return [name for call, _ in Counter(calls).most_common(6) if call not in _QUIET and (name := snake(call))]


def _of_setup(statements: Sequence[Statement]) -> str:
    """What is set up: `configure_plots`, `configure_warnings`, ...; `configure_libraries` where it is several."""
    subjects = {_subject(call) for s in statements for call in (*s.flow.calls, *s.flow.mutates)}
    return f"configure_{subjects.pop()}" if len(subjects) == 1 else "configure_libraries"


def _subject(name: str) -> str:
    if ".random." in name or "seed" in name:
        return "random_numbers"
    return "display" if "set_printoptions" in name else _SUBJECTS.get(name.split(".", maxsplit=1)[0], "libraries")


_SUBJECTS = {"warnings": "warnings", "pandas": "display", "pd": "display", "random": "random_numbers"} | dict.fromkeys(
    ("matplotlib", "mpl", "plt", "pylab", "rcParams", "seaborn", "sns", "matplotlib_inline"), "plots"
)
