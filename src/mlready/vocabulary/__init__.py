"""The vocabulary that `new`, `audit` and `convert` share. It is data: the TOML files under rules/."""

from __future__ import annotations

from mlready.vocabulary.lookup import Condition, Randomness, Vocabulary, load
from mlready.vocabulary.model import Activity, Factor, Meaning, Role, System

__all__ = ["Activity", "Condition", "Factor", "Meaning", "Randomness", "Role", "System", "Vocabulary", "load"]
