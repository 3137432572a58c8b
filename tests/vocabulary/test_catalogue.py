"""The catalogue itself is well-formed, and holds what the field uses."""

from __future__ import annotations

import pytest

from mlready.catalogue import explain_word
from mlready.resources import rules_dir
from mlready.vocabulary import System, load
from mlready.vocabulary.model import SYSTEM_KINDS

CODES = ("VER", "FEA", "DES", "REP", "TST", "DRF", "TRK", "EXP", "SKW", "CMP", "MON", "DEP")
NAMED = [
    "jupyter",
    "conda",
    "cookiecutter",
    "kubeflow",
    "dvc",
    "mlflow",
    "wandb",
    "sagemaker",
    "ray",
    "ray-serve",
    "pytorch",
    "tensorflow",
    "xgboost",
    "sklearn",
    "feast",
    "tecton",
    "databricks",
    "seldon",
    "kserve",
    "evidently",
    "arize",
    "arthur",
    "fiddler",
    "valohai",
    "whylogs",
    "zenml",
    "airflow",
    "cron",
    "github-actions",
    "azure-pipelines",
    "azure-ml",
    "serverless",
    "terraform",
    "docker",
    "virtualenv",
    "pip",
    "unittest",
    "pytest",
    "flake8",
    "black",
]


def test_the_twelve_factors_are_in_order() -> None:
    factors = load().factors
    assert tuple(factor.code for factor in factors) == CODES
    assert [factor.number for factor in factors] == list(range(1, 13))
    assert len({factor.slug for factor in factors}) == 12


@pytest.mark.parametrize("id_", NAMED)
def test_the_tools_that_the_field_names_are_known_by_use(id_: str) -> None:
    system = load().systems[id_]
    assert any((system.calls, system.commands, system.files, system.ci, system.images, system.resources))


@pytest.mark.parametrize("system", load().systems.values(), ids=lambda system: system.id)
def test_each_system_is_well_formed(system: System) -> None:
    assert system.kind in SYSTEM_KINDS
    assert system.url.startswith("https://")
    assert system.summary.endswith(".")
    assert system.id == system.id.lower()
    if system.id != "python" and system.imports:
        roots = {name.partition(".")[0] for name in (*system.imports, *system.aliases)}
        assert roots, "calls can only be told by imports"


def test_every_kind_has_a_system() -> None:
    assert {system.kind for system in load().systems.values()} == set(SYSTEM_KINDS)


def test_every_index_can_be_built() -> None:
    """Building one checks that no call belongs to two systems."""
    vocabulary = load()
    vocabulary.meaning("x.y")
    vocabulary.operations.command("x")
    vocabulary.operations.file("x")
    assert len(vocabulary.systems) >= 150


def test_aliases_lead_to_a_spelling_that_is_no_alias() -> None:
    vocabulary = load()
    for system in vocabulary.systems.values():
        for alias in system.aliases:
            once = vocabulary.canonical(f"{alias}.Thing")
            assert vocabulary.canonical(once) == once, alias


def test_no_file_of_systems_is_left_out() -> None:
    assert len(list((rules_dir() / "systems").glob("*.toml"))) >= 10


def test_each_activity_and_factor_is_explained_by_what_tells_it() -> None:
    vocabulary = load()
    for activity in vocabulary.activities:
        assert not explain_word(activity).endswith("mean it:\n")
    assert "- Ruff: ruff check, ruff, " in explain_word("lint")
    assert "- NumPy: numpy.random.seed, " in explain_word("seed")
    assert explain_word("Make training reproducible") == explain_word("REP")


def test_a_word_that_is_an_activity_and_a_system_is_explained_as_both() -> None:
    said = explain_word("evaluate")
    assert "# evaluate: Evaluate" in said
    assert "# Evaluate\n" in said
