"""The project around the package: packaging, tests, CI, container, README. One function, to be fed by any template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlready.convert.model import Plan
from mlready.convert.tokens import OUTPUT_DIR, RESULTS_CLASS

FULL_PYTHON = "3.11.14"
"""Of the image: a full tag, so that two builds a week apart start from one base."""


@dataclass(frozen=True)
class Dependency:
    """One distribution with the version that was found beside the notebook, "" where none was."""

    name: str
    version: str = ""

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}" if self.version else self.name


def skeleton_files(
    *,
    project: str,
    package: str,
    title: str,
    plans: Sequence[Plan],
    dependencies: Iterable[Dependency],
    locked: str,
    python: str,
) -> dict[str, str]:
    """Path -> text of everything beside the package's own modules."""
    files = {
        "pyproject.toml": _pyproject(project, package, title, dependencies, python),
        "README.md": _readme(project, package, title, plans),
        ".gitignore": _GITIGNORE,
        ".dockerignore": ".git\n.venv\noutputs\n**/__pycache__\n",
        ".pre-commit-config.yaml": _PRE_COMMIT,
        "Makefile": _makefile(package, bool(locked)),
        "Dockerfile": _dockerfile(package, python, bool(locked)),
        ".github/workflows/ci.yml": _ci(python, bool(locked)),
    }
    if locked:
        files[LOCK] = locked
    for plan in plans:
        suffix = "" if len(plans) == 1 else f"_{plan.package.rsplit('.', 1)[-1]}"
        files[f"tests/test_pipeline{suffix}.py"] = smoke_test(plan)
        files[f"tests/test_config{suffix}.py"] = config_test(plan)
    return files


def _pyproject(project: str, package: str, title: str, dependencies: Iterable[Dependency], python: str) -> str:
    wanted = "".join(f'    "{dependency.requirement}",\n' for dependency in dependencies)
    description = re.sub(r'["\\]', "", title)
    return f'''[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{project}"
version = "0.1.0"
description = "{description}"
readme = "README.md"
requires-python = ">={python}"
dependencies = [
{wanted}]

[project.scripts]
{project} = "{package}.__main__:main"

[dependency-groups]
dev = ["pytest>=8", "ruff>=0.12"]

[tool.hatch.build.targets.wheel]
only-include = ["src"]
sources = ["src"]

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["src"]
'''


_GITIGNORE = """__pycache__/
*.py[cod]
.venv/
.env
.pytest_cache/
.ruff_cache/
build/
dist/
outputs/
"""

_PRE_COMMIT = """repos:
  - repo: https://github.com/astral-sh/ruff-pre-commit
    rev: v0.14.5
    hooks:
      - id: ruff-check
      - id: ruff-format
"""


LOCK = "requirements.lock"


def _install(locked: bool) -> str:
    return f"-r {LOCK} -e . --group dev" if locked else "-e . --group dev"


def _makefile(package: str, locked: bool) -> str:
    return (
        ".PHONY: install run test lint\n\n"
        f"install:\n\tpython -m pip install {_install(locked)}\n\n"
        f"run:\n\tpython -m {package}\n\n"
        "test:\n\tpython -m pytest\n\n"
        "lint:\n\truff check .\n\truff format --check .\n"
    )


def _dockerfile(package: str, python: str, locked: bool) -> str:
    manifests, install = ("pyproject.toml README.md", ".")
    if locked:
        manifests, install = (f"pyproject.toml README.md {LOCK}", f"-r {LOCK} .")
    return f'''FROM python:{FULL_PYTHON}-slim-bookworm

WORKDIR /app
COPY {manifests} ./
COPY src ./src
RUN pip install --no-cache-dir {install} && useradd --create-home app && chown app /app
USER app

ENV MPLBACKEND=Agg
ENTRYPOINT ["python", "-m", "{package}"]
'''


def _ci(python: str, locked: bool) -> str:
    return f'''name: ci

on:
  push:
    branches: [main]
  pull_request:

permissions:
  contents: read

jobs:
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v5
        with:
          persist-credentials: false
      - uses: actions/setup-python@v6
        with:
          python-version: "{python}"
          cache: pip
      - run: python -m pip install {_install(locked)}
      - run: ruff check .
      - run: ruff format --check .
      - run: python -m pytest
'''


def _readme(project: str, package: str, title: str, plans: Sequence[Plan]) -> str:
    steps = "\n".join(
        f"{number}. `{stage.module}.{stage.name}`"
        for plan in plans
        for number, stage in enumerate(plan.stages, start=1)
    )
    notebooks = ", ".join(f"`{plan.notebook.path.name}`" for plan in plans)
    return f"""# {title}

Made from {notebooks}. `CONVERSION.md` says where every cell went.

## Run

```console
make install
python -m {package}
```

Paths are relative to the folder that the command runs in. Every setting stands in `src/{package}/config.py`;
`python -m {package} --help` lists those that can be given on the command line.

## Test

```console
make test
```

## Steps

{steps}
"""


def smoke_test(plan: Plan) -> str:
    """A test that runs the pipeline from start to end; skipped where its input is not there."""
    reads = [s.name for s in plan.settings if s.what == "path read"]
    names = ["run", *([RESULTS_CLASS] if plan.results else [])]
    figures = any(s.name == OUTPUT_DIR for s in plan.settings)
    local = [name for name in reads if not name.endswith("_url")]
    check = f"isinstance(results, {names[-1]})" if plan.results else "results is None"
    change = f"{OUTPUT_DIR}=str(tmp_path)" if figures else ""
    return f'''"""The pipeline runs from start to end with its defaults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from {plan.package}.config import Config
from {plan.package}.pipeline import {", ".join(names)}

INPUTS = {tuple(local)!r}
"""Settings that name files which are read."""


def test_pipeline_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    config = replace(Config({change}))
    missing = [name for name in INPUTS if not Path(getattr(config, name)).exists()]
    if missing:
        pytest.skip(f"input is not here: {{', '.join(missing)}}")
    try:
        results = run(config)
    except FileNotFoundError as error:
        pytest.skip(f"input is not here: {{error}}")
    assert {check}
'''


def config_test(plan: Plan) -> str:
    """A test that pins the defaults: they are the notebook's values."""
    checks = [
        f"    assert config.{s.name} == {s.default}" for s in plan.settings if s.annotation in ("int", "str", "float")
    ]
    body = "\n".join(checks) or "    assert config == Config()"
    return f'''"""The defaults are the values of the notebook."""

from __future__ import annotations

from {plan.package}.config import Config


def test_defaults() -> None:
    config = Config()
{body}
'''
