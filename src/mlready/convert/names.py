"""Names that a person would choose: of functions, of settings, of files."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
import unicodedata
from collections.abc import Container, Iterable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP = _words(
    """
    a about above all also an and any are as at be been below between but by called can different do does each
    every few following for from given go going had has have here how i if in into is it its just lets let like
    ll look many may me might more most must my need needed not now of on only oops or other our out over per re
    really s same seem seems should so some still such t than that the their them then there these they this
    those through to too up us use using various ve very via want was we well were what when where which while
    who why will with would you your first next new section part step chapter cell stage notebook example
    examples second third finally
    """
)
FOREIGN_STOP = _words(
    """
    al au aus aux avec com con da dans das de dei del della delle dem den der des die dos du e ein eine el em en
    et fur het il la las le les lo los mit na nas no nos os para par per pour por sur sul un una une und uma van
    von y zu
    """
)
"""Articles and prepositions of other languages."""
LABELS = _words(
    """
    answer appendix assignment bonus exercise exercises homework intro introducing introduction lab lecture
    lesson overview problem question solution solutions summary task tutorial
    """
)
"""Words that label a heading: what follows them is its subject."""
EMPTY = LABELS | _words(
    """
    agenda answers background code conclusion conclusions contents further general goal hint idea implementation
    import imports importing libraries library misc module modules motivation note notes objectives outline
    packages preface prerequisites problems questions recap references remarks required resources setup
    statement table tasks tldr todo turn
    """
)
"""Words that, alone, say what kind of text follows, and nothing of the code."""
VERBS = _words(
    """
    add aggregate align analyze annotate apply assign augment bin build calculate calibrate check choose
    classify clean collect combine compare compute configure connect convert correct correlate count create crop
    customize debug decode define delete deploy derive describe detect determine discretize display divide
    download drop edit encode engineer enrich estimate evaluate examine execute explain explore export extract
    fetch fill filter find fit forecast format generate get group handle identify impute inspect install
    integrate interpret investigate iterate join load make measure merge monitor normalize observe open optimize
    parse perform pivot plot predict prepare preprocess process prune rank read recode recommend reduce register
    remove rename reorder replace represent resample rescale reset reshape resize retrieve review run save scale
    score scrape search segment select send separate set show shuffle simulate simplify smooth solve sort
    specify split standardize start submit summarize test tokenize train transform transpose trim truncate tune
    update upload validate vectorize verify visualize wrangle write
    """
)
GERUNDS = VERBS | _words(
    """
    balance cluster label log map mask sample stack weight
    """
)
"""Words that are verbs for sure where they end in -ing."""
NOMINAL = {
    "aggregation": "aggregate",
    "augmentation": "augment",
    "comparison": "compare",
    "encoding": "encode",
    "engineering": "engineer",
    "estimation": "estimate",
    "evaluation": "evaluate",
    "exploration": "explore",
    "extraction": "extract",
    "imputation": "impute",
    "normalization": "normalize",
    "optimization": "optimize",
    "prediction": "predict",
    "predictions": "predict",
    "preparation": "prepare",
    "selection": "select",
    "simulation": "simulate",
    "standardization": "standardize",
    "transformation": "transform",
    "visualization": "visualize",
}
"""Nouns that end a heading such as "Data exploration", and their verbs."""
SPELLING = {"visualise": "visualize", "analyse": "analyze", "normalise": "normalize", "summarise": "summarize"} | {
    "standardise": "standardize",
    "visualisation": "visualization",
    "normalisation": "normalization",
    "optimisation": "optimization",
    "standardisation": "standardization",
}
RESERVED = (
    frozenset(keyword.kwlist) | frozenset(dir(builtins)) | {"config", "output_dir", "results", "run", "main", "show"}
)


def words(text: str) -> list[str]:
    """The words of a heading that carry meaning, in lower case."""
    text = re.sub(r":\w+:`~[\w.]*?(\w+)`", r" \1 ", text)
    text = re.sub(r"<[^>]*>|!?\[([^\]]*)\]\([^)]*\)|:\w+:`~?([^`<]*)[^`]*`|https?://\S+|\$[^$]*\$", r" \1\2 ", text)
    text = re.sub(r"['’]", "", text)
    found = re.findall(r"[A-Za-z][A-Za-z0-9]*", _plain(text))
    lowered = (word.lower() for word in found)
    return [SPELLING.get(w, w) for w in lowered if w not in STOP and w not in FOREIGN_STOP and len(w) > 1]


def _plain(text: str) -> str:
    """Letters without their accents; what is not Latin goes."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def from_heading(heading: str, *, verb: str, limit: int = 4) -> str:
    """ "3. Training the model" with verb "fit" gives "train_model"; "" where a heading says nothing."""
    parts = _subject(heading)
    if not parts:
        return ""
    parts = _imperative(parts)
    if parts[0] == "test":
        parts[0] = "check"  # a function named test_* would be taken for a test
    return _joined(parts if parts[0] in GERUNDS else [verb, *parts], limit)


def from_title(title: str, *, verb: str, limit: int = 4) -> str:
    """The same of the title of a figure, which is a noun: "Training loss" gives "plot_training_loss"."""
    parts = _subject(title)
    return _joined([verb, *parts], limit) if parts else ""


def leading_verb(text: str) -> str:
    """The verb that a heading or comment begins with, or ends with as a noun; "" without one."""
    first = next(iter(_imperative(_subject(text))), "")
    return first if first in GERUNDS else ""


def _joined(parts: Iterable[str], limit: int) -> str:
    return "_".join(list(dict.fromkeys(parts))[:limit])


def _subject(heading: str) -> list[str]:
    """The words of a heading without its label; none where it is nothing but labels."""
    parts = words(heading)
    if all(word in EMPTY for word in parts):
        return []
    while parts[0] in LABELS:
        parts = parts[1:]
    return parts


def _imperative(parts: list[str]) -> list[str]:
    """ "training model" and "model training" as "train model"."""
    if not parts:
        return []
    noun = parts[0] in ("training", "testing") and bool(NOUNS_AFTER & set(parts[1:2]))
    first = parts[0] if noun else _base_verb(parts[0])
    if first in VERBS or first != parts[0]:
        return [first, *parts[1:]]
    acts = [NOMINAL.get(word) or _base_verb(word) for word in parts]
    place = next((n for n in range(1, min(3, len(parts))) if acts[n] in VERBS and acts[n] != parts[n]), 0)
    if (
        place
        and not noun
        and parts[0] != "cross"
        and all(a != p for a, p in zip(acts[place:], parts[place:], strict=True))
    ):
        return [acts[place], *(PLURALS.get(other, other) for other in parts[:place])]
    return list(parts)


NOUNS_AFTER = _words(
    """
    data dataset set sets history loss accuracy error errors curve curves class time score
    """
)
"""After "training" and "testing" these make a noun: training data is not what the code trains."""
PLURALS = {"feature": "features", "hyperparameter": "hyperparameters", "parameter": "parameters"}


def _base_verb(word: str) -> str:
    """ "training" gives "train", "splitting" gives "split", "loading" gives "load"."""
    if word in VERBS or not word.endswith("ing"):
        return word
    stem = word[:-3]
    for candidate in (stem, stem + "e", stem[:-1]):
        if candidate in GERUNDS:
            return candidate
    return word


def identifier(text: str) -> str:
    """Text as a lower-case identifier; "" where nothing is left."""
    name = re.sub(r"[^0-9a-z]+", "_", _plain(text).lower()).strip("_")
    return f"n{name}" if name[:1].isdigit() else name


def snake(name: str) -> str:
    """ "FormationPlaneKNN" gives "formation_plane_knn"."""
    return identifier(re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z]{2})", "_", name))


def unique(name: str, taken: Container[str], hints: Iterable[str] = ()) -> str:
    """A name that is free: with a hint appended, else with a number."""
    name = name or "compute"
    if name not in taken and name not in RESERVED:
        return name
    for hint in hints:
        tail = identifier(hint)
        if tail and not name.endswith(tail):
            candidate = f"{name}_{tail}"
            if candidate not in taken and candidate not in RESERVED:
                return candidate
    number = 2
    while f"{name}_{number}" in taken or f"{name}_{number}" in RESERVED:
        number += 1
    return f"{name}_{number}"


def package_name(text: str) -> str:
    """An importable package name from the name of a notebook or folder; never that of a module of Python's own."""
    name = snake(text) or "analysis"
    name = re.sub(r"^n(?=\d)", "nb_", name)
    return f"{name}_project" if name in RESERVED or name in sys.stdlib_module_names else name
