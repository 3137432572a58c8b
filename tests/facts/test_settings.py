"""Configuration files become settings with lines, whatever their format, and never keep a credential."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlready.facts import settings
from mlready.facts.rows import FileFacts


def flat(path: str, text: str) -> dict[str, tuple[object, int]]:
    facts = settings.read(path, text.encode())
    assert facts.problem == ""
    return {row.key: (row.value, row.line) for row in facts.settings}


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("pyproject.toml", True),
        ("configs/train.yaml", True),
        ("setup.cfg", True),
        (".env", True),
        (".env.example", True),
        ("prod.env", True),
        (".flake8", True),
        ("package-lock.json", False),
        ("conda-lock.yml", False),
        ("train.py", False),
        ("notebook.ipynb", False),
    ],
)
def test_what_is_a_configuration_file(path: str, claimed: bool) -> None:
    assert settings.claims(path) is claimed


def test_yaml_with_lines_lists_and_several_documents() -> None:
    assert flat("a.yaml", "lr: 1e-3\nmodel:\n  layers:\n    - 64\n    - relu\n---\non: push\n") == {
        "lr": (0.001, 1),
        "model.layers[0]": (64, 4),
        "model.layers[1]": ("relu", 5),
        "on": ("push", 7),
    }


def test_yaml_anchors_merge_and_unknown_tags() -> None:
    text = "base: &b\n  a: 1\n  c: 2\nuse:\n  <<: *b\n  c: 3\nref: !GetAtt x.y\n"
    assert flat("a.yml", text) == {
        "base.a": (1, 2),
        "base.c": (2, 3),
        "use.a": (1, 2),
        "use.c": (3, 6),
        "ref": ("x.y", 7),
    }


def test_toml_with_arrays_tables_and_multiline_strings() -> None:
    text = '[tool.x]\nname = "n"\nlist = [\n  "a",\n  "b",\n]\ntext = """\nname = 1\n"""\n[[tool.run]]\nk = 1\n[[tool.run]]\nk = 2\n'
    assert flat("pyproject.toml", text) == {
        "tool.x.name": ("n", 2),
        "tool.x.list[0]": ("a", 4),
        "tool.x.list[1]": ("b", 5),
        "tool.x.text": ("name = 1\n", 7),
        "tool.run[0].k": (1, 11),
        "tool.run[1].k": (2, 13),
    }


def test_empty_table_is_a_setting_of_its_own() -> None:
    assert flat("pyproject.toml", "[tool.mypy]\n") == {"tool.mypy": (None, 1)}


def test_json_with_lines_and_comments() -> None:
    text = '{\n  // how fast\n  "a": {"lr": 0.1, /* "x": , */\n    "b": [1,\n 2]},\n  "lr": 5, // "y"\n}'
    values = flat("a.json", text)
    assert values["a.lr"] == (0.1, 3)
    assert values["a.b[1]"] == (2, 4)
    assert values["lr"] == (5, 6)
    assert len(values) == 4


def test_ini_keeps_case_and_sections() -> None:
    assert flat("setup.cfg", "[tool:pytest]\naddopts = -q\n  --cov=x\n[flake8]\nmax-line-length: 120\n") == {
        "tool:pytest.addopts": ("-q\n--cov=x", 2),
        "flake8.max-line-length": ("120", 5),
    }


def test_env_gives_names_only() -> None:
    assert flat(".env", "# c\nexport API_KEY=abc\nHOST = x\nnot a line\n") == {"API_KEY": (None, 2), "HOST": (None, 3)}


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("db.password", "hunter2-hunter2", "***"),
        ("OPENAI_API_KEY", "whatever", "***"),
        ("apiKey", "whatever", "***"),
        ("aws_secret_access_key", "whatever", "***"),
        ("url", "postgres://me:hunter2@db/x", "postgres://me:***@db/x"),
        ("password", "${DB_PASSWORD}", "${DB_PASSWORD}"),
        ("note", "AKIAABCDEFGHIJKLMNOP", "***"),
        ("pad_token", "<pad>", "<pad>"),
        ("eos_token", "</s>", "</s>"),
        ("tokenizer", "gpt2", "gpt2"),
        ("max_tokens", 5, 5),
        ("primary_key", "id", "id"),
        ("author", "me", "me"),
    ],
)
def test_credentials_are_masked_and_only_they(key: str, value: object, kept: object) -> None:
    facts = settings.read("a.json", msgspec.json.encode({key: value}))
    assert [row.value for row in facts.settings] == [kept]


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("a.yaml", "a: b: c", "not valid YAML: line 1"),
        ("a.yaml", "[" * 5000, "nested too deeply"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", "{", "not valid JSON"),
        ("a.toml", "a = ", "not valid TOML"),
        ("a.toml", "a = " + "[" * 50_000, "nested too deeply"),
        ("a.toml", "a." * 40_000 + "a = 1", "not valid TOML: key too long"),
        ("a.yaml", "a\0b", "binary content"),
    ],
)
def test_broken_files_have_a_problem(path: str, text: str, problem: str) -> None:
    assert settings.read(path, text.encode()).problem.startswith(problem)


def test_yaml_bomb_is_refused() -> None:
    names = "abcdefghi"
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in itertools.pairwise(names)
    )
    assert "values" in settings.read("a.yaml", bomb.encode()).problem


def test_an_alias_inside_its_own_value_points_at_nothing() -> None:
    assert flat("a.yaml", "a: &x [*x]\n") == {"a[0]": (None, 1)}


def test_large_file_is_data() -> None:
    assert settings.read("coco.json", b"[" + b"1," * 600_000 + b"1]") == FileFacts()


def test_at_most_two_thousand_settings() -> None:
    facts = settings.read("a.yaml", b"".join(b"k%d: 1\n" % n for n in range(3000)))
    assert len(facts.settings) == 2000


@given(
    path=st.sampled_from(["a.yaml", "a.toml", "a.json", "a.ini", ".env"]),
    text=st.text(alphabet=" \n\t-:[]{}=.,\"'#&*!|>abe019%\0\ud800\\", max_size=80),
)
def test_never_raises_and_can_be_stored(path: str, text: str) -> None:
    facts = settings.read(path, text.encode("utf-8", "surrogatepass"))
    assert msgspec.json.decode(msgspec.json.encode(facts), type=FileFacts) == facts
