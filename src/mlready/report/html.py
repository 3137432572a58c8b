"""One self-contained page for people: no network, readable with scripts off, light and dark, printable.

Everything that comes from the audited project goes through `text`. The only script is ours, and the page's own policy
lets no other run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from mlready import __version__
from mlready.findings import AuditReport, FactorResult, RuleResult, Site
from mlready.report.excerpts import Excerpts
from mlready.report.rows import shown_sites
from mlready.report.text import counted, message_beside, printable, to_do, unused_text
from mlready.rules.score import is_blocking

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style

_TODO = 10
_UNFOLDED = 20
_EXCERPTS_OF_RULE = 50
_PASSED_SITES = 3


def render(judged: Sequence[Judged], _style: Style) -> str:
    """The page of all audited paths."""
    css, script = _asset("report.css"), _asset("report.js")
    body = "\n".join(line for i, item in enumerate(judged) for line in _article(item, f"p{i}-"))
    title = ", ".join(text(str(item.root)) for item in judged)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">
<meta name="referrer" content="no-referrer">
<title>mlready audit: {title}</title>
<style>{css}</style></head>
<body><a class="skip" href="#p0-findings">Skip to the findings</a>
<main>
{body}
</main>
<footer class="dim">mlready {__version__}. Nothing of the audited project was executed to make this page.</footer>
<script>{script}</script></body></html>
"""


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )


def _asset(name: str) -> str:
    return files("mlready.report").joinpath("assets", name).read_text(encoding="utf-8")


def text(words: str) -> str:
    """Words of anyone as HTML text or attribute value: escaped, control and direction characters spelled out."""
    return escape(printable(words), quote=True)


# ------------------------------------------------------------------------------------------------------------- the page


def _article(item: Judged, mark: str) -> Iterator[str]:
    report = item.report
    yield "<article>"
    yield from _head(item)
    yield from _subprojects(report)
    if not report.single_file:
        yield from _factors(report, mark)
    yield from _to_do(report, mark)
    yield from _findings(item, mark)
    yield from _passed(report)
    yield from _aside(report)
    yield "</article>"


def _head(item: Judged) -> Iterator[str]:
    report, main = item.report, item.report.main
    yield f"<h1>mlready audit of {text(str(item.root))}</h1>"
    score = "–" if main.score is None else f"{main.score:.0f}"
    yield f'<div class="top"><p class="score {_tone(main.score)}">{score} <small>of 100</small></p><div>'
    weakest = main.weakest_factor
    if weakest is not None:
        yield f"<div>Weakest factor: <strong>{text(weakest.title)}</strong> ({weakest.score:.0f})</div>"
    raw = main.score_unsuppressed
    if raw is not None and main.score is not None and abs(raw - main.score) >= 0.05:
        yield f"<div>{raw:.0f} without suppressions</div>"
    project = main.project
    sizes = ((project.files, "file"), (project.python_lines, "Python line"), (project.notebooks, "notebook"))
    kind = ", ".join([project.kind, *(counted(number, noun) for number, noun in sizes)])
    yield f'<div class="dim">Taken for: {text(kind)}; profile {text(report.profile)}; {project.coverage:.0%} read</div>'
    yield f'<div class="dim">{"; ".join(text(reason) for reason in project.kind_reasons)}</div></div></div>'
    passed = "The gate holds." if report.gate.passed else "The gate fails:"
    yield f'<div class="gate{"" if report.gate.passed else " fails"}"><strong>{passed}</strong>'
    yield from _list(report.gate.reasons)
    yield "</div>"


def _tone(score: float | None) -> str:
    if score is None:
        return "dim"
    return "good" if score >= 75 else "mid" if score >= 40 else "bad"


def _list(lines: Iterable[str]) -> Iterator[str]:
    rows = [f"<li>{text(line)}</li>" for line in lines]
    if rows:
        yield f"<ul>{''.join(rows)}</ul>"


def _subprojects(report: AuditReport) -> Iterator[str]:
    if not report.subprojects:
        return
    yield '<h2>Projects inside</h2><table><thead><tr><th scope="col">Project</th><th scope="col">Kind</th><th scope="col" class="n">Score</th></tr></thead><tbody>'
    for part in sorted(report.subprojects, key=lambda part: part.score or 0.0):
        score = "–" if part.score is None else f"{part.score:.0f}"
        yield f'<tr><th scope="row">{text(part.project.path)}</th><td>{text(part.project.kind)}</td><td class="n">{score}</td></tr>'
    yield "</tbody></table>"


def _factors(report: AuditReport, mark: str) -> Iterator[str]:
    yield f'<h2 id="{mark}factors">The twelve factors</h2><table><thead><tr><th scope="col" class="n">#</th>'
    yield '<th scope="col">Factor</th><th scope="col">Met</th><th scope="col" class="n">Score</th></tr></thead><tbody>'
    for factor in report.main.factors:
        yield _factor_row(factor)
    yield "</tbody></table>"


def _factor_row(factor: FactorResult) -> str:
    head = f'<tr><td class="n">{factor.number}</td><th scope="row">{text(factor.title)}</th>'
    if factor.score is None:
        return f'{head}<td class="dim">not asked</td><td class="n dim">–</td></tr>'
    bar = f'<div class="bar {_tone(factor.score)}" aria-hidden="true"><i style="width:{factor.score:.1f}%"></i></div>'
    return f'{head}<td>{bar}</td><td class="n">{factor.score:.0f}</td></tr>'


def _to_do(report: AuditReport, mark: str) -> Iterator[str]:
    rules = to_do(report)
    if not rules:
        return
    yield '<h2>What to do next</h2><ol class="todo">'
    for rule in rules[:_TODO]:
        gain = f"+{rule.gain:.1f} points" if rule.gain else text(rule.severity)
        points = '<span class="pts bad">blocker</span>' if is_blocking(rule) else f'<span class="pts">{gain}</span>'
        yield f'<li>{points} <a href="#{mark}{rule.id}">{rule.id} {text(rule.title)}</a><br>{text(rule.fix)}</li>'
    yield "</ol>"


# --------------------------------------------------------------------------------------------------------- the findings


def _findings(item: Judged, mark: str) -> Iterator[str]:
    open_ = [
        (factor, rule, sites)
        for factor in item.report.main.factors
        for rule in factor.rules
        if (sites := shown_sites(rule))
    ]
    order = ("blocker", "error", "warning")
    open_.sort(key=lambda row: (not is_blocking(row[1]), -row[1].gain, order.index(row[1].severity), row[1].id))
    yield f'<h2 id="{mark}findings">Findings</h2>'
    if not open_:
        yield "<p>Nothing to report.</p>"
        return
    yield _form(open_)
    excerpts = Excerpts(item)
    for factor, rule, sites in open_:
        yield from _rule(factor, rule, sites, mark, excerpts)


def _form(open_: Sequence[tuple[FactorResult, RuleResult, list[Site]]]) -> str:
    factors = {
        factor.slug: f"{factor.number}. {factor.title}" for factor, _, _ in sorted(open_, key=lambda r: r[0].number)
    }
    options = "".join(f'<option value="{text(slug)}">{text(title)}</option>' for slug, title in factors.items())
    levels = "".join(f'<option value="{level}">{level}</option>' for level in ("blocker", "error", "warning"))
    return f"""<form class="filter" role="search" aria-label="Filter findings" hidden>
<label>Factor<select name="factor"><option value="">all</option>{options}</select></label>
<label>Severity<select name="severity"><option value="">all</option>{levels}</select></label>
<label>Path contains<input name="path" type="search" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></label>
<button type="reset">Clear</button><output aria-live="polite"></output></form>"""


def _rule(factor: FactorResult, rule: RuleResult, sites: list[Site], mark: str, excerpts: Excerpts) -> Iterator[str]:
    sites = sorted(sites, key=lambda site: (bool(site.suppressed), site.credit))
    tone = "mid" if rule.severity == "warning" else "bad"
    met = "" if rule.credit is None else f'<span class="dim">met to {rule.credit:.0%}</span>'
    gain = f'<span class="pts">+{rule.gain:.1f} points</span>' if rule.gain >= 0.05 else ""
    yield (
        f'<section class="rule" id="{mark}{rule.id}" data-factor="{text(factor.slug)}" data-severity="{rule.severity}" '
        f'aria-labelledby="{mark}{rule.id}-t"><header><h3 id="{mark}{rule.id}-t">{rule.id} {text(rule.title or rule.name)}</h3>'
        f'<span class="tag {tone}">{rule.severity}</span>{met}{gain}</header>'
    )
    yield f"<p><strong>Fix:</strong> {text(rule.fix)}</p>"
    rows = [_site(site, excerpts if i < _EXCERPTS_OF_RULE else None) for i, site in enumerate(sites)]
    yield f'<ul class="sites">{"".join(rows[:_UNFOLDED])}</ul>'
    if len(rows) > _UNFOLDED:
        rest = "".join(rows[_UNFOLDED:])
        yield f'<details><summary>{counted(len(rows) - _UNFOLDED, "more place")}</summary><ul class="sites">{rest}</ul></details>'
    yield "</section>"


def _site(site: Site, excerpts: Excerpts | None) -> str:
    place = f'<code class="place">{text(str(site.where))}</code>: ' if site.where else ""
    hidden = f' <span class="tag dim">suppressed: {text(site.suppressed)}</span>' if site.suppressed else ""
    unsure = "" if site.certain else ' <span class="tag dim">suspected</span>'
    lines = excerpts.around(site.where) if excerpts is not None else ()
    shown = "".join(
        f"<span{' class=at' if line.marked else ''}><b>{line.number}</b>{text(line.text.expandtabs(4))}</span>"
        for line in lines
    )
    path = text(site.where.path) if site.where else ""
    return (
        f'<li class="site" data-path="{path}">{place}{text(message_beside(site))}{unsure}{hidden}'
        f"{f'<pre>{shown}</pre>' if shown else ''}</li>"
    )


# ------------------------------------------------------------------------------------------------------------- the rest


def _passed(report: AuditReport) -> Iterator[str]:
    rules = [rule for rule in report.main.rules if rule.status == "pass" and rule.weight > 0]
    if not rules:
        return
    yield f"<h2>What holds</h2><details open><summary>{len(rules)} rules</summary><ul>"
    for rule in rules:
        said = [f"{site.where}: {message_beside(site)}" if site.where else site.message for site in _evidence(rule)]
        yield f"<li><strong>{rule.id}</strong> {text(rule.title or rule.name)}"
        yield from _list(said)
        yield "</li>"
    yield "</ul></details>"


def _evidence(rule: RuleResult) -> list[Site]:
    if rule.kind == "hazard":
        return []
    return [site for site in rule.sites if site.credit >= 0.999][:_PASSED_SITES]


def _aside(report: AuditReport) -> Iterator[str]:
    """What did not count, and why: always shown."""
    unknown = [f"{rule.id} {rule.name}: {rule.reason}" for rule in report.main.rules if rule.status == "unknown"]
    suppressed = [
        f"{rule.id} {site.where}: {site.suppressed}"
        for rule in report.main.rules
        for site in rule.sites
        if site.suppressed
    ]
    ratchet = report.ratchet
    stale = [f"{e.count} × {e.rule} {e.path}: {e.what}" for e in ratchet.stale] if ratchet else []
    new = [f"{rule} {site.where or ''} {site.message}" for rule, site in ratchet.new] if ratchet else []
    touched = (
        [f"{rule} {site.where or ''} {site.message}" for rule, site in report.change.findings] if report.change else []
    )
    for title, lines in (
        ("New since the baseline", new),
        ("Touched by the change", touched),
        ("Suppressed", suppressed),
        ("Suppressions that do nothing", [unused_text(entry) for entry in report.unused]),
        ("Loosened by configuration", report.loosened),
        ("In the baseline, but gone", stale),
        ("Not known from the files", unknown),
        ("Not read", [f"{entry.path}: {entry.reason}" for entry in report.not_read]),
    ):
        if lines:
            yield f"<h2>{title}</h2>"
            yield from _list(lines)
