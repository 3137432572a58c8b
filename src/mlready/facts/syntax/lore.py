"""What the vocabulary knows about names, remembered for the whole run: activities, and whether a call is kept."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mlready.facts.syntax import interest

if TYPE_CHECKING:
    from mlready.vocabulary import Vocabulary

_MEMORY = 200_000

_COMMON = frozenset({"layer"})
"""Traits that are too common to keep a call for."""


_COMMON_NAMES = frozenset(
    ("agents", "evaluate", "git", "mcp", "phoenix", "schedule", "streaming", "metrics", "monitoring")
)
"""Import roots of known systems that projects give to modules of their own as well."""


class Known(NamedTuple):
    """What a call of one name means."""

    system: str
    activities: tuple[str, ...]
    kept: bool
    asked: bool
    """Whether the vocabulary says more of it than to which system it belongs."""


class Lore:
    """The vocabulary as the reader asks it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._known: dict[str, Known] = {}
        self._own: dict[str, bool] = {}
        self._types: dict[str, str] = {}

    def known(self, name: str) -> Known:
        """What a call of a resolved name means."""
        found = self._known.get(name)
        if found is None:
            if len(self._known) > _MEMORY:
                self._known.clear()
            found = self._known[name] = self._judge(name)
        return found

    def may_be_own(self, name: str) -> bool:
        """Whether a dotted name may belong to the project: relative, or of no known system or standard module."""
        root = name.partition(".")[0]
        if not root:
            return True
        own = self._own.get(root)
        if own is None:
            standard = root in sys.stdlib_module_names or root in interest.ARRAY_MATHS
            known = self.vocabulary.system_of(root) and root not in _COMMON_NAMES
            own = self._own[root] = not standard and not known
        return own

    def is_telling(self, kind: str) -> bool:
        """Whether a type says something of the data that it holds: a table, a schema, a class of the project."""
        if "." not in kind or kind.partition(".")[0] in interest.ARRAY_MATHS:
            return False
        return self.may_be_own(kind) or bool(self.vocabulary.system_of(kind))

    def method(self, attributes: Sequence[str]) -> str:
        """The name of a method of an unknown object: ".fit", or the one that a chain of attributes alone tells."""
        for start in range(len(attributes) - 1):
            if found := self.vocabulary.chains.get(".".join(attributes[start:])):
                return found
        return f".{attributes[-1]}"

    def returns(self, name: str) -> str:
        """The class of what a call of `name` gives back; "" unknown."""
        found = self._types.get(name)
        if found is None:
            if len(self._types) > _MEMORY:
                self._types.clear()
            found = self._types[name] = self._returned(name)
        return found

    def _judge(self, name: str) -> Known:
        vocabulary = self.vocabulary
        meaning = None if _is_relative(name) and not _is_method(name) else vocabulary.meaning(name)
        system, activities = (meaning.system, meaning.activities) if meaning else ("", ())
        special = vocabulary.traits(name) - _COMMON or vocabulary.randomness(name) or vocabulary.seeds(name)
        asked = bool(activities or special)
        return Known(system, activities, asked or _is_of_interest(name), asked)

    def _returned(self, name: str) -> str:
        found = "" if _is_relative(name) and name.count(".") == 1 else self.vocabulary.returns(name)
        if found:
            return found
        holder, _, last = name.rpartition(".")
        if not holder:
            return _BUILTIN_RESULTS.get(name, "")
        if last in interest.SELF_RETURNING and _is_class(holder):
            return holder
        if last.startswith("from_") and _is_class(holder):
            return holder
        return _STANDARD_RESULTS.get(name, "")


_BUILTIN_RESULTS = {kind: kind for kind in interest.BUILTIN_TYPES} | {
    "sorted": "list",
    "repr": "str",
    "open": "io.IOBase",
}
_STR_METHODS = (
    "join",
    "format",
    "replace",
    "strip",
    "lstrip",
    "rstrip",
    "lower",
    "upper",
    "title",
    "removeprefix",
    "zfill",
)
_STANDARD_RESULTS = {f"str.{method}": "str" for method in _STR_METHODS} | {
    "str.split": "list",
    "str.encode": "bytes",
    "bytes.decode": "str",
    "os.path.join": "str",
    "os.getenv": "str",
    "os.listdir": "list",
    "glob.glob": "list",
    "logging.getLogger": "logging.Logger",
    "dict.keys": "list",
    "dict.items": "list",
    "re.compile": "re.Pattern",
    "json.dumps": "str",
    "threading.Thread": "threading.Thread",
}


def _is_class(holder: str) -> bool:
    return holder.rpartition(".")[2].lstrip("_")[:1].isupper()


def _is_method(name: str) -> bool:
    return _is_class(name.rpartition(".")[0])


def _is_relative(name: str) -> bool:
    """Whether a name comes from a relative import (".utils.fit"), rather than being a method (".fit")."""
    return name.startswith(".") and name.find(".", 1) > 0


def _is_of_interest(name: str) -> bool:
    root, _, rest = name.partition(".")
    last = name.rpartition(".")[2]
    if _is_method(name) or (not root and not _is_relative(name)):
        return last in interest.METHODS
    if not root:
        return True
    if not rest:
        return name in interest.BUILTINS or name not in interest.BUILTIN_NAMES
    if root in interest.BUILTIN_TYPES:
        return False
    if root in interest.STANDARD:
        return name not in interest.STANDARD_LEFT_OUT
    if root in interest.ARRAY_MATHS:
        return last in interest.METHODS or last in interest.FRAMEWORK_CALLS
    return root not in sys.stdlib_module_names
