"""Names mean activities: exactly, by wildcard, as a method of something unknown, or not at all."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlready.vocabulary import Condition, Meaning, load
from mlready.vocabulary.patterns import Patterns, expand, is_pattern

from .conftest import Make

CALLS = """
imports = ["toy"]
[system.aliases]
"old_toy" = "toy"
[system.calls]
train = ["toy.*.fit", "toy.train"]
preprocess = ["toy.prep.*.fit", "toy.{a,b}.clean"]
fit = [".fit"]
[system.returns]
"toy.*.fit" = "self"
"toy.load" = "toy.Table"
"""


@pytest.mark.parametrize(
    ("name", "activities"),
    [
        ("toy.train", ("train",)),
        ("toy.trees.Forest.fit", ("train",)),
        ("toy.Forest.fit", ("train",)),
        ("toy.prep.Scaler.fit", ("preprocess",)),
        ("toy.prep.deep.er.Scaler.fit", ("preprocess",)),
        ("toy.a.clean", ("preprocess",)),
        ("old_toy.trees.Forest.fit", ("train",)),
        ("toy.fit", ()),
        ("toy.unheard.of", ()),
        (".fit", ("fit",)),
        (".anything.fit", ("fit",)),
        ("mine.models.Net.fit", ("fit",)),
    ],
)
def test_the_most_specific_pattern_says_what_a_name_means(
    vocabulary_of: Make, name: str, activities: tuple[str, ...]
) -> None:
    assert vocabulary_of(CALLS).meaning(name) == Meaning("toy", activities)


@pytest.mark.parametrize(
    "name", ["mine.fit", "toyish.train", "", ".", "...", "*", "mine.*.fit", ".unknown", "x" * 10_000]
)
def test_a_name_of_nobody_means_nothing(vocabulary_of: Make, name: str) -> None:
    assert vocabulary_of(CALLS).meaning(name) is None


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("toy.load", "toy.Table"),
        ("toy.trees.Forest", "toy.trees.Forest"),
        ("toy.trees.Forest.fit", "toy.trees.Forest"),
        ("mine.models.Net", "mine.models.Net"),
        ("mine.models.make", ""),
        ("old_toy.Table", "toy.Table"),
        (".fit", ""),
    ],
)
def test_what_a_call_returns(vocabulary_of: Make, name: str, type_: str) -> None:
    assert vocabulary_of(CALLS).returns(name) == type_


def test_what_draws_random_numbers_and_what_seeds_them(vocabulary_of: Make) -> None:
    vocabulary = vocabulary_of("""
imports = ["toy"]
[system.random]
stream = "numpy"
fresh = ["toy.rng"]
seeds = { "toy.seed" = "numpy" }
arguments = { "toy.Forest" = "random_state", "toy.rng" = ["seed", "0"], "toy.split" = "random_state" }
only-if = { "toy.Forest" = "solver=sag|saga" }
not-if = { "toy.split" = "shuffle=False" }
""")
    forest, rng, split = (vocabulary.randomness(f"toy.{name}") for name in ("Forest", "rng", "split"))
    assert forest is not None
    assert rng is not None
    assert split is not None
    assert (forest.arguments, forest.stream) == (("random_state",), "numpy")
    assert forest.only_if == Condition("solver", ("sag", "saga"))
    assert (rng.arguments, rng.stream) == (("seed", "0"), "")
    assert split.not_if == Condition("shuffle", ("False",))
    assert vocabulary.randomness("toy.other") is None
    assert vocabulary.seeds("toy.seed") == "numpy"
    assert vocabulary.meaning("toy.seed") == Meaning("toy", ("seed",))
    assert vocabulary.meaning("toy.rng") == Meaning("toy", ("random",))


def test_the_longest_prefix_owns_a_module(vocabulary_of: Make) -> None:
    vocabulary = vocabulary_of(
        'imports = ["cloud.toy"]\ndistributions = ["cloud-toy-sdk"]',
        files={"distributions.toml": '[distributions]\n"cloud.other" = "cloud-other"\nPIL = ["pillow"]'},
    )
    assert vocabulary.system_of("cloud.toy.deep.Thing") == "toy"
    assert vocabulary.system_of("cloud") == ""
    assert vocabulary.distributions_of("cloud.toy.deep") == ("cloud-toy-sdk",)
    assert vocabulary.distributions_of("cloud.other.x") == ("cloud-other",)
    assert vocabulary.distributions_of("PIL.Image") == ("pillow",)
    assert vocabulary.distributions_of("pillow") == ()
    assert vocabulary.system_of_distribution("Cloud_Toy.SDK") == "toy"


def test_braces_stand_for_several_names() -> None:
    assert expand("a.{b,c}.{d,e}") == ["a.b.d", "a.b.e", "a.c.d", "a.c.e"]
    assert not is_pattern("a.{b")


SEGMENTS = st.sampled_from(["a", "b", "c"])
NAMES = st.lists(SEGMENTS, min_size=1, max_size=6).map(".".join)
PATTERNS = st.lists(st.sampled_from(["a", "b", "c", "*"]), min_size=1, max_size=4).map(".".join).filter(is_pattern)


def _matches(pattern: list[str], name: list[str]) -> bool:
    if not pattern or not name:
        return not pattern and not name
    if pattern[0] == "*":
        return _matches(pattern[1:], name[1:]) or _matches(pattern, name[1:])
    return pattern[0] == name[0] and _matches(pattern[1:], name[1:])


@given(patterns=st.lists(PATTERNS, unique=True), name=NAMES)
def test_the_index_finds_what_trying_each_pattern_finds(patterns: list[str], name: str) -> None:
    expected = {pattern for pattern in patterns if _matches(pattern.split("."), name.split("."))}
    index = Patterns((pattern, pattern) for pattern in patterns)
    assert set(index.every(name)) == expected
    assert (index.best(name) in expected) if expected else (index.best(name) is None)


@given(name=st.text(max_size=400) | st.lists(st.sampled_from(["sklearn", "*", "", "fit", "A"])).map(".".join))
def test_any_text_can_be_looked_up(name: str) -> None:
    vocabulary = load()
    meaning = vocabulary.meaning(name)
    assert meaning is None or set(meaning.activities) <= set(vocabulary.activities)
    assert isinstance(vocabulary.returns(name), str)
    vocabulary.traits(name)
    vocabulary.randomness(name)


def test_a_lookup_does_not_go_through_all_patterns() -> None:
    """Counted in Python calls, not in seconds: thousands of patterns, a few steps."""
    vocabulary = load()
    vocabulary.meaning("sklearn.svm.SVC.fit")
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        vocabulary.meaning("sklearn.unheard.of.Thing.fit")
    finally:
        sys.setprofile(None)
    assert steps < 400


@pytest.mark.parametrize(
    ("name", "system", "activity"),
    [
        ("pandas.read_csv", "pandas", "read-data"),
        ("sklearn.preprocessing.StandardScaler.fit", "sklearn", "preprocess"),
        ("sklearn.ensemble.RandomForestClassifier.fit", "sklearn", "train"),
        ("sklearn.datasets.load_iris", "sklearn", "read-bundled-data"),
        ("tensorflow.keras.Sequential.fit", "keras", "train"),
        ("pytorch_lightning.Trainer.fit", "lightning", "train"),
        (".backward", "pytorch", "train"),
        ("xgboost.train", "xgboost", "train"),
        ("mlflow.log_metric", "mlflow", "track-metrics"),
        ("mlflow.tracking.MlflowClient.log_param", "mlflow", "track-params"),
        ("wandb.init", "wandb", "track"),
        ("fastapi.FastAPI.post", "fastapi", "endpoint"),
        ("openai.AsyncOpenAI.chat.completions.create", "openai", "call-llm"),
        ("evidently.Report", "evidently", "detect-drift"),
        ("airflow.models.DAG", "airflow", "orchestrate"),
        ("random.shuffle", "python", "random"),
        ("builtins.open", "python", "open-file"),
        ("pickle.load", "python", "unpickle"),
        ("logging.Logger.info", "logging", "log"),
        ("torch.manual_seed", "pytorch", "seed"),
    ],
)
def test_names_of_the_field(name: str, system: str, activity: str) -> None:
    meaning = load().meaning(name)
    assert meaning is not None
    assert meaning.system == system
    assert activity in meaning.activities


def test_label_encoding_and_hashing_are_told_from_transformers_that_learn() -> None:
    traits = load().traits
    assert "transformer" in traits("sklearn.preprocessing.StandardScaler")
    assert "stateless" not in traits("sklearn.preprocessing.StandardScaler")
    assert "stateless" in traits("sklearn.feature_extraction.text.HashingVectorizer")
    assert "target-encoder" in traits("sklearn.preprocessing.LabelEncoder")
