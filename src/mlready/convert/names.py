"""Names that a person would choose: of functions, of settings, of files."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Container, Iterable

STOP = frozenset(
    {
        "the",
        "a",
        "an",
        "of",
        "and",
        "or",
        "in",
        "on",
        "to",
        "for",
        "with",
        "by",
        "from",
        "is",
        "are",
        "our",
        "your",
        "we",
    }
    | {
        "lets",
        "let",
        "us",
        "this",
        "that",
        "some",
        "now",
        "using",
        "use",
        "it",
        "its",
        "as",
        "at",
        "how",
        "what",
        "here",
    }
    | {
        "will",
        "be",
        "can",
        "do",
        "does",
        "i",
        "you",
        "s",
        "t",
        "first",
        "next",
        "then",
        "new",
        "section",
        "part",
        "step",
    }
    | {"chapter", "cell", "stage", "notebook", "example", "examples", "into", "not", "if", "so"}
)
VERBS = frozenset(
    {
        "load",
        "read",
        "import",
        "download",
        "fetch",
        "get",
        "clean",
        "prepare",
        "preprocess",
        "transform",
        "scale",
        "encode",
    }
    | {
        "split",
        "train",
        "fit",
        "tune",
        "evaluate",
        "predict",
        "compare",
        "plot",
        "visualize",
        "show",
        "explore",
        "analyze",
    }
    | {
        "compute",
        "calculate",
        "create",
        "build",
        "make",
        "define",
        "select",
        "search",
        "test",
        "check",
        "save",
        "export",
    }
    | {
        "generate",
        "simulate",
        "estimate",
        "merge",
        "join",
        "filter",
        "summarize",
        "describe",
        "inspect",
        "display",
        "run",
    }
    | {
        "draw",
        "set",
        "add",
        "remove",
        "drop",
        "find",
        "measure",
        "optimize",
        "cluster",
        "forecast",
        "reduce",
        "extract",
    }
    | {"validate", "score", "impute", "fill", "group", "count", "rank", "sort", "convert", "normalize", "standardize"}
)
RESERVED = (
    frozenset(keyword.kwlist) | frozenset(dir(builtins)) | {"config", "output_dir", "results", "run", "main", "show"}
)


def words(text: str) -> list[str]:
    """The words of a heading that carry meaning, in lower case."""
    text = re.sub(r":\w+:`~[\w.]*?(\w+)`", r" \1 ", text)
    text = re.sub(r"<[^>]*>|!?\[([^\]]*)\]\([^)]*\)|:\w+:`~?([^`<]*)[^`]*`|https?://\S+|\$[^$]*\$", r" \1\2 ", text)
    text = re.sub(r"['’]", "", text)
    found = re.findall(r"[A-Za-z][A-Za-z0-9]*", text.encode("ascii", "ignore").decode())
    return [word.lower() for word in found if word.lower() not in STOP and len(word) > 1]


def from_heading(heading: str, *, verb: str, limit: int = 4) -> str:
    """ "3. Training the model" with verb "fit" gives "train_model"; "" where a heading says nothing."""
    parts = words(heading)
    if not parts:
        return ""
    first = _base_verb(parts[0])
    if first == "test":
        first = "check"  # a function named test_* would be taken for a test
    parts = [first, *parts[1:]] if first in VERBS else [verb, *parts]
    parts = list(dict.fromkeys(parts))[:limit]
    return "_".join(parts)


def _base_verb(word: str) -> str:
    """ "training" gives "train", "splitting" gives "split", "loading" gives "load"."""
    if word in VERBS or not word.endswith("ing"):
        return word
    stem = word[:-3]
    for candidate in (stem, stem + "e", stem[:-1]):
        if candidate in VERBS:
            return candidate
    return word


def identifier(text: str) -> str:
    """Text as a lower-case identifier; "" where nothing is left."""
    name = re.sub(r"[^0-9a-z]+", "_", text.encode("ascii", "ignore").decode().lower()).strip("_")
    return f"n{name}" if name[:1].isdigit() else name


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
    """An importable package name from the name of a notebook or folder."""
    name = identifier(text) or "analysis"
    name = re.sub(r"^n(?=\d)", "nb_", name)
    return f"{name}_project" if name in RESERVED or keyword.iskeyword(name) else name
