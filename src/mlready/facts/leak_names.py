"""What calls mean for leaks: which classes learn from data, which methods fit, which functions split."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlready.facts.leak_values import Maker, Strength, Value

if TYPE_CHECKING:
    from mlready.vocabulary import Vocabulary

FITS = frozenset({"fit", "partial_fit", "fit_on_texts", "adapt", "fit_generator"})
FIT_TRANSFORMS = frozenset({"fit_transform", "fit_resample", "fit_sample"})
TRANSFORMS = frozenset(
    {"transform", "texts_to_sequences", "texts_to_matrix", "predict_transform", "__call__", "inverse_transform"}
)
PREDICTS = frozenset({"predict", "predict_proba", "decision_function", "score", "evaluate", "predict_classes"})
CV_FUNCTIONS = frozenset(
    {"cross_val_score", "cross_validate", "cross_val_predict", "learning_curve", "validation_curve"}
)
SPLIT_FUNCTIONS = frozenset({"train_test_split", "train_valid_split", "train_val_split", "iterative_train_test_split"})
STATISTICS = frozenset({"mean", "median", "std", "min", "max", "var", "mode", "quantile", "nanmean", "nanstd", "ptp"})
LAGS = frozenset({"shift", "rolling", "expanding", "ewm", "pct_change"})

_ENCODERS = re.compile(
    r"(OneHot|Ordinal|Binary|BaseN|Count)Encoder$|DictVectorizer$|(String|Integer)Lookup$|text\.Tokenizer$"
    r"|StringIndexer$|KBinsDiscretizer$|SplineTransformer$|TextVectorization$"
)
_UNDERSAMPLERS = re.compile(r"imblearn\.under_sampling\.")
_FUNCTIONS = frozenset(
    {"scale", "minmax_scale", "maxabs_scale", "robust_scale", "quantile_transform", "power_transform", "zscore"}
)
_FIXED = ("vocabulary", "categories", "vocab")
_TRAIN_NAME = re.compile(r"(^|[^a-z])(x|y|df|data|features|labels)?_?(train|trn|training)(?![a-z]{3})|^tr$", re.I)
_TEST_NAME = re.compile(
    r"(^|[^a-z])(x|y|df|data|features|labels)?_?(test|tst|testing|val|valid|validation|holdout|dev|eval)(?![a-z]{3})"
    r"|^te$",
    re.I,
)
_TARGET_NAME = re.compile(r"^(y|target|label|labels|targets|response)($|_)|_(y|target|label|labels)$", re.I)


def names_train(name: str) -> bool:
    return bool(_TRAIN_NAME.search(name))


def names_test(name: str) -> bool:
    return bool(_TEST_NAME.search(name)) and not names_train(name)


def names_validation(name: str) -> bool:
    return names_test(name) and bool(re.search(r"val|dev", name, re.I))


def names_target(name: str) -> bool:
    return bool(_TARGET_NAME.search(name))


def is_scaling_function(name: str) -> bool:
    """Whether a plain function learns from all that it is given: scale(X), zscore(X)."""
    module, _, last = name.rpartition(".")
    return last in _FUNCTIONS and module.startswith(("sklearn.preprocessing", "scipy.stats"))


def maker_of(vocabulary: Vocabulary, name: str, node: ast.Call, inner: tuple[Maker, ...]) -> Maker | None:
    """The object that a call of a known class makes; None for anything else."""
    if not name or name.startswith("."):
        return None
    last = name.rpartition(".")[2]
    if not (last[:1].isupper() or last.startswith("make_")):
        return None
    traits = vocabulary.traits(name)
    if not traits:
        return None
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if "pipeline" in traits or last in ("ColumnTransformer", "make_column_transformer", "FeatureUnion", "make_union"):
        return _composed(last, inner)
    if "search" in traits:
        return Maker("search", last, steps=inner)
    if traits & {"splitter", "ordered-splitter", "group-splitter"}:
        shuffled = _is_true(keywords.get("shuffle")) or "ShuffleSplit" in last
        return Maker(
            "splitter",
            last,
            line=node.lineno,
            shuffled=shuffled and not traits & {"ordered-splitter", "group-splitter"},
        )
    if "sampler" in traits and "imblearn" in name:
        return Maker("undersampler" if _UNDERSAMPLERS.search(name) else "oversampler", last, "strong")
    if traits & {"transformer", "selector", "projection", "stateless", "target-encoder"}:
        return Maker(
            "transformer", last, _strength(name, traits, keywords), steps=inner if "selector" in traits else ()
        )
    if traits & {"clusterer", "outlier-detector"}:
        return Maker("grouping", last)
    if traits & {"estimator", "classifier", "regressor", "model", "baseline"}:
        return Maker("model", last, early="early_stopping_rounds" in keywords)
    return None


def _strength(name: str, traits: frozenset[str], keywords: dict[str | None, ast.expr]) -> Strength:
    if "stateless" in traits or "target-encoder" in traits:
        return "none"
    if any(_is_given(keywords.get(word)) for word in _FIXED) and not name.endswith("TfidfVectorizer"):
        return "none"
    return "weak" if _ENCODERS.search(name) else "strong"


def _is_given(node: ast.expr | None) -> bool:
    return node is not None and not (isinstance(node, ast.Constant) and node.value in (None, "auto"))


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _composed(last: str, inner: tuple[Maker, ...]) -> Maker:
    """A Pipeline is a model when a model is in it; else a transformer as strong as its strongest step."""
    if any(step.role in ("model", "search") for step in inner):
        return Maker("model", last, steps=inner)
    order: tuple[Strength, ...] = ("none", "weak", "strong")
    strength = max((step.strength for step in inner), key=order.index, default=order[1])
    strongest = next((step.name for step in inner if step.strength == strength), "")
    return Maker("transformer", f"{last} with {strongest}" if strongest else last, strength, steps=inner)


DURATIONS = frozenset(("seconds", "total_seconds", "days", "microseconds", "components"))
"""Parts of a difference between two times: how long, not when."""

_OF_A_LIFE = re.compile(
    r"birth|(^|_)do[bjl]($|_)|born|graduat|joining|hired?(_|date)|expir|matur|founded|built|renovat", re.IGNORECASE
)


def names_a_life(*nodes: ast.expr) -> bool:
    """Whether a column that is read is a date of a life, as birth or graduation: it tells an age, not when a row was made."""
    for node in nodes:
        for inner in ast.walk(node):
            text = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "value", None)
            if isinstance(text, str) and _OF_A_LIFE.search(text):
                return True
    return False


def undated(value: Value) -> Value:
    """A value that no longer tells when its rows were made."""
    return replace(value, marks=frozenset(mark for mark in value.marks if mark.kind != "date"))
