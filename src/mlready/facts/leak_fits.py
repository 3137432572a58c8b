"""Fitting and applying: what an object learned from, and whether held-out rows were among it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlready.facts import leak_splits
from mlready.facts.leak_names import maker_of
from mlready.facts.leak_values import (
    Maker,
    Mark,
    Strength,
    Value,
    derived,
    flat,
    halves,
    held_out,
    held_out_of,
    join,
    with_marks,
)

if TYPE_CHECKING:
    from mlready.facts.leak_walk import Walk

_STRONG_NAMES = re.compile(r"scal|^sc$|^ss$|pca|svd|imput|tf_?idf|vectoriz|^vect?$|count_?vec|normaliz|select", re.I)
_NONE_NAMES = re.compile(r"^le$|^lb$|label|^mlb$|tsne|umap|binarizer", re.I)
_EVALUATION = ("eval_set", "validation_data", "evals", "valid_sets", "eval_sets")
_PROJECTIONS = ("TSNE", "MDS", "UMAP", "SpectralEmbedding")
_MODEL_ROLES = ("model", "search", "pipeline")


def makers_by_name(walk: Walk, node: ast.Call, name: str) -> tuple[Maker, ...]:
    """The object of a method whose class the reader of names knows although it was made out of sight."""
    kind, _, last = name.rpartition(".")
    if not kind or kind.startswith(".") or last not in ("fit", "fit_transform", "transform", "fit_resample"):
        return ()
    empty = ast.copy_location(ast.Call(func=node.func, args=[], keywords=[]), node)
    maker = maker_of(walk.vocabulary, kind, empty, ())
    if maker is None or not isinstance(node.func, ast.Attribute):
        return ()
    if isinstance(node.func.value, ast.Name | ast.Attribute):
        walk.bind(node.func.value, Value(makers=(maker,)))
    return (maker,)


def mark_of(name: str, line: int, data: Sequence[Value]) -> list[Mark]:
    base = derived(*data)
    return [Mark("fit", name, line, "none", base.roots, base.parts)]


# ------------------------------------------------------------------------------------------------------------------ fit


def fit(
    walk: Walk,
    node: ast.Call,
    makers: tuple[Maker, ...],
    args: Sequence[Value],
    keywords: Mapping[str, Value],
    data: Value,
) -> None:
    """`thing.fit(X, y)`: remember what it learned from."""
    base = flat(data)
    for maker in makers:
        mark = Mark("fit", maker.name, node.lineno, maker.strength, base.roots, base.parts)
        maker.fitted = [*maker.fitted[-3:], mark] if walk.loops else [mark]
        for step in maker.steps:
            step.fitted = [replace(mark, name=step.name, strength=step.strength)]
        if maker.role == "search":
            _searched(walk, node, base)
    if any(maker.role in _MODEL_ROLES for maker in makers):
        trained(walk, node, [data, *args[1:]], keywords, early=any(maker.early for maker in makers))
        _fitted_on_test(walk, node, makers, base)


def _searched(walk: Walk, node: ast.Call, base: Value) -> None:
    if not halves(base.parts):
        leak_splits.divide(walk, base, node.lineno, how="the folds of the search")


def _fitted_on_test(walk: Walk, node: ast.Call, makers: tuple[Maker, ...], base: Value) -> None:
    only = held_out(base.parts)
    argument = node.args[0] if node.args else None
    named = isinstance(argument, ast.Name) and "test" in argument.id.lower()
    if only and named:
        message = f"{makers[0].name} is fitted on the test part of the split on line {_line(walk, base)}"
        walk.report("test-fitted", node.lineno, _line(walk, base), message, certain=False)


def _line(walk: Walk, value: Value) -> int:
    split = max(split for split, _ in halves(value.parts))
    return walk.split_lines.get(split, split)


def trained(
    walk: Walk, node: ast.Call, args: Sequence[Value], keywords: Mapping[str, Value], *, early: bool = False
) -> None:
    """A model is trained: on cut data, or stopping by what it sees in the test part."""
    data = derived(*args, *(keywords[name] for name in ("train_set", "dtrain", "X", "x") if name in keywords))
    features = derived(*args[:1])
    for mark in features.marks:
        if mark.kind == "fit" and mark.strength != "none" and features.parts:
            _say_learned(walk, features, mark)
    cuts = [mark for mark in data.marks if mark.kind == "cut" and mark.roots & data.roots]
    if cuts:
        walk.cut_fits += [(mark, node.lineno, data) for mark in cuts]
    else:
        walk.fitted_whole |= data.roots
    if "validation_split" in keywords and not halves(data.parts):
        leak_splits.divide(walk, flat(args[0]) if args else data, node.lineno, how="the validation split of fit")
    if early or "early_stopping_rounds" in keywords or _stops_early(node):
        _stopped_by_test(walk, node, keywords)


def _stops_early(node: ast.Call) -> bool:
    return any(
        keyword.arg == "callbacks"
        and re.search(r"early_?stop|\bes\b|ModelCheckpoint|checkpoint", ast.unparse(keyword.value), re.I)
        for keyword in node.keywords
    )


def _stopped_by_test(walk: Walk, node: ast.Call, keywords: Mapping[str, Value]) -> None:
    for keyword in node.keywords:
        if keyword.arg not in _EVALUATION or keyword.arg not in keywords:
            continue
        shown = flat(keywords[keyword.arg])
        words = " ".join(n.id for n in ast.walk(keyword.value) if isinstance(n, ast.Name)).lower()
        held = {split for split, side in shown.parts if side == "test"}
        if held and "test" in words and "val" not in words:
            split = max(held)
            where = walk.split_lines.get(split, split)
            message = f"training stops early by the score on the test part of the split on line {where}"
            walk.report("test-fitted", node.lineno, where, message)


# ------------------------------------------------------------------------------------------------------------ transform


def fit_transform(walk: Walk, node: ast.Call, makers: tuple[Maker, ...], args: Sequence[Value], data: Value) -> Value:
    """`thing.fit_transform(X)`: learn and apply at once."""
    makers = makers or (_unknown_maker(node),)
    base = flat(data)
    fit(walk, node, makers, args, {}, data)
    if any(maker.role in ("oversampler", "undersampler") for maker in makers):
        return _resampled(node, makers, args)
    if makers[0].role in _MODEL_ROLES:
        return base
    _test_alone(walk, node, makers, base)
    results = [_with_fit(base, maker.fitted[-1]) for maker in makers if maker.fitted]
    return join(results) if results else base


def _unknown_maker(node: ast.Call) -> Maker:
    """An object made out of sight: its name tells how sure we are that it learns from data."""
    value = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
    strength: Strength = "none" if _NONE_NAMES.search(name) else "strong" if _STRONG_NAMES.search(name) else "weak"
    return Maker("transformer", name or "a transformer", strength)


def _resampled(node: ast.Call, makers: tuple[Maker, ...], args: Sequence[Value]) -> Value:
    items = []
    for value in args:
        base = flat(value)
        for maker in makers:
            if maker.role == "oversampler":
                over = Mark("over", maker.name, node.lineno, "strong", base.roots, base.parts)
                base = with_marks(base, over, replace(over, kind="fit"))
        items.append(base)
    return Value(items=tuple(items))


def _test_alone(walk: Walk, node: ast.Call, makers: tuple[Maker, ...], base: Value) -> None:
    """`scaler.fit_transform(X_test)` learns from the test part what training should have taught it."""
    if not held_out(base.parts) or not base.roots:
        return
    for maker in makers:
        if maker.strength == "strong" and maker.name not in _PROJECTIONS:
            line = _line(walk, base)
            message = f"{maker.name} is fitted again on the test part of the split on line {line}"
            walk.report("test-fitted", node.lineno, line, message)


def _with_fit(base: Value, mark: Mark) -> Value:
    return with_marks(base, mark) if mark.strength != "none" and base.roots else base


def transform(walk: Walk, node: ast.Call, makers: tuple[Maker, ...], data: Value) -> Value:
    """`thing.transform(X)`: what it learned from comes with the result."""
    base = flat(data)
    found = base
    for maker in makers:
        for mark in maker.fitted:
            found = join((found, applied(walk, base, mark, node.lineno)))
    return found


def applied(walk: Walk, base: Value, mark: Mark, line: int) -> Value:
    """Data with something learned applied to it; says so when held-out rows were learned from."""
    if mark.strength == "none":
        return base
    if held_out(base.parts):
        _say_learned(walk, base, mark)
    return with_marks(base, mark) if base.roots else base


def _say_learned(walk: Walk, base: Value, mark: Mark) -> None:
    """Say that held-out rows were among what was learned from, where they were."""
    for split, alone in held_out_of(mark, base):
        where = walk.split_lines.get(split, split)
        sure = mark.strength == "strong"
        if alone:
            if any(side == "train" for s, side in base.parts if s == split):
                message = f"{mark.name} is fitted on line {mark.line} on the test part of the split on line {where}"
                walk.report("test-fitted", mark.line, where, message, certain=False)
        elif (split, "test") in mark.parts:
            message = f"{mark.name} is fitted on line {mark.line} on both parts of the split on line {where}"
            walk.report("preprocessing-leakage", mark.line, where, message, certain=sure)
        else:
            when = "before" if mark.line <= where else "on all the data of"
            message = f"{mark.name} is fitted on line {mark.line}, {when} the split on line {where}"
            walk.report("preprocessing-leakage", mark.line, where, message, certain=sure)


def learned(walk: Walk, base: Value, statistic: Value, line: int, *, what: str, strength: Strength) -> Value:
    """Data with a statistic of (possibly more) data applied: fillna(mean), division by a deviation."""
    inside = [v for v in (statistic, *(statistic.items or ())) if v.statistic]
    if not inside or strength == "none":
        return base
    from_ = inside[0]
    words = f"{what} with the {from_.statistic}" if strength == "weak" else what
    mark = Mark("fit", words, line, strength, from_.roots, from_.parts)
    if from_.parts == base.parts and base.parts:
        return with_marks(base, mark)
    return applied(walk, base, mark, line)


# -------------------------------------------------------------------------------------------------------------- predict


def _chosen_by_test(walk: Walk, node: ast.Call, maker: Maker, base: Value) -> None:
    """Candidates that are scored on the test part one after the other: the best of them is chosen by it."""
    argument = node.args[0] if node.args else None
    named = isinstance(argument, ast.Name) and "test" in argument.id.lower()
    if not maker.tried or not named or not any(line == maker.tried for line, _ in walk.loops):
        return
    where = _line(walk, base)
    if where < maker.tried and any(mark.parts for mark in maker.fitted):
        message = f"the loop on line {maker.tried} scores each candidate {maker.name} on the test part of the split on line {where}"
        walk.report("multi-test", node.lineno, where, message, certain=False)


def predict(walk: Walk, node: ast.Call, makers: tuple[Maker, ...], data: Value) -> None:
    """`model.predict(X_test)` with a model that was trained on those rows."""
    base = flat(data)
    if not held_out(base.parts):
        return
    for maker in makers:
        if maker.role not in _MODEL_ROLES:
            continue
        _chosen_by_test(walk, node, maker, base)
        for mark in maker.fitted[-1:]:
            for split, alone in held_out_of(mark, base):
                if alone:
                    continue
                where = walk.split_lines.get(split, split)
                message = f"{maker.name} is trained on line {mark.line} on rows of the test part of the split on line {where}, and scored on them"
                walk.report("overlap-leakage", node.lineno, mark.line, message)
