"""Suppressions: which broken sites a comment or the configuration takes out of the judgement, and which do nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from mlready.findings import RuleResult, Site, UnusedSuppression

if TYPE_CHECKING:
    from mlready.facts.rows import Suppression
    from mlready.project.project import Project, ProjectFile
    from mlready.rules.model import Rule

SECRETS = "DES008"
NO_REASON = "no reason given"

_FULL = 0.999
_NOT_JUDGED = ("not selected", "not asked", "elsewhere", "needs the whole project")


def suppression_of(
    rule_id: str,
    site: Site,
    project: Project,
    *,
    configured: Mapping[str, Mapping[str, str]],
    require_reason: bool,
) -> str:
    """Why a broken site is suppressed, "" when it is not. `configured`: path pattern -> rule id or prefix -> reason."""
    if site.where is None or site.credit >= _FULL:
        return ""
    strict = require_reason or is_known_secret(rule_id, site)
    for pattern, words in configured.items():
        for word, reason in words.items():
            if _pattern_covers(pattern, word, rule_id, site) and (reason or not strict):
                return reason or NO_REASON
    file = project.by_path.get(site.where.path)
    for row in file.facts.suppressions if file else ():
        if file and comment_covers(row, file, rule_id, site) and (row.reason or not strict):
            return row.reason or NO_REASON
    return ""


def is_known_secret(rule_id: str, site: Site) -> bool:
    """A credential of a known format: only a suppression with a reason lifts it, and never a baseline."""
    return rule_id == SECRETS and site.certain and site.credit < 0.5


def comment_covers(row: Suppression, file: ProjectFile, rule_id: str, site: Site) -> bool:
    """Whether a comment speaks of this site: by its line, its cell or its whole file."""
    if site.where is None or not any(rule_id.startswith(word.upper()) for word in row.rules):
        return False
    if not row.line and not row.cell:
        return True
    if row.cell:
        return row.cell == site.where.cell
    here = file.at(row.line)
    return (here.cell, here.line) == (site.where.cell, site.where.line)


def _pattern_covers(pattern: str, word: str, rule_id: str, site: Site) -> bool:
    return site.where is not None and rule_id.startswith(word.upper()) and fnmatchcase(site.where.path, pattern)


# ---------------------------------------------------------------------------------------------------------- unused ones


def unused_suppressions(
    project: Project,
    rules: Sequence[Rule],
    results: Sequence[RuleResult],
    *,
    configured: Mapping[str, Mapping[str, str]],
    require_reason: bool,
) -> tuple[UnusedSuppression, ...]:
    """Comments and configured patterns that suppress nothing, though the rules that they name were judged."""
    broken = [(result.id, site) for result in results for site in result.sites if site.where and site.credit < _FULL]
    ids = [rule.id for rule in rules]
    skipped = frozenset(
        result.id for result in results if result.status == "unknown" or result.reason.startswith(_NOT_JUDGED)
    )
    found = [*_unused_comments(project, broken, ids, skipped, require_reason)]
    for pattern, words in configured.items():
        for word in words:
            if any(_pattern_covers(pattern, word, rule_id, site) for rule_id, site in broken):
                continue
            why = _why_unused((word,), ids, skipped)
            if why:
                found.append(UnusedSuppression((word,), why, pattern=pattern))
    return tuple(found)


def _unused_comments(
    project: Project,
    broken: Sequence[tuple[str, Site]],
    ids: Sequence[str],
    skipped: frozenset[str],
    require_reason: bool,
) -> Iterator[UnusedSuppression]:
    by_path: dict[str, list[tuple[str, Site]]] = {}
    for rule_id, site in broken:
        if site.where is not None:
            by_path.setdefault(site.where.path, []).append((rule_id, site))
    for file in project.files:
        for row in file.facts.suppressions:
            covered = [pair for pair in by_path.get(file.path, ()) if comment_covers(row, file, *pair)]
            why = ""
            if covered and not row.reason and (require_reason or all(is_known_secret(*pair) for pair in covered)):
                why = "has no reason, so it does not count"
            elif not covered:
                why = _why_unused(row.rules, ids, skipped)
            if why:
                yield UnusedSuppression(row.rules, why, where=file.at(row.line or 1))


def _why_unused(words: Sequence[str], ids: Sequence[str], skipped: frozenset[str]) -> str:
    if not words:
        return "names no rule, so it does nothing: write ignore[ID]"
    named = {word: [rule_id for rule_id in ids if rule_id.startswith(word.upper())] for word in words}
    unknown = [word for word, found in named.items() if not found]
    if unknown:
        return f"names a rule that does not exist: {', '.join(unknown)}"
    if any(rule_id in skipped for found in named.values() for rule_id in found):
        return ""
    return "suppresses nothing"
