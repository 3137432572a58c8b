"""The errors that a user can cause, and the exit codes of the command line.

    MlreadyError            anything with a message for the user
    ├── UsageError          could not do what was asked: bad option, path, configuration (exit 2)
    │   └── SchemaError     a data file breaks its closed schema; names file, key and allowed words
    └── NothingToJudge      no machine-learning code was found (exit 3)

Anything else that escapes is a bug in mlready (exit 4).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; a contract that scripts and hooks rely on."""

    OK = 0
    GATE_FAILED = 1
    CANNOT = 2
    NOTHING_TO_JUDGE = 3
    BUG = 4
    INTERRUPTED = 130


class MlreadyError(Exception):
    """An error with a message for the user and, where there is one, a hint at what to do next."""

    exit_code = ExitCode.CANNOT

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(MlreadyError):
    """What was asked cannot be done."""


class SchemaError(UsageError):
    """A data file does not follow its schema."""


class NothingToJudge(MlreadyError):
    """The project holds nothing that the audit could judge.

    `judged` is the report without a score, for scripts that want one in any case.
    """

    exit_code = ExitCode.NOTHING_TO_JUDGE

    def __init__(self, message: str, *, hint: str = "", judged: object = None) -> None:
        super().__init__(message, hint=hint)
        self.judged = judged


_FEW = 30
"""Allowed words that an error can list before it hides what it says."""


def unknown_key(*, key: str, allowed: Iterable[str], where: str = "", what: str = "key") -> SchemaError:
    """The error for a word outside a closed vocabulary: names the place, the word and, where they are few, what is allowed."""
    words = sorted(allowed)
    place = f"{where}: " if where else ""
    listed = f"; allowed: {', '.join(words)}" if len(words) <= _FEW else ""
    return SchemaError(f"{place}unknown {what} {key!r}{listed}", hint=did_you_mean(key, words))


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """A hint at up to three words that are near, in whichever case; "" where none is."""
    known = {known.lower(): known for known in words}
    key = word.lower()
    begun = [near for near in known if len(key) >= 3 and near.startswith(key)]
    nearest = difflib.get_close_matches(key, known, n=1)
    near = dict.fromkeys([*nearest, *begun, *difflib.get_close_matches(key, known, cutoff=0.8)])
    return f"did you mean {' or '.join(repr(known[name]) for name in [*near][:3])}?" if near else ""
