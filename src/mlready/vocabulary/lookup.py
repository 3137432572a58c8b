"""Look-ups in the vocabulary. `meaning`, `returns` and `traits` are asked for every call of every file, so they remember."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from mlready.compiled import compiled
from mlready.errors import SchemaError
from mlready.resources import rules_dir
from mlready.vocabulary.model import Activity, Factor, Meaning, Role, System, Tables
from mlready.vocabulary.operations import Operations
from mlready.vocabulary.patterns import MAX_NAME, Patterns

T = TypeVar("T")

FILES = ("factors.toml", "roles.toml", "activities.toml", "distributions.toml", "systems/*.toml")

STANDARD = "python"
"""The system of built-ins, the standard library and method names; it owns no imports."""

_MEMORY = 100_000
_MISSING = object()


class Condition(Struct, frozen=True, gc=False):
    """`argument` has one of `values`, each written as in Python source without quotes."""

    argument: str
    values: tuple[str, ...]


class Randomness(Struct, frozen=True, gc=False):
    """How a call draws random numbers."""

    arguments: tuple[str, ...]
    """What seeds it when passed and not None: keywords and positions ("seed", "0")."""
    stream: str
    """The global stream it draws from otherwise; "" where no global seed reaches it."""
    only_if: Condition | None = None
    not_if: Condition | None = None


class Vocabulary:
    """Factors, roles, activities and systems, with the look-ups that readers and rules need."""

    def __init__(self, tables: Tables, digest: str) -> None:
        self.factors: tuple[Factor, ...] = tables.factors
        self.roles: dict[str, Role] = {role.id: role for role in tables.roles}
        self.activities: dict[str, Activity] = {activity.id: activity for activity in tables.activities}
        self.systems: dict[str, System] = {system.id: system for system in tables.systems}
        self.digest = digest
        self._given_distributions = tables.distributions
        self._owners = _owned(self.systems.values(), lambda system: system.imports)
        self._aliases = {alias: name for system in self.systems.values() for alias, name in system.aliases.items()}
        self._aliased_roots = {alias.partition(".")[0] for alias in self._aliases}
        self._meanings: dict[str, Meaning | None] = {}
        self._types: dict[str, str] = {}
        self._traits_of: dict[str, frozenset[str]] = {}

    # ----------------------------------------------------------------------------------------------------- names

    def meaning(self, name: str) -> Meaning | None:
        """What a call of `name` means; None for names of no known system. Without activities: only the system is known.

        `name` is resolved ("mlflow.log_metric", "sklearn.svm.SVC.fit"), or ".fit" for a method of an unknown object.
        """
        found = self._meanings.get(name, _MISSING)
        if found is _MISSING:
            found = self._with_randomness(self.canonical(name))
            _remember(self._meanings, name, found)
        return found  # type: ignore[return-value]

    def returns(self, name: str) -> str:
        """The resolved type of what a call of `name` returns; a class returns itself; "" where it isn't known."""
        found = self._types.get(name)
        if found is None:
            found = self._returns(self.canonical(name))
            _remember(self._types, name, found)
        return found

    def canonical(self, name: str) -> str:
        """The spelling that the catalogue uses: "tensorflow.keras.Model" is "keras.Model"."""
        if name.partition(".")[0] not in self._aliased_roots or len(name) > MAX_NAME:
            return name
        for prefix in _prefixes(name):
            target = self._aliases.get(prefix)
            if target is not None:
                rest = name[len(prefix) :]
                return target + rest if target else rest.removeprefix(".")
        return name

    def traits(self, name: str) -> frozenset[str]:
        """What kind of thing a class or function is: "transformer", "stateless", "estimator" …"""
        found = self._traits_of.get(name)
        if found is None:
            found = frozenset(trait for traits in self._traits.every(self.canonical(name)) for trait in traits)
            _remember(self._traits_of, name, found)
        return found

    def randomness(self, name: str) -> Randomness | None:
        """How a call of `name` draws random numbers; None where it draws none, as far as is known."""
        return self._randomness.best(self.canonical(name))

    def seeds(self, name: str) -> str:
        """The global stream that a call of `name` seeds: "numpy", "torch" …, "*" for all; "" for none."""
        return self._seeds.best(self.canonical(name)) or ""

    # --------------------------------------------------------------------------------------------------- modules

    def system_of(self, module: str) -> str:
        """Id of the system that a module, or a name in it, belongs to; "" where none is known."""
        return _longest(self._owners, module) or ""

    def distributions_of(self, module: str) -> tuple[str, ...]:
        """The PyPI distributions that provide an import; empty where the vocabulary doesn't say."""
        return _longest(self._distributions, module) or ()

    def system_of_distribution(self, name: str) -> str:
        """Id of the system that a distribution (in any spelling) belongs to; "" where none is known."""
        return self._distribution_owners.get(normalized(name), "")

    # --------------------------------------------------------------------------------------------------- indexes

    @cached_property
    def operations(self) -> Operations:
        """What commands, files, CI steps, images and infrastructure mean."""
        return Operations(tuple(self.systems.values()))

    @cached_property
    def _calls(self) -> Patterns[Meaning]:
        meanings: dict[str, Meaning] = {}
        for system in self.systems.values():
            for activity, patterns in system.calls.items():
                for pattern in patterns:
                    known = meanings.get(pattern, Meaning(system.id))
                    if known.system != system.id:
                        raise SchemaError(f"{pattern!r} is a call of both {known.system} and {system.id}")
                    if activity not in known.activities:
                        meanings[pattern] = Meaning(system.id, (*known.activities, activity))
        return Patterns(meanings.items())

    @cached_property
    def chains(self) -> dict[str, str]:
        """Chains of attributes that tell a method without its object: "chat.completions.create" is one of openai.OpenAI.

        They are the entries that begin with a dot and have another; the method is the first of the system that ends so.
        """
        found: dict[str, str] = {}
        for system in self.systems.values():
            calls = [pattern for patterns in system.calls.values() for pattern in patterns]
            methods = [pattern for pattern in calls if any(part[:1].isupper() for part in pattern.split("."))]
            for tail in (pattern for pattern in calls if pattern.startswith(".") and "." in pattern[1:]):
                known = (method for method in methods if method.endswith(tail))
                found[tail[1:]] = next(known, "") or found.get(tail[1:], "")
        return {tail: method for tail, method in found.items() if method}

    @cached_property
    def _results(self) -> Patterns[str]:
        return Patterns(item for system in self.systems.values() for item in system.returns.items())

    @cached_property
    def _traits(self) -> Patterns[tuple[str, ...]]:
        traits: dict[str, tuple[str, ...]] = {}
        for system in self.systems.values():
            for trait, patterns in system.traits.items():
                for pattern in patterns:
                    traits[pattern] = (*traits.get(pattern, ()), trait)
        return Patterns(traits.items())

    @cached_property
    def _randomness(self) -> Patterns[Randomness]:
        return Patterns(entry for system in self.systems.values() for entry in _draws(system))

    @cached_property
    def _seeds(self) -> Patterns[str]:
        return Patterns(item for system in self.systems.values() for item in system.random.seeds.items())

    @cached_property
    def _distributions(self) -> dict[str, tuple[str, ...]]:
        own = {
            module: _providers(module, system.distributions)
            for system in self.systems.values()
            for module in system.imports
            if system.distributions
        }
        return own | self._given_distributions

    @cached_property
    def _distribution_owners(self) -> dict[str, str]:
        return {normalized(name): system.id for system in self.systems.values() for name in system.distributions}

    # ------------------------------------------------------------------------------------------------- resolution

    def _with_randomness(self, name: str) -> Meaning | None:
        """The meaning, with "random" and "seed" added: what draws and what seeds is said once, under [system.random]."""
        found = self._meaning(name)
        extra = ("random",) * bool(self._randomness.best(name)) + ("seed",) * bool(self._seeds.best(name))
        if not extra:
            return found
        found = found or Meaning(STANDARD)  # of those that draw, only the standard library owns no imports
        return Meaning(found.system, tuple(dict.fromkeys(found.activities + extra)))

    def _meaning(self, name: str) -> Meaning | None:
        found = self._calls.best(name)
        if found is not None:
            return found
        owner, last = self.system_of(name), name.rpartition(".")[2]
        generic = self._calls.best(f".{last}") if _is_method(name) else None
        if generic is not None:
            return Meaning(owner, generic.activities) if owner else generic
        return Meaning(owner) if owner else None

    def _returns(self, name: str) -> str:
        found = self._results.best(name)
        holder, _, last = name.rpartition(".")
        if found is None and _is_method(name):
            found = self._results.best(f".{last}")
        if found is not None:
            return holder if found == "self" else found
        return name if last.lstrip("_")[:1].isupper() else ""


def _is_method(name: str) -> bool:
    """Whether the name is a method: of an unknown object (".fit") or of a class ("mine.models.Net.fit")."""
    if name.startswith("."):
        return True
    holder = name.rpartition(".")[0].rpartition(".")[2]
    return holder.lstrip("_")[:1].isupper()


@lru_cache(maxsize=2000)
def normalized(distribution: str) -> str:
    """The name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _providers(module: str, distributions: tuple[str, ...]) -> tuple[str, ...]:
    """Of a system's distributions the one that is called like the import, else all of them."""
    same = tuple(name for name in distributions if normalized(name) == normalized(module))
    return same or distributions


def _owned(systems: Iterable[System], names: Callable[[System], Iterable[str]]) -> dict[str, str]:
    owners: dict[str, str] = {}
    for system in systems:
        for name in names(system):
            other = owners.setdefault(name, system.id)
            if other != system.id:
                raise SchemaError(f"{name!r} belongs to both {other} and {system.id}")
    return owners


def _prefixes(name: str) -> Iterator[str]:
    """The name and its dotted prefixes, longest first."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _longest(table: dict[str, T], name: str) -> T | None:
    """What the longest dotted prefix of the name stands for."""
    if len(name) > MAX_NAME:
        return None
    return next((table[prefix] for prefix in _prefixes(name) if prefix in table), None)


def _remember(memory: dict[str, T], name: str, value: T) -> None:
    """Bounded: a hostile project can hold any number of names."""
    if len(memory) >= _MEMORY:
        memory.clear()
    memory[name] = value


def _draws(system: System) -> Iterator[tuple[str, Randomness]]:
    random = system.random
    for pattern, arguments in random.arguments.items():
        stream = "" if pattern in random.fresh else random.stream
        only_if, not_if = (_condition(table.get(pattern)) for table in (random.only_if, random.not_if))
        yield pattern, Randomness(arguments, stream, only_if, not_if)


def _condition(text: str | None) -> Condition | None:
    if text is None:
        return None
    argument, _, values = text.partition("=")
    return Condition(argument, tuple(values.split("|")))


@cache
def load() -> Vocabulary:
    """The vocabulary that travels with mlready; read once."""
    return read(rules_dir())


def read(folder: Path) -> Vocabulary:
    """The vocabulary of a rules folder. SchemaError where one of its files breaks the schema."""
    from mlready.vocabulary.schema import build

    tables = compiled(folder, build, Tables, include=FILES)
    return Vocabulary(tables.value, tables.digest)
