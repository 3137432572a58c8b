"""The schema is closed: what it doesn't know is an error that names the place and the word that was meant."""

from __future__ import annotations

import pytest

from mlready.errors import SchemaError

from .conftest import SYSTEM, Make


@pytest.mark.parametrize(
    ("body", "place", "hint"),
    [
        ('import = ["toy"]', "systems/toy.toml: system[toy]: unknown key 'import'", "did you mean 'imports'?"),
        ('[system.calls]\ntrian = ["toy.fit"]', "system[toy].calls: unknown key 'trian'", "did you mean 'train'?"),
        ('[system.traits]\nlayers = ["toy.Net"]', "system[toy].traits: unknown key 'layers'", "did you mean 'layer'?"),
        ("[system.random]\nseed = {}", "system[toy].random: unknown key 'seed'", "did you mean 'seeds'?"),
        ('[system.files]\nconfigs = ["toy.cfg"]', "system[toy].files: unknown key 'configs'", "did you mean 'config'?"),
    ],
)
def test_an_unknown_word_is_named_with_its_place(vocabulary_of: Make, body: str, place: str, hint: str) -> None:
    with pytest.raises(SchemaError) as caught:
        vocabulary_of(body)
    assert place in caught.value.message
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("imports = 3", "imports"),
        ('[system.calls]\ntrain = ["toy..fit"]', "'toy..fit' is not a dotted name"),
        ('[system.calls]\ntrain = ["toy.read_*"]', "'toy.read_*' is not a dotted name"),
        ('[system.calls]\ntrain = ["*"]', "'*' is not a dotted name"),
        ("[system.calls]\ntrain = [3]", "expected a text, found int"),
        ('calls = "toy.fit"', "expected a table, found str"),
        ('[system.random.only-if]\n"toy.fit" = "shuffle"', "expected 'argument=value'"),
        ("imports = [", "systems/toy.toml"),
    ],
)
def test_a_value_of_the_wrong_form_is_an_error(vocabulary_of: Make, body: str, message: str) -> None:
    with pytest.raises(SchemaError, match=r"systems/toy\.toml") as caught:
        vocabulary_of(body)
    assert message in caught.value.message


def test_an_unknown_kind_lists_the_known_ones(vocabulary_of: Make) -> None:
    odd = SYSTEM.replace('"framework"', '"framwork"')
    with pytest.raises(SchemaError, match=r"allowed: .*tracking") as caught:
        vocabulary_of(files={"systems/toy.toml": odd})
    assert caught.value.hint == "did you mean 'framework'?"


def test_two_systems_with_one_id_are_an_error(vocabulary_of: Make) -> None:
    with pytest.raises(SchemaError, match="'toy' is there twice"):
        vocabulary_of(files={"systems/again.toml": SYSTEM})


def test_two_systems_cannot_own_one_import(vocabulary_of: Make) -> None:
    other = SYSTEM.replace('"toy"', '"other"') + 'imports = ["toy"]'
    with pytest.raises(SchemaError, match="belongs to both"):
        vocabulary_of('imports = ["toy"]', files={"systems/other.toml": other})
