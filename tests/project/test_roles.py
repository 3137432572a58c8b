"""What a path says a file is for, and how its content corrects that."""

from __future__ import annotations

import pytest

from mlready.facts.generated import is_generated
from mlready.facts.rows import Call, FileFacts, Manifest, NotebookFacts, PythonFacts, Scope
from mlready.project.roles import refine, role_of, vendored_folders


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("train.py", "script"),
        ("scripts/train.py", "script"),
        ("src/churn/train.py", "source"),
        ("demo/test_model.py", "example"),
        ("tests/test_model.py", "test"),
        ("tests/fixtures/rows.csv", "test"),
        ("tests/helpers.py", "test"),
        ("test/test_model.py", "test"),
        ("data/test/img.jpg", "data"),
        ("data/test/prepare.py", "source"),
        ("notebooks/eda.ipynb", "notebook"),
        ("docs/tutorial.ipynb", "docs"),
        ("docs/conf.py", "docs"),
        ("examples/train.py", "example"),
        ("examples/config.yaml", "example"),
        ("third_party/lib/a.py", "vendored"),
        ("pkg/_vendor/six.py", "vendored"),
        ("api/model_pb2.py", "generated"),
        ("app/migrations/0001_initial.py", "generated"),
        ("alembic/versions/0123456789ab_add.py", "generated"),
        ("data/raw/train.csv", "data"),
        ("data/labels.json", "data"),
        ("data/features.pkl", "data"),
        ("models/model.pkl", "model"),
        ("model.joblib", "model"),
        ("models/pytorch_model.bin", "model"),
        ("models/train_model.py", "source"),
        ("models/config.json", "config"),
        ("data/raw.csv.dvc", "config"),
        ("assets/logo.png", "other"),
        ("requirements.txt", "config"),
        ("requirements/dev.txt", "config"),
        ("setup.py", "config"),
        ("Makefile", "config"),
        ("dvc.yaml", "config"),
        ("params.yaml", "config"),
        ("LICENSE", "docs"),
        ("README.md", "docs"),
        (".env", "config"),
        (".github/workflows/ci.yml", "ci"),
        (".gitlab-ci.yml", "ci"),
        ("Jenkinsfile", "ci"),
        ("Dockerfile", "container"),
        ("docker/Dockerfile.gpu", "container"),
        ("docker-compose.yml", "container"),
        ("infra/main.tf", "infra"),
        ("examples/Dockerfile", "example"),
        ("examples/simple/main.tf", "example"),
        ("examples/requirements.txt", "example"),
        ("docs/k8s/deploy.yaml", "docs"),
        ("test/fixtures/main.tf", "test"),
        ("k8s/deploy.yaml", "infra"),
        ("deploy/serve.py", "source"),
        ("run.sh", "script"),
    ],
)
def test_role_of(path: str, role: str) -> None:
    assert role_of(path) == role


def test_a_package_at_the_root_is_source() -> None:
    assert role_of("tools/a.py", packages=frozenset(["tools"])) == "source"


def test_a_package_inside_a_package_with_its_own_license_is_a_copy() -> None:
    paths = ["LICENSE", "pkg/__init__.py", "pkg/six/__init__.py", "pkg/six/LICENSE", "part/LICENSE", "part/setup.py"]
    folders = vendored_folders(paths)
    assert folders == {"pkg/six"}
    assert role_of("pkg/six/deep/a.py", vendored=folders) == "vendored"


def test_a_folder_with_a_license_and_an_entry_of_torch_hub_is_a_copied_repository() -> None:
    paths = ["LICENSE", "hubconf.py", "edge/yolo/LICENSE.md", "edge/yolo/hubconf.py", "part/hubconf.py"]
    assert vendored_folders(paths) == {"edge/yolo"}


def test_a_tool_with_its_own_readme_and_license_is_a_copy() -> None:
    copied = ["yolo/LICENSE.md", "yolo/README.md", "yolo/train.py"]
    assert vendored_folders(["LICENSE", "train.py", *copied]) == {"yolo"}
    assert vendored_folders(["train.py", *copied]) == frozenset()
    assert vendored_folders(["LICENSE", *copied, "yolo/pyproject.toml"]) == frozenset()


def python(*functions: str, asserts: int = 0, **more: object) -> FileFacts:
    scopes = [Scope(name="", kind="module", parent=-1, line=1, end_line=9, statements=int(bool(more.get("calls"))))]
    scopes += [
        Scope(name=name, kind="function", parent=0, line=2, end_line=3, statements=1, asserts=asserts)
        for name in functions
    ]
    return FileFacts(python=PythonFacts(scopes=tuple(scopes), **more))  # type: ignore[arg-type]


DECLARES = (Manifest(tool="requirements", role="declares"),)
TRAINS = (Call(name="x.fit", line=1, scope=0, activities=("train",)),)


@pytest.mark.parametrize(
    ("path", "facts", "role"),
    [
        ("test.py", python("test", main_guard=9), "script"),
        ("test.py", python("test_model", asserts=1), "test"),
        ("test_speed.py", python("test_speed", main_guard=5), "script"),
        ("test_import.py", python("test_import"), "test"),
        ("train.py", python("main", main_guard=5), "script"),
        ("utils.py", python("helper"), "source"),
        ("train.py", python("helper", calls=TRAINS), "script"),
        ("src/train.py", python(calls=TRAINS), "script"),
        ("src/pkg/train.py", python("main", main_guard=5), "script"),
        ("tests/run.py", python("main", main_guard=5), "test"),
        ("src/pkg/api.py", FileFacts(generated=True), "generated"),
        ("eda.py", FileFacts(python=PythonFacts(scopes=()), notebook=NotebookFacts("percent", ())), "notebook"),
        ("setup.py", python("main", main_guard=5), "config"),
        ("docker-requirements.txt", FileFacts(manifests=DECLARES), "config"),
        ("docs/sphinx-requirements.txt", FileFacts(manifests=DECLARES), "docs"),
    ],
)
def test_refine(path: str, facts: FileFacts, role: str) -> None:
    assert refine(path, role_of(path), facts) == role


@pytest.mark.parametrize(
    ("head", "generated"),
    [
        (b"# Generated by the protocol buffer compiler.  DO NOT EDIT!\nimport x\n", True),
        (b"# -*- coding: utf-8 -*-\n# This file was generated by sphinx\n", True),
        # The export of a notebook is what a person wrote.
        (b'"""Automatically generated by Colaboratory."""\n', False),
        (b"x = 'do not edit'\n", False),
        (b'"""Trains the model."""\n', False),
        (b"", False),
    ],
)
def test_is_generated(head: bytes, generated: bool) -> None:
    assert is_generated(head) is generated
