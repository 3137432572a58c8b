"""Where a project starts to run."""

from __future__ import annotations

import pytest
from tests.project.trees import project

WORK = "def main():\n    print('work')\n"
GUARD = "\nif __name__ == '__main__':\n    main()\n"
STAGE = "jobs:\n  a:\n    runs-on: x\n    steps:\n      - run: {command}\non: push\n"


def entries(files: dict[str, str]) -> set[tuple[str, str]]:
    return {(entry.kind, entry.path) for entry in project(files).entries}


def test_a_main_guard_makes_a_script() -> None:
    assert ("script", "run.py") in entries({"run.py": WORK + GUARD})


def test_a_module_that_only_defines_things_is_no_entry() -> None:
    assert entries({"lib.py": WORK}) == set()


def test_a_file_that_runs_and_is_never_imported_is_a_script() -> None:
    assert ("script", "run.py") in entries({"run.py": "open('work')\n"})
    assert entries({"lib.py": "open('work')\n", "other.py": "import lib\n\ndef f(): pass\n"}) == set()


def test_a_console_script_enters_its_function() -> None:
    files = {
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n[project.scripts]\nshop = "shop.cli:main"\n',
        "src/shop/__init__.py": "",
        "src/shop/cli.py": WORK,
    }
    assert ("console-script", "src/shop/cli.py") in entries(files)


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("python jobs/run.py --fast", "jobs/run.py"),
        ("python -m jobs.run", "jobs/run.py"),
        ("uv run python ./jobs/run.py", "jobs/run.py"),
        ("FAST=1 poetry run python jobs/run.py", "jobs/run.py"),
        ("cd jobs && python run.py", "jobs/run.py"),
        ("papermill notes.ipynb out.ipynb", "notes.ipynb"),
    ],
)
def test_ci_enters_what_it_starts(command: str, path: str) -> None:
    notebook = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'
    files = {"jobs/__init__.py": "", "jobs/run.py": WORK, "notes.ipynb": notebook}
    files[".github/workflows/ci.yml"] = STAGE.format(command=command)
    assert path in {path for _, path in entries(files)}


def test_a_server_enters_the_module_that_it_serves() -> None:
    files = {
        "api/app.py": "app = object()\n\ndef handler(): pass\n",
        "Dockerfile": 'FROM x\nCMD ["uvicorn", "api.app:app"]\n',
    }
    assert ("command", "api/app.py") in entries(files)


def test_a_pipeline_enters_its_stages() -> None:
    files = {"train.py": WORK, "dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n"}
    assert ("command", "train.py") in entries(files)


def test_commands_in_a_readme_start_nothing() -> None:
    assert entries({"lib.py": WORK, "README.md": "```bash\npython lib.py\n```\n"}) == set()


def test_endpoints_make_a_service() -> None:
    files = {"app.py": "from fastapi import FastAPI\napp = FastAPI()\n\n@app.get('/')\ndef hello(): pass\n"}
    assert ("service", "app.py") in entries(files)


def test_notebooks_are_entries_but_not_those_of_the_documentation() -> None:
    notebook = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": "1", "metadata": {}, "outputs": []}]}'
    found = entries({"look.ipynb": notebook, "docs/guide.ipynb": notebook})
    assert ("notebook", "look.ipynb") in found
    assert "docs/guide.ipynb" not in {path for _, path in found}
