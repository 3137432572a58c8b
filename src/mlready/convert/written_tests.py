"""The tests that a conversion always writes; they need pytest and nothing of mlready."""

from __future__ import annotations

from collections.abc import Sequence

from mlready.convert.inputs import inputs_test, tables
from mlready.convert.model import Plan
from mlready.convert.tokens import OUTPUT_DIR, RESULTS_CLASS


def written_tests(plans: Sequence[Plan]) -> dict[str, str]:
    """Path -> text."""
    files: dict[str, str] = {}
    for plan in plans:
        suffix = "" if len(plans) == 1 else f"_{plan.package.rsplit('.', 1)[-1]}"
        files[f"tests/test_pipeline{suffix}.py"] = _pipeline_test(plan)
        files[f"tests/test_config{suffix}.py"] = _config_test(plan)
        if tables(plan):
            files[f"tests/test_inputs{suffix}.py"] = inputs_test(plan)
    return files


def _pipeline_test(plan: Plan) -> str:
    """A test that runs the pipeline from start to end and saves its results; skipped where its input is not there."""
    reads = [s.name for s in plan.settings if s.what == "path read"]
    names = ["run", *([RESULTS_CLASS] if plan.results else [])]
    figures = any(s.name == OUTPUT_DIR for s in plan.settings)
    local = [name for name in reads if not name.endswith("_url")]
    check = f"isinstance(results, {names[-1]})" if plan.results else "results is None"
    change = f"{OUTPUT_DIR}=str(tmp_path)" if figures else ""
    return f'''"""The pipeline runs from start to end with its defaults, and the command saves what it gives back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from {plan.package}.__main__ import main
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
    monkeypatch.setattr("{plan.package}.__main__.run", lambda _: results)
    monkeypatch.setattr("sys.argv", ["{plan.package}"])
    monkeypatch.chdir(tmp_path)
    main()
'''


def _config_test(plan: Plan) -> str:
    """A test that pins the defaults: they are the notebook's values."""
    checks = [
        f"    assert config.{s.name} == {s.default}" for s in plan.settings if s.annotation in ("int", "str", "float")
    ]
    body = "\n".join(checks) or "    assert config == Config()"
    return f'''"""The defaults are the values of the notebook, and the command line lists them."""

from __future__ import annotations

import pytest

from {plan.package}.__main__ import main
from {plan.package}.config import Config


def test_defaults() -> None:
    config = Config()
{body}


def test_the_command_line_lists_its_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["{plan.package}", "--help"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert "usage: {plan.package}" in capsys.readouterr().out
'''
