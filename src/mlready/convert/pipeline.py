"""The written `pipeline` module: calls every step in the notebook's order."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

from mlready.convert.model import Plan, Stage
from mlready.convert.names import unique
from mlready.convert.tokens import CONFIG, CONFIG_CLASS, RESULTS_CLASS, setting

MAX_STEPS = 14
"""Steps called from one function; longer pipelines are written in phases."""


def pipeline_module(plan: Plan) -> str:
    """Source of `pipeline`: `run(config)` and, for long notebooks, one function a phase."""
    is_async = any(stage.is_async for stage in plan.stages)
    phases = _phases(plan.stages)
    if len(phases) == 1:
        functions = [_run(plan, _calls(plan.stages, ""), is_async)]
    else:
        functions, calls = _phase_functions(plan, phases)
        functions.append(_run(plan, calls, is_async))
    head = ['"""Every step of the notebook, in its order."""', "", "from __future__ import annotations", ""]
    head += ["import asyncio"] if is_async else []
    head += ["from dataclasses import dataclass"] if plan.results else []
    head += ["from typing import Any"] if plan.results else []
    text = "\n\n\n".join([*([_results(plan)] if plan.results else []), *functions])
    head += ["import builtins"] if "builtins." in text else []
    for module in dict.fromkeys(stage.module for stage in plan.stages):
        names = ", ".join(sorted(stage.name for stage in plan.stages if stage.module == module))
        head.append(f"from {plan.package}.{module} import {names}")
    head.append(f"from {plan.package}.config import Config as {CONFIG_CLASS}")
    return "\n".join(head) + "\n\n\n" + text + "\n"


def _results(plan: Plan) -> str:
    fields = "\n".join(f"    {name}: Any" for name in plan.results)
    return f'@dataclass(frozen=True)\nclass {RESULTS_CLASS}:\n    """Models, metrics, and what else the notebook came to."""\n\n{fields}'


def _run(plan: Plan, calls: list[str], is_async: bool) -> str:
    returns = RESULTS_CLASS if plan.results else "None"
    name = "_run" if is_async else "run"
    lines = [f"{'async def' if is_async else 'def'} {name}({CONFIG}: {CONFIG_CLASS} | None = None) -> {returns}:"]
    lines += [
        '    """Run all steps; settings default to the values of the notebook."""',
        f"    {CONFIG} = {CONFIG} or {CONFIG_CLASS}()",
    ]
    lines += [f"    {call}" for call in calls]
    if plan.results:
        lines.append(f"    return {RESULTS_CLASS}({', '.join(f'{name}={name}' for name in plan.results)})")
    text = "\n".join(lines)
    if is_async:
        text += (
            f"\n\n\ndef run({CONFIG}: {CONFIG_CLASS} | None = None) -> {returns}:\n"
            '    """Run all steps; settings default to the values of the notebook."""\n'
            f"    return asyncio.run(_run({CONFIG}))"
        )
    return text


def _calls(stages: Sequence[Stage], prefix: str, bound: frozenset[str] = frozenset()) -> list[str]:
    """One call a step; a builtin that the notebook re-binds later is passed as what it still is."""
    known = set(bound)
    lines: list[str] = []
    for stage in stages:
        arguments = [
            name if name in known or not hasattr(builtins, name) else f"builtins.{name}" for name in stage.inputs
        ]
        arguments += map(setting, stage.settings)
        call = f"{'await ' if stage.is_async else ''}{stage.name}({', '.join(arguments)})"
        lines.append(f"{', '.join(stage.outputs)} = {call}" if stage.outputs else call)
        known.update(stage.outputs)
    return lines


def _phases(stages: Sequence[Stage]) -> list[Sequence[Stage]]:
    if len(stages) <= MAX_STEPS + 4:
        return [stages]
    count = -(-len(stages) // MAX_STEPS)
    size = -(-len(stages) // count)
    return [stages[start : start + size] for start in range(0, len(stages), size)]


def _phase_functions(plan: Plan, phases: Sequence[Sequence[Stage]]) -> tuple[list[str], list[str]]:
    """A function for each phase, and the calls of them."""
    taken = {stage.name for stage in plan.stages} | set(plan.where)
    functions: list[str] = []
    calls: list[str] = []
    done: frozenset[str] = frozenset()
    for position, phase in enumerate(phases):
        later = {n for other in phases[position + 1 :] for stage in other for n in stage.inputs} | set(plan.results)
        inputs = _inputs(phase)
        bound = frozenset(name for stage in phase for name in stage.outputs)
        outputs = [n for n in dict.fromkeys(n for stage in phase for n in stage.outputs) if n in later]
        name = unique(f"{phase[0].name}_phase", taken)
        taken.add(name)
        is_async = any(stage.is_async for stage in phase)
        has_settings = any(stage.settings for stage in phase)
        parameters = [*inputs, *([f"{CONFIG}: {CONFIG_CLASS}"] if has_settings else [])]
        lines = [
            f"{'async def' if is_async else 'def'} {name}({', '.join(parameters)}){'' if outputs else ' -> None'}:"
        ]
        first, last = phase[0].cells[0], phase[-1].cells[-1]
        lines.append(f'    """Cells {first} to {last}."""')
        lines += [f"    {call}" for call in _calls(phase, "", frozenset(inputs))]
        lines += [f"    return {', '.join(outputs)}"] if outputs else []
        functions.append("\n".join(lines))
        arguments = [n if n in done or not hasattr(builtins, n) else f"builtins.{n}" for n in inputs]
        arguments += [CONFIG] if has_settings else []
        call = f"{'await ' if is_async else ''}{name}({', '.join(arguments)})"
        calls.append(f"{', '.join(outputs)} = {call}" if outputs else call)
        done |= bound
    return functions, calls


def _inputs(phase: Sequence[Stage]) -> list[str]:
    known: set[str] = set()
    found: dict[str, None] = {}
    for stage in phase:
        for name in stage.inputs:
            if name not in known:
                found.setdefault(name)
        known.update(stage.outputs)
    return list(found)
