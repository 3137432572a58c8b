"""What each option set renders: whole, parsable, linted files that belong together."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import yaml

from .option_sets import CHOICES, NAME, every_combination, name_of

NAMES = [name_of(answers) for answers in every_combination()]
PACKAGE = NAME.replace("-", "_")
_COMMENT = {".py": '"""', ".md": "# ", ".ipynb": "{"}


@pytest.fixture(params=NAMES)
def made(request: pytest.FixtureRequest, combinations: dict[str, Path]) -> Path:
    return combinations[request.param]


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "uv.lock":
            yield path.relative_to(folder).as_posix(), path


def jobs_of(made: Path) -> str:
    """The text of the project's CI configuration."""
    paths = [*made.glob(".github/workflows/*.yml"), made / ".gitlab-ci.yml", made / "azure-pipelines.yml"]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


def test_no_file_is_empty_or_unrendered(made: Path) -> None:
    for name, path in files(made):
        text = path.read_text(encoding="utf-8")
        assert text.strip(), name
        assert not re.search(r"\{%|%\}|(?<!\$)\{\{", text), name
        assert re.search(r"[^\n]\n\Z", text), name
        assert "{" not in name, name


def test_every_file_says_what_it_is_for(made: Path) -> None:
    for name, path in files(made):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        expected = "// " if path.name == "devcontainer.json" else _COMMENT.get(path.suffix, "# ")
        assert first.startswith(expected), f"{name}: {first}"
        assert len(first) > 10 or path.suffix in (".ipynb", ".md"), name


def test_every_file_parses(made: Path) -> None:
    for name, path in files(made):
        text = path.read_text(encoding="utf-8")
        match path.suffix:
            case ".py":
                compile(text, name, "exec")
            case ".yml" | ".yaml":
                assert all(document for document in yaml.safe_load_all(text)), name
            case ".toml":
                assert tomllib.loads(text), name
            case ".json":
                assert json.loads(re.sub(r"^//.*$", "", text, flags=re.MULTILINE)), name
            case ".ipynb":
                nbformat.validate(nbformat.reads(text, as_version=4))


def test_every_file_is_in_the_map_of_factors(made: Path) -> None:
    page = (made / "docs" / "factors.md").read_text(encoding="utf-8")
    for name, path in files(made):
        if path.name == "__init__.py" or name == "docs/factors.md":
            continue
        parents = [f"{parent.as_posix()}/" for parent in Path(name).parents if parent.as_posix() != "."]
        assert path.name in page or any(parent in page for parent in parents), name


def test_no_machine_or_person_is_named(made: Path) -> None:
    for name, path in files(made):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(home|root|work|Users|tmp/pytest)[/\"']", text), name
        assert "@" not in text or name.startswith((".github", "src", "tests")) or path.name in ("Makefile",), name


def test_setup_names_the_pythons_that_the_dependencies_have(made: Path, tmp_path: Path) -> None:
    """A stand-in that says it is Python 3.14: nothing is installed, and the message says what to type."""
    code = "import sys; sys.version_info = (3, 14, 1); exec(sys.argv[1])"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$2"\n', encoding="utf-8")
    python.chmod(0o755)
    done = subprocess.run(["make", "setup", f"PYTHON={python}"], cwd=made, capture_output=True, text=True)
    supported = re.search(r'^requires-python = ">=(3\.\d+),<3', (made / "pyproject.toml").read_text(), re.MULTILINE)
    assert done.returncode
    assert supported
    assert f"Python {supported[1]} to 3.13 is needed, this is 3.14; try: make setup PYTHON=python3" in done.stderr
    assert not (made / ".venv").exists()


def test_every_make_target_that_is_named_exists(made: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (made / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    texts = [jobs_of(made), *((made / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))]
    texts += [path.read_text(encoding="utf-8") for path in made.glob(".devcontainer/*")]
    for text in texts:
        commands = re.findall(r"(?:^\s*|- |run: |script: |`|\")make ((?:[a-z]+ ?)+)", text, re.MULTILINE)
        named = {word for command in commands for word in command.split()}
        assert named <= targets, named - targets


def test_every_module_that_is_named_exists(made: Path) -> None:
    names = ["Dockerfile", "dvc.yaml", "Makefile", "README.md"]
    texts = [(made / name).read_text(encoding="utf-8") for name in names if (made / name).exists()]
    for text in [*texts, jobs_of(made)]:
        for module in re.findall(PACKAGE + r"(?:\.\w+)+\b(?!\()", text):
            path = made / "src" / Path(*module.split("."))
            assert path.with_suffix(".py").is_file() or path.is_dir(), module


def test_every_path_that_the_pipeline_names_exists_or_is_made(made: Path) -> None:
    if not (made / "dvc.yaml").exists():
        return
    stages = yaml.safe_load((made / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    produced = set()
    for stage in stages.values():
        for entry in [*stage.get("outs", []), *stage.get("metrics", [])]:
            produced.add(next(iter(entry)) if isinstance(entry, dict) else entry)
    for stage in stages.values():
        for path in stage["deps"]:
            assert path in produced or (made / path).is_file(), path


def test_the_monitor_on_kubernetes_reads_what_it_judges(made: Path) -> None:
    if not (made / "deploy" / "kubernetes.yaml").exists():
        return
    documents = list(yaml.safe_load_all((made / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8")))
    claims = {entry["metadata"]["name"] for entry in documents if entry["kind"] == "PersistentVolumeClaim"}
    (monitor,) = (entry for entry in documents if entry["metadata"]["name"].endswith("-monitor"))
    pod = monitor["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    volumes = {entry["name"]: entry for entry in pod["volumes"]}
    mounted = {entry["mountPath"]: volumes[entry["name"]] for entry in pod["containers"][0]["volumeMounts"]}
    for folder in ("records", "outcomes"):
        assert mounted[f"/app/{folder}"]["persistentVolumeClaim"]["claimName"] in claims


def test_versions_are_quoted(made: Path) -> None:
    for name, path in files(made):
        if path.suffix in (".yml", ".yaml"):
            assert not re.search(r"version: *\d\.\d+ *$", path.read_text(encoding="utf-8"), re.MULTILINE), name


def test_the_lock_is_of_this_project_and_names_no_machine(made: Path) -> None:
    lock = (made / "uv.lock").read_text(encoding="utf-8")
    project = tomllib.loads((made / "pyproject.toml").read_text(encoding="utf-8"))
    locked = {package["name"]: package for package in tomllib.loads(lock)["package"]}
    assert list(locked) == sorted(locked)
    assert set(re.findall(r"https?://([^/\"]+)", lock)) <= {"pypi.org", "files.pythonhosted.org"}
    assert "file://" not in lock
    root = locked[NAME]
    declared = {re.split(r"[\[<>=!~;]", entry)[0].strip() for entry in project["project"]["dependencies"]}
    assert {entry["name"] for entry in root["dependencies"]} == declared
    for group, entries in project["dependency-groups"].items():
        declared = {re.split(r"[\[<>=!~;]", entry)[0].strip() for entry in entries}
        assert {entry["name"] for entry in root["dev-dependencies"][group]} == declared


def test_all_of_them_are_linted_and_formatted(combinations: dict[str, Path]) -> None:
    root = next(iter(combinations.values())).parent
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--no-cache", "--output-format=concise"], ["format", "--check", "--no-cache"]):
        done = subprocess.run([*ruff, *command, str(root)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("option", CHOICES)
def test_every_value_of_an_option_changes_files(option: str, combinations: dict[str, Path]) -> None:
    default = {name: values[0] for name, values in CHOICES.items()}
    seen: list[dict[str, bytes]] = []
    for value in CHOICES[option]:
        folder = combinations[name_of({**default, option: value})]
        content = {name: path.read_bytes() for name, path in files(folder) if name != ".copier-answers.yml"}
        assert content not in seen, f"{option}={value} changes nothing"
        seen.append(content)
