"""Rules: data under rules/, checks that data cannot say, the engine that judges a project by them, and the score."""

from __future__ import annotations

from functools import cache

from mlready.rules.model import RuleBook


@cache
def load_rules() -> RuleBook:
    """All rules and profiles that travel with mlready."""
    from mlready.compiled import compiled
    from mlready.resources import rules_dir
    from mlready.rules.schema import build_rulebook

    return compiled(rules_dir(), build_rulebook, RuleBook, include=("profiles.toml", "*/*.toml")).value
