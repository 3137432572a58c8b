"""Write the reference pages of the documentation from rules/, and the report in README.md: `python scripts/pages.py`.

`--check` writes nothing, names what is stale and exits 1. The test suite runs that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from mlready.catalogue import explain_rule
from mlready.cli import COMMANDS
from mlready.rules import load_rules
from mlready.rules.model import Rule
from mlready.vocabulary import load
from mlready.vocabulary.model import SYSTEM_KINDS, Factor, System

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
GENERATED = ("rules", "factors", "systems")
"""Folders below docs/reference that hold generated pages only."""

_EXCERPT = re.compile(r"(<!-- report: begin -->\n).*?(<!-- report: end -->)", re.DOTALL)
_EXCERPT_ACTIONS = 3


def main(arguments: list[str]) -> int:
    """Write all pages, or with --check name those that differ."""
    pages = all_pages()
    stale = sorted(path for path, text in pages.items() if not path.exists() or path.read_text() != text)
    surplus = sorted(p for name in GENERATED for p in (REFERENCE / name).glob("*.md") if p not in pages)
    if "--check" in arguments:
        for path in (*stale, *surplus):
            sys.stdout.write(f"stale: {path.relative_to(ROOT)}; run: python scripts/pages.py\n")
        return 1 if stale or surplus else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages[path])
    for path in surplus:
        path.unlink()
    sys.stdout.write(f"{len(stale)} pages written, {len(surplus)} removed, {len(pages)} in all\n")
    return 0


def all_pages() -> dict[Path, str]:
    """Path -> text of every generated page."""
    rules, words = load_rules().rules, load()
    pages = {REFERENCE / "rules" / f"{rule.id}.md": _rule_page(rule) for rule in rules}
    pages[REFERENCE / "rules" / "index.md"] = _text(_rule_index(rules))
    for factor in words.factors:
        pages[REFERENCE / "factors" / f"{factor.slug}.md"] = _text(_factor_page(factor, rules))
    pages[REFERENCE / "factors" / "index.md"] = _text(_factor_index(rules))
    for kind in SYSTEM_KINDS:
        systems = [system for system in words.systems.values() if system.kind == kind]
        if systems:
            pages[REFERENCE / "systems" / f"{kind}.md"] = _text(_system_page(kind, systems))
    pages[REFERENCE / "systems" / "index.md"] = _text(_system_index())
    pages[REFERENCE / "activities.md"] = _text(_activity_page())
    pages[REFERENCE / "roles.md"] = _text(_role_page())
    pages[REFERENCE / "profiles.md"] = _text(_profile_page())
    pages[REFERENCE / "command-line.md"] = _text(_command_page())
    readme = ROOT / "README.md"
    pages[readme] = _EXCERPT.sub(lambda m: f"{m[1]}{_excerpt()}{m[2]}", readme.read_text())
    return pages


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


# ----------------------------------------------------------------------------------------------------- rules, factors


def _rule_page(rule: Rule) -> str:
    text = explain_rule(rule)
    return text.replace(f"of factor `{rule.factor}`", f"of factor [{rule.factor}](../factors/{rule.factor}.md)")


def _rule_index(rules: tuple[Rule, ...]) -> Iterator[str]:
    yield from ("# Rules", "")
    yield f"{len(rules)} rules. A **practice** earns points, a **hazard** only takes them away. `mlready explain ID` shows"
    yield "the same pages in the terminal."
    for factor in load().factors:
        yield from ("", f"## {factor.number}. [{factor.title}](../factors/{factor.slug}.md)", "")
        yield from _rule_table([r for r in rules if r.factor == factor.slug], folder="")


def _rule_table(rules: list[Rule], *, folder: str) -> Iterator[str]:
    yield "| id | name | what holds | kind | weight | severity |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for r in rules:
        yield f"| [{r.id}]({folder}{r.id}.md) | {r.name} | {_cell(r.title)} | {r.kind} | {r.weight} | {r.severity} |"


def _factor_index(rules: tuple[Rule, ...]) -> Iterator[str]:
    yield from ("# The twelve factors", "")
    yield from ("| | factor | | rules |", "| --- | --- | --- | --- |")
    for f in load().factors:
        mine = sum(rule.factor == f.slug for rule in rules)
        yield f"| {f.number} | [{f.title}]({f.slug}.md) | {_cell(f.summary)} | {mine} |"


def _factor_page(factor: Factor, rules: tuple[Rule, ...]) -> Iterator[str]:
    yield from (f"# {factor.number}. {factor.title}", "", factor.summary, "", factor.text.strip(), "")
    yield from (f"Code of its rules: `{factor.code}`. On the command line: `--select {factor.slug}`.", "")
    yield from _rule_table([r for r in rules if r.factor == factor.slug], folder="../rules/")


# ------------------------------------------------------------------------------------------ systems, activities, roles


def _system_index() -> Iterator[str]:
    systems = sorted(load().systems.values(), key=lambda s: s.kind)
    yield from ("# Systems", "")
    yield f"The {len(systems)} tools of the field that the audit knows. A new one is one entry in `rules/systems/`."
    yield from ("", "| kind | systems |", "| --- | --- |")
    for kind, group in groupby(systems, key=lambda s: s.kind):
        names = ", ".join(sorted((system.name for system in group), key=str.lower))
        yield f"| [{kind}]({kind}.md) | {_cell(names)} |"


def _system_page(kind: str, systems: list[System]) -> Iterator[str]:
    yield f"# Systems: {kind}"
    for system in sorted(systems, key=lambda s: s.name.lower()):
        yield from ("", f"## {system.name}", "", f"{system.summary} [{system.url}]({system.url})", "")
        yield from _words("PyPI", system.distributions)
        yield from _words("imports", system.imports)
        for activity, calls in sorted(system.calls.items()):
            yield from _words(f"[{activity}](../activities.md#{activity})", calls)
        for title, table in (("commands", system.commands), ("files", system.files), ("CI", system.ci)):
            for activity, words in sorted(table.items()):
                yield from _words(f"{activity}, by {title}", words)


def _words(title: str, words: tuple[str, ...]) -> Iterator[str]:
    if words:
        yield f"- {title}: {', '.join(f'`` {word} ``' if '`' in word else f'`{word}`' for word in words)}"


def _activity_page() -> Iterator[str]:
    words = load()
    yield from ("# Activities", "", "What a piece of code, a command or a file does, told from the names it uses.")
    for activity in words.activities.values():
        yield from ("", f"## {activity.id}", "", f"**{activity.title}.** {activity.summary}")
        names = [
            f"[{s.name}](systems/{s.kind}.md)"
            for s in sorted(words.systems.values(), key=lambda s: s.name.lower())
            if activity.id in {*s.calls, *s.commands, *s.files, *s.ci, *s.images, *s.resources, *s.hooks}
        ]
        if names:
            yield from ("", f"Told from: {', '.join(names)}.")


def _role_page() -> Iterator[str]:
    yield from ("# Roles", "", "What a file is for, decided from its path and content.", "")
    yield from ("| role | | |", "| --- | --- | --- |")
    yield from (f"| {r.id} | {_cell(r.title)} | {_cell(r.summary)} |" for r in load().roles.values())
    yield from ("", 'Wrong? State it: `[tool.mlready.roles]` `"tools/*.py" = "source"`.')


def _profile_page() -> Iterator[str]:
    yield from ("# Profiles", "", "How much is asked of a project: `--profile`, or `profile` in the configuration.")
    for profile in load_rules().profiles:
        yield from ("", f"## {profile.name}", "", profile.summary)
        changed = [f"{word} {weight or 'not asked'}" for word, weight in sorted(profile.weights.items())]
        if changed:
            yield from ("", f"Weights that differ from the rules' own: {', '.join(changed)}.")


# ------------------------------------------------------------------------------------------------ what commands print


def _command_page() -> Iterator[str]:
    yield from ("# Command line", "", "Results go to stdout, everything else to stderr. See also the exit codes below.")
    yield from ("", "```", _run("--help").rstrip(), "```")
    for command in COMMANDS:
        yield from ("", f"## mlready {command}", "", "```", _run(command, "--help").rstrip(), "```")


def _excerpt() -> str:
    """The report on the example, down to the first things to do."""
    lines = _run("audit", "examples/churn", "--no-cache").splitlines()
    starts = [i for i, line in enumerate(lines) if re.match(r"\s+(\+\d|blocker)", line)]
    end = starts[_EXCERPT_ACTIONS] if len(starts) > _EXCERPT_ACTIONS else len(lines)
    shown = "\n".join(line.rstrip() for line in lines[:end])
    return f"```text\n$ mlready audit examples/churn\n{shown}\n  …\n```\n"


def _run(*arguments: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "mlready", *arguments],
        cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise SystemExit(f"mlready {' '.join(arguments)} exited {done.returncode}:\n{done.stderr}")
    return done.stdout


def _cell(text: str) -> str:
    """Text for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
