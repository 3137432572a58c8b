"""The catalogue for people: lists of rules, and the explanation of a word. Docs pages are made of the same texts."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlready.errors import UsageError, did_you_mean
from mlready.rules import load_rules
from mlready.rules.model import Example, Rule
from mlready.vocabulary import load
from mlready.vocabulary.model import Activity, Factor, System


def list_rules(format_: str) -> str:
    """All rules as text, JSON or a Markdown table per factor."""
    rules = load_rules().rules
    if format_ == "json":
        return json.dumps([_summary(rule) for rule in rules], indent=2) + "\n"
    lines: list[str] = []
    for factor in load().factors:
        mine = [rule for rule in rules if rule.id.startswith(factor.code)]
        lines += _table(factor, mine) if format_ == "markdown" else _list(factor, mine)
    return "\n".join(lines).rstrip() + "\n"


def _summary(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id, "name": rule.name, "factor": rule.factor, "kind": rule.kind, "severity": rule.severity,
        "weight": rule.weight, "kinds": list(rule.kinds), "title": rule.title,
    }  # fmt: skip


def _list(factor: Factor, rules: list[Rule]) -> list[str]:
    head = f"{factor.number:>2} {factor.title}"
    return [head, *(f"   {r.id} {r.name:<34} {r.kind:<8} {r.weight}  {r.title}" for r in rules), ""]


def _table(factor: Factor, rules: list[Rule]) -> list[str]:
    rows = [f"| {r.id} | {r.name} | {r.kind} | {r.weight} | {r.severity} | {r.title} |" for r in rules]
    return [
        f"## {factor.number} {factor.title}", "", "| id | name | kind | weight | severity | what holds |",
        "| --- | --- | --- | --- | --- | --- |", *rows, "",
    ]  # fmt: skip


def explain_word(word: str) -> str:
    """The meaning of a rule id or name, a factor, a system or an activity; an error that suggests near words."""
    vocabulary = load()
    rules = {key: rule for rule in load_rules().rules for key in (rule.id.lower(), rule.name)}
    factors = {key: f for f in vocabulary.factors for key in (f.slug, f.code.lower(), str(f.number), f.title.lower())}
    systems = {key: s for s in vocabulary.systems.values() for key in (s.id, s.name.lower())}
    key = word.strip().lower()
    if key in rules:
        return explain_rule(rules[key])
    if key in factors:
        return "\n".join(_factor(factors[key])) + "\n"
    told = [*_activity(vocabulary.activities[key]), ""] if key in vocabulary.activities else []
    told += _system(systems[key]) if key in systems else []
    if told:
        return "\n".join(told).rstrip() + "\n"
    allowed = [word for rule in load_rules().rules for word in (rule.id, rule.name)]
    allowed += [*factors, *systems, *vocabulary.activities]
    raise UsageError(f"no rule, factor, system or activity is called {word!r}", hint=did_you_mean(word, allowed))


def explain_rule(rule: Rule) -> str:
    """A rule as a page in Markdown: what, why, how to fix, references, the first bad and the first good example."""
    return "\n".join(_rule(rule)).rstrip() + "\n"


def _rule(rule: Rule) -> Iterator[str]:
    yield f"# {rule.id} {rule.name}"
    yield ""
    yield f"{rule.title}. A {rule.kind} of weight {rule.weight}, severity {rule.severity}, of factor `{rule.factor}`."
    yield f"Asked of: {', '.join(rule.kinds)}."
    for title, text in (("What", rule.what), ("Why", rule.why), ("How to fix", rule.fix)):
        yield from ("", f"## {title}", "", text.strip())
    bad = next((e for e in rule.examples if e.outcome in ("fail", "partial")), None)
    good = next((e for e in rule.examples if e.outcome == "pass"), None)
    for title, example in (("Does not hold here", bad), ("Holds here", good)):
        if example is not None:
            yield from ("", f"## {title}: {example.name}", "")
            yield from _example(rule, example)
    traps = [e for e in rule.examples if e.why]
    if traps:
        yield from ("", "## Not fooled by", "")
        yield from (f"- {e.name} ({e.outcome}): {e.why}" for e in traps)
    if rule.references:
        yield from ("", "## References", "", *(f"- {reference}" for reference in rule.references))


def _example(rule: Rule, example: Example) -> Iterator[str]:
    for path, text in example.files.items():
        suffix = path.rsplit(".", 1)[-1]
        language = {"py": "python", "ipynb": "python", "yml": "yaml", "toml": "toml", "md": "markdown"}.get(
            suffix, suffix
        )
        yield f"`{path}`"
        yield ""
        fence = "````" if "```" in text else "```"
        yield f"{fence}{language}"
        yield text.replace(f"  #! {rule.id}", "  # ← here").rstrip()
        yield fence
        yield ""


def _factor(factor: Factor) -> Iterator[str]:
    yield f"# {factor.number} {factor.title} ({factor.code})"
    yield from ("", factor.summary, "", factor.text.strip(), "", "Rules:")
    for rule in load_rules().rules:
        if rule.id.startswith(factor.code):
            yield f"- {rule.id} {rule.name}: {rule.title}"


def _activity(activity: Activity) -> Iterator[str]:
    yield f"# {activity.id}: {activity.title}"
    yield from ("", activity.summary)
    meant = {system.name: _signs(system).get(activity.id, {}) for system in load().systems.values()}
    lines = [f"- {name}: {', '.join([*signs][:6])}" for name, signs in meant.items() if signs]
    yield from ("", "Systems that mean it:", *lines) if lines else ()


def _system(system: System) -> Iterator[str]:
    yield f"# {system.name}"
    yield from ("", f"{system.summary} ({system.kind}, {system.url})", "")
    yield f"Distributions: {', '.join(system.distributions) or '-'}"
    yield f"Imports: {', '.join(system.imports) or '-'}"
    for activity, signs in _signs(system).items():
        yield f"- {activity}: {', '.join(signs)}"


def _signs(system: System) -> dict[str, dict[str, None]]:
    """Activity -> what tells it, once each: calls, commands, steps of CI, hooks, images, resources, files."""
    found = {"seed": dict.fromkeys(system.random.seeds)} if system.random.seeds else {}
    for words in (
        system.calls, system.commands, system.ci, system.hooks, system.images, system.resources, system.files
    ):  # fmt: skip
        for activity, patterns in words.items():
            found.setdefault(activity, {}).update(dict.fromkeys(patterns))
    return found
