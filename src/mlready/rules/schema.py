"""TOML -> rules. The schema is closed: whatever it does not know is an error that names file, key and the allowed words."""

from __future__ import annotations

import re
import tomllib
from typing import Any, get_args

import msgspec

from mlready.compiled import Sources
from mlready.errors import SchemaError, unknown_key
from mlready.project.kinds import GROUPS, KINDS
from mlready.rules.model import Example, Need, Profile, Rule, RuleBook

_PATH = re.compile(r"^[a-z-]+/([A-Z]{3}\d{3})(?:-[a-z0-9-]+)?\.toml$")
_EARNED_NEEDS = frozenset(
    {"package", "serves", "saves-models", "loads-models", "evaluates", "ci", "containers", "tests"}
)
_SELECTORS = ("activity", "system", "file", "setting", "dependency", "hook", "command")


def build_rulebook(sources: Sources) -> RuleBook:
    """All rules and profiles of the rules folder; the first mistake is a SchemaError."""
    rules = [read_rule(path, data) for path, data in sources.items() if _is_rule(path)]
    profiles = _read_profiles(sources["profiles.toml"])
    seen: dict[str, str] = {}
    for rule in rules:
        for word in (rule.id, rule.name):
            if word in seen:
                raise SchemaError(f"rules: {word!r} names two rules, {seen[word]} and {rule.id}")
            seen[word] = rule.id
    for rule in rules:
        if rule.refines and rule.refines not in seen:
            raise unknown_key(where=f"rule {rule.id}: refines", key=rule.refines, allowed=[r.id for r in rules])
    return RuleBook(rules=tuple(sorted(rules, key=lambda rule: rule.id)), profiles=profiles)


def _is_rule(path: str) -> bool:
    return "/" in path and not path.startswith("systems/")


def read_rule(path: str, data: bytes) -> Rule:
    """One rule file, checked as a whole."""
    where = f"rules/{path}"
    table = _load(where, data)
    _known_keys(where, table, Rule, renamed={"example": "examples"})
    for i, example in enumerate(table.get("example", ())):
        _known_keys(f"{where}: example[{i}]", example, Example)
    raw = {**table, "examples": table.get("example", [])}
    raw.pop("example", None)
    raw["kinds"] = _kinds(where, raw.get("kinds", []))
    try:
        rule = msgspec.convert(raw, Rule)
    except msgspec.ValidationError as error:
        raise SchemaError(f"{where}: {error}", hint=_hint(str(error))) from error
    _check(where, path, rule)
    return rule


def _load(where: str, data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{where}: {error}") from error


def _known_keys(where: str, table: dict[str, Any], struct: type, *, renamed: dict[str, str] | None = None) -> None:
    allowed = {field.name for field in msgspec.structs.fields(struct)}
    for new, old in (renamed or {}).items():
        allowed = (allowed - {old}) | {new}
    for key, value in table.items():
        if key not in allowed:
            raise unknown_key(where=where, key=key, allowed=allowed)
        if key == "evidence" and struct is Rule:
            from mlready.rules.model import Evidence, SettingPattern

            for i, entry in enumerate(value):
                _known_keys(f"{where}: evidence[{i}]", entry, Evidence)
                for setting in entry.get("setting", ()):
                    _known_keys(f"{where}: evidence[{i}].setting", setting, SettingPattern)


def _kinds(where: str, words: list[str]) -> list[str]:
    """Kinds with their groups spelled out."""
    found: list[str] = []
    for word in words:
        if word.startswith("@"):
            if word[1:] not in GROUPS:
                raise unknown_key(where=f"{where}: kinds", key=word, allowed=[f"@{g}" for g in GROUPS])
            found.extend(GROUPS[word[1:]])
        elif word in KINDS:
            found.append(word)
        else:
            raise unknown_key(where=f"{where}: kinds", key=word, allowed=[*KINDS, *(f"@{g}" for g in GROUPS)])
    return list(dict.fromkeys(found))


def _hint(error: str) -> str:
    return f"needs is one of: {', '.join(get_args(Need))}" if "needs" in error else ""


def _check(where: str, path: str, rule: Rule) -> None:
    """What the types alone cannot say."""
    matched = _PATH.match(path)
    if not matched or matched.group(1) != rule.id:
        raise SchemaError(f"{where}: the file must be named {rule.factor}/{rule.id}-{rule.name}.toml")
    if not rule.kinds:
        raise SchemaError(f"{where}: kinds is empty: of which kinds of project is it asked?")
    if bool(rule.check) == bool(rule.evidence):
        raise SchemaError(f"{where}: give either check or [[evidence]]")
    if rule.kind == "hazard" and rule.evidence:
        raise SchemaError(f"{where}: a hazard needs a check")
    earned = sorted(set(rule.needs) & _EARNED_NEEDS)
    if rule.kind == "practice" and earned:
        raise SchemaError(
            f"{where}: a practice cannot need {', '.join(earned)}: meeting another practice would then lower the score"
        )
    if rule.evidence and not rule.missing:
        raise SchemaError(f"{where}: [[evidence]] needs `missing`, the words for when there is none")
    if not 1 <= rule.weight <= 3:
        raise SchemaError(f"{where}: weight is 1, 2 or 3")
    for i, entry in enumerate(rule.evidence):
        chosen = [word for word in _SELECTORS if getattr(entry, word)]
        if len(chosen) != 1 and chosen != ["activity", "system"]:
            raise SchemaError(f"{where}: evidence[{i}] needs exactly one of {', '.join(_SELECTORS)}")
    outcomes = {example.outcome for example in rule.examples}
    if "pass" not in outcomes:
        raise SchemaError(f"{where}: no good example (outcome pass)")
    if not outcomes & {"fail", "partial"}:
        raise SchemaError(f"{where}: no bad example (outcome fail or partial)")


def _read_profiles(data: bytes) -> tuple[Profile, ...]:
    where = "rules/profiles.toml"
    table = _load(where, data)
    profiles = []
    for i, entry in enumerate(table.get("profile", ())):
        _known_keys(f"{where}: profile[{i}]", entry, Profile)
        try:
            profiles.append(msgspec.convert(entry, Profile))
        except msgspec.ValidationError as error:
            raise SchemaError(f"{where}: profile[{i}]: {error}") from error
    return tuple(profiles)
