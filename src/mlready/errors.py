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


def unknown_key(*, where: str, key: str, allowed: Iterable[str]) -> SchemaError:
    """The error for a key outside a closed vocabulary: names the place, the key and the allowed words."""
    words = sorted(allowed)
    close = difflib.get_close_matches(key, words, n=1)
    hint = f"did you mean {close[0]!r}?" if close else ""
    return SchemaError(f"{where}: unknown key {key!r}; allowed: {', '.join(words)}", hint=hint)
