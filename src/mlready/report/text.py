"""The report for the terminal: the score and the weakest factor, a bar per factor, then what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlready.findings import AuditReport, FactorResult, RuleResult, Site, UnusedSuppression
from mlready.rules.score import is_blocking

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style

_BAR = 20
_TODO = 10
_SITES = 3


def render(judged: Sequence[Judged], style: Style) -> str:
    """The reports of all paths, one under the other."""
    return "\n".join("\n".join(_report(item, style)) for item in judged) + "\n"


def _report(item: Judged, style: Style) -> Iterator[str]:
    paint = _Paint(style.color)
    report = item.report
    yield from _headline(report, str(item.root), paint)
    if style.quiet:
        return
    if report.main.score is not None:
        yield ""
        yield from _factors(report.main.factors, paint)
    yield from _subprojects(report, paint)
    yield from _to_do(report, paint, limit=None if style.verbose else _TODO)
    if style.verbose:
        yield from _kind(report, paint) if not report.single_file else ()
        yield from _passed(report, paint)
        yield from _unknown(report, paint)
    yield from _touched(report, paint, limit=None if style.verbose else 20)
    yield from _suppressed(report, paint)
    yield from _listed("Suppressions that do nothing", [printable(unused_text(e)) for e in report.unused], paint)
    yield from _listed("Loosened by configuration", [printable(text) for text in report.loosened], paint)
    yield from _not_read(report, paint, limit=None if style.verbose else 5)
    yield from _footer(report, paint, style)


_CODES = {
    "bold": "1",
    "dim": "2",
    "underline": "4",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}
"""Words of style -> ANSI codes."""


class _Paint:
    """Colors, or none."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, **style: str | bool) -> str:
        if not self._on:
            return text
        codes = [_CODES[value if isinstance(value, str) else name] for name, value in style.items() if value]
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"

    def score(self, value: float | None, text: str) -> str:
        if value is None:
            return self(text, dim=True)
        return self(text, fg="green" if value >= 75 else "yellow" if value >= 40 else "red", bold=True)


def printable(text: str) -> str:
    """Text from an audited project without control characters, so that it cannot drive the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def counted(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _headline(report: AuditReport, path: str, paint: _Paint) -> Iterator[str]:
    main = report.main
    if report.single_file:
        yield f"{paint(printable(path), bold=True)}  {paint('one file: no score', dim=True)}"
        return
    score = "no score" if main.score is None else f"{paint.score(main.score, f'{main.score:.0f}')} of 100"
    yield f"{score}  {printable(path)}  {paint(_taken_for(report), dim=True)}"
    raw = main.score_unsuppressed
    if raw is not None and main.score is not None and abs(raw - main.score) >= 0.05:
        yield f"   {raw:.0f} without suppressions"
    weakest = main.weakest_factor
    if weakest is not None and weakest.score is not None:
        yield f"   weakest factor: {weakest.title} ({weakest.score:.0f})"


def _taken_for(report: AuditReport) -> str:
    project = report.main.project
    notebooks = f", {counted(project.notebooks, 'notebook')}" if project.notebooks else ""
    return f"{project.kind}, {counted(project.files, 'file')}{notebooks}, profile {report.profile}"


def _factors(factors: Sequence[FactorResult], paint: _Paint) -> Iterator[str]:
    """A bar for each factor, all beginning in one column."""
    width = max(len(factor.title) for factor in factors)
    for factor in factors:
        name = f"{factor.number:>2} {factor.title:<{width}}"
        if factor.score is None:
            yield paint(f"{name} {'·' * _BAR}   –  not asked", dim=True)
            continue
        filled = round(_BAR * factor.score / 100)
        bar = paint.score(factor.score, "█" * filled) + paint("░" * (_BAR - filled), dim=True)
        yield f"{name} {bar} {factor.score:3.0f}"


def _subprojects(report: AuditReport, paint: _Paint) -> Iterator[str]:
    if not report.subprojects:
        return
    yield ""
    yield paint("Projects inside", bold=True)
    for part in sorted(report.subprojects, key=lambda p: p.score or 0.0):
        score = "  –" if part.score is None else f"{part.score:3.0f}"
        yield f"  {paint.score(part.score, score)}  {printable(part.project.path)}  {paint(part.project.kind, dim=True)}"


def to_do(report: AuditReport) -> list[RuleResult]:
    """What to do next: blockers first, then what brings the most points; last what waits for another practice."""
    open_ = [rule for rule in report.main.rules if rule.credit is not None and rule.credit < 0.999 and rule.weight > 0]
    worth = [rule for rule in open_ if is_blocking(rule) or rule.gain >= 0.05 or rule.kind == "hazard"]
    return sorted(worth, key=lambda rule: (not is_blocking(rule), rule.waits, -rule.gain, rule.id))


def _to_do(report: AuditReport, paint: _Paint, *, limit: int | None) -> Iterator[str]:
    rules = to_do(report)
    if not rules:
        return
    yield ""
    yield paint("What to do next", bold=True)
    for rule in rules[:limit]:
        yield from _open_rule(rule, paint)
    if limit is not None and len(rules) > limit:
        yield paint(f"  … and {len(rules) - limit} more: mlready audit -v", dim=True)


def _open_rule(rule: RuleResult, paint: _Paint) -> Iterator[str]:
    mark = paint("blocker", fg="red", bold=True) if is_blocking(rule) else f"+{rule.gain:.1f}" if rule.gain else ""
    met = f"  {paint(f'met to {rule.credit:.0%}', dim=True)}" if rule.kind == "practice" and rule.credit else ""
    yield f"  {mark:>6}  {paint(rule.id, bold=True)} {rule.name}{met}"
    broken = sorted((s for s in rule.sites if s.credit < 0.999 and not s.suppressed), key=lambda s: s.credit)
    for site in broken[:_SITES]:
        yield f"          {_site_line(site, paint)}"
    if len(broken) > _SITES:
        yield paint(f"          … and {counted(len(broken) - _SITES, 'more place')}", dim=True)
    yield paint(f"          fix: {rule.fix}", fg="cyan")


def _site_line(site: Site, paint: _Paint) -> str:
    place = f"{paint(printable(str(site.where)), underline=True)}: " if site.where else ""
    return f"{place}{printable(message_beside(site))}"


def message_beside(site: Site) -> str:
    """The message for where the place stands beside it: it need not begin with the path again."""
    return site.message.removeprefix(f"{site.where.path} ") if site.where else site.message


def _kind(report: AuditReport, paint: _Paint) -> Iterator[str]:
    yield ""
    yield paint(f"Taken for: {report.main.project.kind}", bold=True)
    for reason in report.main.project.kind_reasons:
        yield f"  {printable(reason)}"
    yield paint('  wrong? state it: [tool.mlready] kind = "…"', dim=True)


def _passed(report: AuditReport, paint: _Paint) -> Iterator[str]:
    rules = [rule for rule in report.main.rules if rule.status == "pass" and rule.weight > 0]
    if not rules:
        return
    yield ""
    yield paint("What holds", bold=True)
    for rule in rules:
        if rule.kind == "hazard":
            yield f"  {paint('✓', fg='green')} {rule.id} {rule.name}"
            continue
        for site in [site for site in rule.sites if site.credit >= 0.999][:2]:
            yield f"  {paint('✓', fg='green')} {rule.id} {rule.name}: {_site_line(site, paint)}"


def _unknown(report: AuditReport, paint: _Paint) -> Iterator[str]:
    lines = [f"{r.id} {r.name}: {printable(r.reason)}" for r in report.main.rules if r.status == "unknown"]
    yield from _listed("Not known from the files", lines, paint)


def _suppressed(report: AuditReport, paint: _Paint) -> Iterator[str]:
    lines = [
        f"{rule.id} {printable(str(site.where))}: {printable(site.suppressed)}"
        for rule in report.main.rules
        for site in rule.sites
        if site.suppressed
    ]
    yield from _listed("Suppressed", lines, paint)


def unused_text(entry: UnusedSuppression) -> str:
    """A suppression that does nothing, in words."""
    place = str(entry.where) if entry.where else entry.pattern
    return f"{place}: ignore[{', '.join(entry.rules)}] {entry.why}"


def _touched(report: AuditReport, paint: _Paint, *, limit: int | None) -> Iterator[str]:
    """Under --since: the findings on lines that the change touched."""
    if report.change is None:
        return
    lines = [f"{rule} {_site_line(site, paint)}" for rule, site in report.change.findings]
    more = [f"… and {len(lines) - limit} more"] if limit is not None and len(lines) > limit else []
    files = f"{counted(len(report.change.files), 'file')} changed"
    yield from _listed(
        f"Touched since {printable(report.change.since)} ({files})", [*lines[:limit], *more] or ["nothing"], paint
    )


def _listed(title: str, lines: Sequence[str], paint: _Paint) -> Iterator[str]:
    if lines:
        yield ""
        yield paint(title, bold=True)
        yield from (f"  {line}" for line in lines)


def _not_read(report: AuditReport, paint: _Paint, *, limit: int | None) -> Iterator[str]:
    lines = [f"{printable(entry.path)}: {printable(entry.reason)}" for entry in report.not_read]
    more = [f"… and {len(lines) - limit} more"] if limit is not None and len(lines) > limit else []
    yield from _listed("Not read", [*lines[:limit], *more], paint)


def _footer(report: AuditReport, paint: _Paint, style: Style) -> Iterator[str]:
    yield ""
    if not report.gate.passed:
        yield paint("The gate fails:", fg="red", bold=True) + " " + "; ".join(printable(r) for r in report.gate.reasons)
    rules = to_do(report)
    if rules and not style.verbose:
        yield paint(f"mlready explain {rules[0].id} says why it matters and how to mend it.", dim=True)
