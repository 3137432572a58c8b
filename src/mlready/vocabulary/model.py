"""The words that the three verbs share: factors, roles, activities and systems."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

SystemKind = Literal[
    "tracking",
    "versioning",
    "orchestration",
    "framework",
    "data",
    "validation",
    "features",
    "serving",
    "monitoring",
    "drift",
    "llm",
    "infrastructure",
    "ci",
    "container",
    "config",
    "testing",
    "logging",
    "notebook",
    "quality",
    "cloud",
    "scaling",
    "environment",
]
SYSTEM_KINDS: tuple[str, ...] = get_args(SystemKind)

Trait = Literal[
    "transformer",
    "stateless",
    "selector",
    "sampler",
    "estimator",
    "classifier",
    "regressor",
    "clusterer",
    "outlier-detector",
    "target-encoder",
    "projection",
    "cross-validation",
    "ordered-splitter",
    "group-splitter",
    "baseline",
    "pipeline",
    "search",
    "splitter",
    "optimizer",
    "layer",
    "model",
    "scheduler",
    "trainer",
    "loader",
    "dataframe",
    "dataset",
    "embedding",
    "vector-store",
    "schema",
    "online",
    "unpickles",
    "hub",
    "hosted-model",
    "tuner",
    "callback",
    "client",
    "table-reader",
    "typed-reader",
    "keeps-checkpoints",
    "learns-by-acting",
]
TRAITS: tuple[str, ...] = get_args(Trait)

Words = dict[str, tuple[str, ...]]
"""Activity -> the names, commands, files … that mean it."""


class Factor(Struct, frozen=True):
    """One of the twelve factors of reproducible machine learning in production."""

    number: int
    code: str
    """Three letters, the first part of the ids of its rules: "VER"."""
    slug: str
    title: str
    summary: str
    text: str


class Role(Struct, frozen=True):
    """What a file is for."""

    id: str
    title: str
    summary: str


class Activity(Struct, frozen=True):
    """What a piece of code, a command or a file does."""

    id: str
    title: str
    summary: str


class Random(Struct, frozen=True, rename="kebab"):
    """What draws random numbers and what seeds them; call patterns throughout."""

    stream: str = ""
    """Global stream that is drawn from where no seed is passed: "numpy", "torch" …"""
    seeds: dict[str, str] = {}
    """Call -> the stream that it seeds, "*" for all of them."""
    arguments: dict[str, tuple[str, ...]] = {}
    """Call that draws -> arguments that seed it (keyword or position); empty where only the stream can be seeded."""
    only_if: dict[str, str] = {}
    """Call -> "argument=value|value": it draws only when the argument says so ("solver=sag|saga")."""
    not_if: dict[str, str] = {}
    """Call -> "argument=value|value": it doesn't draw when the argument says so ("shuffle=False")."""
    fresh: tuple[str, ...] = ()
    """Calls that take entropy from the operating system when no seed is passed: no global seed reaches them."""
    trains: bool = False
    """Whether training with the system draws from the stream: weights, shuffling, dropout."""


class System(Struct, frozen=True):
    """A tool of the field, and what its names, commands and files mean."""

    id: str
    name: str
    kind: SystemKind
    url: str
    summary: str
    distributions: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    """Import roots it owns; may be dotted ("google.cloud.aiplatform")."""
    aliases: dict[str, str] = {}
    """Other spellings of its names -> the spelling that the patterns use ("tensorflow.keras" -> "keras")."""
    calls: Words = {}
    returns: dict[str, str] = {}
    commands: Words = {}
    files: Words = {}
    """Activity, or "config", -> git-wildmatch patterns."""
    ci: Words = {}
    """Activity -> CI actions, orbs and tasks without their versions."""
    images: Words = {}
    resources: Words = {}
    """Activity -> kinds of infrastructure: Kubernetes kinds, Terraform types."""
    hooks: Words = {}
    """Activity -> ids of pre-commit hooks."""
    env: tuple[str, ...] = ()
    """Environment variables that configure it."""
    traits: Words = {}
    """Trait -> patterns of the classes and functions that have it."""
    random: Random = Random()


class Meaning(Struct, frozen=True, gc=False):
    """What a name, command or file means: the system it belongs to and the activities that it stands for."""

    system: str
    activities: tuple[str, ...] = ()


class Tables(Struct, frozen=True):
    """Everything that the vocabulary's files say."""

    factors: tuple[Factor, ...]
    roles: tuple[Role, ...]
    activities: tuple[Activity, ...]
    systems: tuple[System, ...]
    distributions: dict[str, tuple[str, ...]]
    """Import, possibly dotted -> the PyPI distributions that provide it."""
