"""Characterization tests: what pure steps and the pipeline gave when the package was verified."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlready.convert.changes import Changes
from mlready.convert.model import Plan
from mlready.convert.report import conversion_json, conversion_page
from mlready.convert.tidy import tidy
from mlready.convert.tokens import OUTPUT_DIR, chosen, named
from mlready.convert.verify.verdict import Verdict

if TYPE_CHECKING:
    from mlready.convert import Conversion

MAX_EXAMPLES = 12

HELPER = '''
def same(value: object, recorded: object) -> bool:
    """Exact for text and counts, within rounding for floats and arrays."""
    if isinstance(recorded, float):
        return value == pytest.approx(recorded, rel=1e-9, nan_ok=True)
    if hasattr(recorded, "dtype"):
        return bool(np.allclose(np.asarray(value), recorded, rtol=1e-9, equal_nan=True))
    if isinstance(recorded, (list, tuple)):
        return len(value) == len(recorded) and all(map(same, value, recorded))
    if isinstance(recorded, dict):
        return value.keys() == recorded.keys() and all(same(value[key], recorded[key]) for key in recorded)
    return value == recorded
'''


def write_recorded(done: Conversion, verdicts: Sequence[Verdict], content: dict[str, Any]) -> None:
    """Adds the verdicts to the record and, for verified packages, tests with recorded values."""
    if "conversion.json" not in done.changes.files:
        return
    files: dict[str, str] = {"conversion.json": conversion_json(content)}
    summary = "\n".join(f"- `{p.notebook.path.name}`: {v.text}" for p, v in zip(done.plans, verdicts, strict=True))
    files["CONVERSION.md"] = conversion_page(done.plans, content, {"summary": summary})
    for plan, verdict in zip(done.plans, verdicts, strict=True):
        if verdict.name in ("verified", "verified under seeds", "partly"):
            suffix = "" if len(done.plans) == 1 else f"_{plan.package.rsplit('.', 1)[-1]}"
            text = recorded_tests(plan, verdict)
            if text:
                files[f"tests/test_recorded{suffix}.py"] = text
    names = chosen(done.plans)
    files = {path: named(text, names) for path, text in files.items()}
    tidied = tidy({**files, **_package_stub(done)})
    Changes(done.changes.root, {path: tidied[path] for path in files}).apply(force=True)


def _package_stub(done: Conversion) -> dict[str, str]:
    """Enough of the package for imports to be sorted as its own."""
    package = done.plans[0].package.split(".")[0]
    return {f"src/{package}/__init__.py": ""}


def recorded_tests(plan: Plan, verdict: Verdict) -> str:
    """Source of the tests, "" where nothing small enough was recorded."""
    stages = {stage.name: stage for stage in plan.stages}
    bodies: list[str] = []
    imports: list[str] = []
    for name, example in list(verdict.examples.items())[:MAX_EXAMPLES]:
        bodies.append(_step_test(name, example))
        imports.append(f"from {plan.package}.{stages[name].module} import {name}")
    random = any("random" in s.flow.effects for stage in plan.stages for s in stage.statements)
    results = verdict.results if verdict.name == "verified" or not random else {}
    stable = {n: text for n, text in results.items() if verdict.values.get(n, {}).get("stability") == "stable"}
    if stable:
        bodies.append(_results_test(plan, stable))
        imports += [f"from {plan.package}.config import Config", f"from {plan.package}.pipeline import run"]
    if not bodies:
        return ""
    text = "\n\n\n".join([HELPER.strip("\n"), *bodies])
    head = ['"""What the steps gave when the package was verified against its notebook."""', ""]
    head += ["from __future__ import annotations", "", "from pathlib import Path", "", "import numpy as np"]
    if "np." not in "".join(bodies):
        text = re.sub(r'    if hasattr\(recorded, "dtype"\):\n.*\n', "", text)
    head += ["import pytest", *sorted(imports)]
    return "\n".join(head) + "\n\n\n" + text + "\n"


def _step_test(name: str, example: Mapping[str, Any]) -> str:
    arguments = ", ".join(f"{key}={text}" for key, text in example["inputs"].items())
    outputs = [text for _, text in example["outputs"]]
    recorded = outputs[0] if len(outputs) == 1 else f"({', '.join(outputs)})"
    return f"def test_{name}() -> None:\n    assert same({name}({arguments}), {recorded})"


def _results_test(plan: Plan, results: Mapping[str, str]) -> str:
    figures = any(setting.name == OUTPUT_DIR for setting in plan.settings)
    config = f"Config({OUTPUT_DIR}=str(tmp_path))" if figures else "Config()"
    checks = "\n".join(f"    assert same(results.{name}, {text})" for name, text in results.items())
    return (
        "def test_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:\n"
        '    monkeypatch.setenv("MPLBACKEND", "Agg")\n'
        "    try:\n"
        f"        results = run({config})\n"
        "    except FileNotFoundError as error:\n"
        '        pytest.skip(f"input is not here: {error}")\n'
        f"{checks}"
    )
