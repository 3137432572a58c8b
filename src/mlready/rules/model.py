"""A rule as data: identity, when it is asked, how it is met, its prose and its examples."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["practice", "hazard"]
Severity = Literal["blocker", "error", "warning"]
Outcome = Literal["pass", "partial", "fail", "unknown", "not-applicable"]
Reached = Literal["", "any", "training", "serving"]
Need = Literal[
    "python", "notebooks", "package", "reads-data", "reads-tables", "trains", "serves", "saves-models", "loads-models",
    "calls-llm", "tunes", "preprocesses", "splits", "evaluates", "ci", "containers", "tests", "supervised",
]  # fmt: skip
"""Facts about a project that must hold before a rule can be judged at all."""


class SettingPattern(Struct, frozen=True):
    """A key of a configuration file: `file` is a glob, `key` a prefix of the dotted key, `value` a regex on it."""

    file: str
    key: str
    value: str = ""


class Evidence(Struct, frozen=True):
    """One way in which a practice is met. Exactly one of the selectors from `activity` to `command` is given."""

    says: str
    """The words of the report; `{what}` is replaced by what was found."""
    credit: float = 1.0
    activity: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    """Alone: the system is imported. Beside `activity`: the call must belong to it."""
    file: tuple[str, ...] = ()
    setting: tuple[SettingPattern, ...] = ()
    dependency: tuple[str, ...] = ()
    hook: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    """Regular expressions, searched in the words of shell commands."""
    reached: Reached = ""
    notebooks: bool | None = None
    origin: tuple[str, ...] = ()
    """For commands: who runs them (ci, container, pipeline, task, hook, infra, document)."""
    trigger: tuple[str, ...] = ()
    """For commands of CI: what starts them."""


class Example(Struct, frozen=True):
    """A tiny project and the outcome that it must get; test and documentation at once."""

    name: str
    outcome: Outcome
    files: dict[str, str]
    """Path -> text. A text for an .ipynb file is written in percent form. `#! ID` at a line's end marks evidence."""
    kind: str = ""
    """Kind of project; default: the first kind of the rule. "auto": as the audit tells it."""
    git: bool = True
    untracked: tuple[str, ...] = ()
    credit: float | None = None
    """The exact credit, where the outcome alone says too little."""
    why: str = ""
    """What makes it a trap."""
    sizes: dict[str, int] = {}
    """Path -> size in bytes, where the size matters and the content doesn't."""
    says: str = ""
    """A part of a message that must be shown."""


class Rule(Struct, frozen=True):
    """One thing that a production-ready project has (practice) or has not (hazard)."""

    id: str
    name: str
    factor: str
    kind: Kind
    weight: int
    severity: Severity
    kinds: tuple[str, ...]
    title: str
    """What holds when the rule is met, in a few words: "Training runs are tracked"."""
    what: str
    why: str
    fix: str
    """What to do, in a line or two; the first line is shown in reports."""
    examples: tuple[Example, ...]
    references: tuple[str, ...] = ()
    check: str = ""
    """Name of a Python check, "module.function" inside mlready.rules.checks; or else `evidence` is given."""
    evidence: tuple[Evidence, ...] = ()
    missing: str = ""
    """With `evidence`: what to say when nothing was found."""
    needs: tuple[Need, ...] = ()
    refines: str = ""
    """A rule that must be met first: until then this practice has credit 0, this hazard no sites."""
    single_file: bool = False
    """Whether it can be judged on one .py or .ipynb file."""


class Profile(Struct, frozen=True):
    """How much is asked: weights by rule id or prefix ("DRF"), and kinds of rules that are not asked."""

    name: str
    title: str
    summary: str
    weights: dict[str, int] = {}


class RuleBook(Struct, frozen=True):
    """All rules in the order of their ids, and all profiles."""

    rules: tuple[Rule, ...]
    profiles: tuple[Profile, ...]
