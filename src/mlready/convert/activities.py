"""What a statement is about: loading, preparing, splitting, training, evaluating, plotting, saving, or just computing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from mlready.convert.model import Statement

Activity = Literal["load", "prepare", "split", "train", "evaluate", "plot", "save", "setup", "compute"]

MODULES: dict[Activity, str] = {
    "load": "data",
    "prepare": "features",
    "split": "features",
    "train": "training",
    "evaluate": "evaluation",
    "plot": "plots",
    "save": "artifacts",
    "setup": "setup",
    "compute": "analysis",
}
VERBS: dict[Activity, str] = {
    "load": "load",
    "prepare": "prepare",
    "split": "split",
    "train": "fit",
    "evaluate": "evaluate",
    "plot": "plot",
    "save": "save",
    "setup": "configure",
    "compute": "compute",
}

_PREFIXES: tuple[tuple[str, Activity], ...] = (
    ("sklearn.preprocessing", "prepare"),
    ("sklearn.impute", "prepare"),
    ("sklearn.compose", "prepare"),
    ("sklearn.decomposition", "prepare"),
    ("sklearn.feature_", "prepare"),
    ("sklearn.random_projection", "prepare"),
    ("sklearn.manifold", "prepare"),
    ("sklearn.datasets", "load"),
    ("sklearn.metrics", "evaluate"),
    ("sklearn.inspection", "evaluate"),
    ("sklearn.model_selection.train_test_split", "split"),
    ("sklearn.model_selection.cross_", "evaluate"),
    ("sklearn.model_selection.learning_curve", "evaluate"),
    ("sklearn.model_selection.validation_curve", "evaluate"),
    ("sklearn.model_selection.permutation", "evaluate"),
    ("sklearn.model_selection.GridSearchCV", "train"),
    ("sklearn.model_selection.RandomizedSearchCV", "train"),
    ("sklearn.model_selection.", "split"),
    ("sklearn.utils", "compute"),
    ("sklearn.", "train"),
    ("imblearn.metrics", "evaluate"),
    ("imblearn.datasets", "load"),
    ("imblearn.ensemble", "train"),
    ("imblearn.pipeline", "train"),
    ("imblearn.", "prepare"),
    ("xgboost.", "train"),
    ("lightgbm.", "train"),
    ("catboost.", "train"),
    ("statsmodels.datasets", "load"),
    ("linearmodels.datasets", "load"),
    ("arch.data", "load"),
    ("seaborn.load_dataset", "load"),
    ("statsmodels.graphics", "plot"),
    ("linearmodels.", "train"),
    ("arch.", "train"),
    ("statsmodels.", "train"),
    ("torch.nn", "train"),
    ("torch.optim", "train"),
    ("tensorflow.keras.datasets", "load"),
    ("tensorflow.keras", "train"),
    ("keras.", "train"),
    ("pandas.read_", "load"),
    ("pandas.get_dummies", "prepare"),
    ("pandas.merge", "prepare"),
    ("pandas.concat", "prepare"),
    ("numpy.load", "load"),
    ("numpy.genfromtxt", "load"),
    ("matplotlib.", "plot"),
    ("seaborn.", "plot"),
    ("plotly.", "plot"),
    ("networkx.draw", "plot"),
)
FITTING = frozenset({"fit", "partial_fit", "fit_predict"})
_METHODS_OF: dict[Activity, str] = {
    "train": "fit partial_fit fit_predict fit_generator compile",
    "evaluate": "predict predict_proba score decision_function evaluate",
    "prepare": "fit_transform transform fillna dropna drop merge groupby rename replace astype set_index reset_index "
    "pivot_table melt fit_resample",
}
_METHODS = {name: activity for activity, names in _METHODS_OF.items() for name in names.split()}
_SETUP = (
    "warnings.",
    "matplotlib.rc",
    "matplotlib.use",
    "matplotlib.style.",
    "matplotlib.pyplot.rc",
    "matplotlib.pyplot.style.",
    "matplotlib.pyplot.ion",
    "matplotlib.pyplot.ioff",
    "matplotlib_inline.",
    "seaborn.set",
    "seaborn.despine",
    "pandas.set_option",
    "pandas.options.",
    "numpy.set_printoptions",
    "numpy.random.seed",
    "random.seed",
    "logging.basicConfig",
)
"""Calls that set libraries up and say nothing of what a step is about."""
_VERBS_TOLD: dict[Activity, str] = {
    "load": "load read download fetch retrieve collect scrape open",
    "prepare": "clean preprocess transform scale rescale encode impute normalize standardize engineer tokenize "
    "vectorize discretize wrangle",
    "split": "split",
    "train": "train fit tune",
    "evaluate": "evaluate validate score predict forecast",
    "save": "save export write upload",
}
_TOLD = {verb: activity for activity, verbs in _VERBS_TOLD.items() for verb in verbs.split()}
"""Verbs of headings, and what they say of code that says little itself."""
_PRIORITY: tuple[Activity, ...] = ("train", "load", "evaluate", "split", "prepare", "save", "plot", "setup", "compute")


def activities(statements: Sequence[Statement]) -> dict[int, Activity]:
    """Activity by index of statement. Remembers what names were made by, so that `scaler.fit` is preparing."""
    makers: dict[str, Activity] = {}
    found: dict[int, Activity] = {}
    imported = frozenset().union(*(s.flow.binds for s in statements if s.flow.imports))
    for statement in statements:
        if _sets_up(statement, imported):
            found[statement.index] = "setup"
            continue
        votes: Counter[Activity] = Counter()
        for activity, weight in _of_calls(statement, makers):
            votes[activity] += weight
        found[statement.index] = _strongest(votes)
        if len(statement.flow.calls) and isinstance(statement.node, ast.Assign):
            for name in statement.flow.binds:
                makers[name] = found[statement.index]
    return found


def told(kind: Activity, verb: str) -> Activity:
    """What a heading's verb makes of an activity: code that only computes or prepares is what its author calls it."""
    return _TOLD.get(verb, kind) if kind in ("compute", "prepare") else kind


def dominant(found: Iterable[tuple[Activity, int]]) -> Activity:
    """The activity of a run of statements, each with its weight; training always shows."""
    weights: Counter[Activity] = Counter()
    every: set[Activity] = set()
    for activity, weight in found:
        every.add(activity)
        weights[activity] += weight if activity not in ("compute", "setup") else 0
    if not +weights:
        return "setup" if every == {"setup"} else "compute"
    return max(weights, key=lambda activity: (weights[activity], -_PRIORITY.index(activity)))


def _sets_up(statement: Statement, imported: frozenset[str]) -> bool:
    """True for calls and assignments that only set options of libraries."""
    flow = statement.flow
    if flow.binds or flow.imports or not isinstance(statement.node, ast.Expr | ast.Assign):
        return False
    return (
        bool(flow.calls or flow.mutates) and flow.mutates <= imported and all(c.startswith(_SETUP) for c in flow.calls)
    )


def _of_calls(statement: Statement, makers: dict[str, Activity]) -> Iterable[tuple[Activity, int]]:
    """What the calls of a statement say, with their weight. Preparing methods are common words, so they say least."""
    effects = statement.flow.effects
    if "write" in effects:
        yield "save", 2
    if "plot" in effects:
        yield "plot", 4
    for name in statement.flow.calls:
        activity = _of_call(name, makers)
        method = "." in name and name.rsplit(".", 1)[-1] in _METHODS
        if activity:
            yield activity, {"train": 4, "evaluate": 3}.get(activity, 1) if method else 2
    if not statement.flow.calls and statement.flow.mutates and _has_brackets(statement.node):
        yield "prepare", 1


def _has_brackets(root: ast.stmt) -> bool:
    return any(isinstance(node, ast.Subscript | ast.List | ast.ListComp) for node in ast.walk(root))


def _of_call(name: str, makers: dict[str, Activity]) -> Activity | None:
    for prefix, activity in _PREFIXES:
        if name.startswith(prefix):
            return activity
    method = name.rsplit(".", 1)[-1] if "." in name else ""
    found = _METHODS.get(method)
    if found == "train" and makers.get(name.split(".", 1)[0]) == "prepare":
        return "prepare"
    return found


def _strongest(votes: Counter[Activity]) -> Activity:
    if not votes:
        return "compute"
    return max(votes, key=lambda activity: (votes[activity], -_PRIORITY.index(activity)))
