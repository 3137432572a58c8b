"""Breaks verified packages of public notebooks on purpose and counts how many of them verification calls "differs".

    python -m tests.benchmarks.convert.mutations [--python ENV/bin/python] [--packages N] [--folder FOLDER] [--no-write]

Works on what `python -m tests.benchmarks.convert` left in the folder: notebooks that were verified, with their reference runs.
Of each package, three kinds of change are drawn with a committed seed: a constant, the order of two statements of which one
depends on the other, a change in place that is lost. A change counts where the fingerprints of final values, which share no
code with mlready's comparators, are no longer those of the unbroken package, or where the package fails; another one is drawn
where they are equal.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.convert.__main__ import FINGERPRINT, Job, add_options, environment, prepare, result_file, say
from tests.benchmarks.convert.report import write_block

from mlready.flow.statements import StatementFlow, analyze

SEED = 20261121
TRIES = 4
"""Places tried for one kind of change in one package."""
SHOWN = 100


@dataclass(frozen=True)
class Mutant:
    """One changed file of a package."""

    kind: str
    path: str
    line: int
    what: str
    text: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--report", action="store_true", help="only write the page from the kept results")
    parser.add_argument("--packages", type=int, default=26)
    parser.add_argument("--seconds", type=float, default=8, help="leave out notebooks that take longer")
    options = parser.parse_args()
    options.python = options.python or environment(options.folder / "environment")
    able = [job for job in prepare(options) if job.verify and job.row.seconds <= options.seconds and is_verified(job)]
    jobs = sample(able, options.packages)
    results: list[dict[str, Any]] = []
    for number, job in enumerate(jobs, start=1):
        if options.report and not kept_file(job).exists():
            continue
        found = kept(job, again=options.again)
        results.append(found)
        told = ", ".join(f"{m['kind']} {m['outcome']}" for m in found["mutants"]) or found.get(
            "problem", "nothing to change"
        )
        say(number, len(jobs), job.row.project, job.row.path, told)
    write_block("mutations", "\n".join(page(results)), write=not options.no_write)
    return 0


def is_verified(job: Job) -> bool:
    file = result_file(job)
    return file.exists() and str(json.loads(file.read_text()).get("verdict", "")).startswith("verified")


def sample(jobs: Sequence[Job], count: int) -> list[Job]:
    """The same ones each time, distributions in turn so that none fills the sample."""
    chance = random.Random(SEED)
    groups: dict[str, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: job.row.id):
        groups.setdefault(job.row.project, []).append(job)
    for group in groups.values():
        chance.shuffle(group)
    turns = [
        group[n]
        for n in range(max(map(len, groups.values()), default=0))
        for group in groups.values()
        if n < len(group)
    ]
    return turns[:count]


# ---------------------------------------------------------------------------------------------------------------- one package


def kept_file(job: Job) -> Path:
    return job.folder / "mutations" / f"{job.row.id}.json"


def kept(job: Job, *, again: bool) -> dict[str, Any]:
    """The kept outcome of a package, or a new one."""
    file = kept_file(job)
    if again or not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"project": job.row.project, "path": job.row.path, **broken(job)}))
    return dict(json.loads(file.read_text()))


def broken(job: Job) -> dict[str, Any]:
    """Every kind of change made to the package of one notebook."""
    from mlready.convert import Options, convert
    from mlready.convert.verify import Reference
    from mlready.convert.verify.runs import Setup, work_folder

    with tempfile.TemporaryDirectory() as folder, work_folder() as work:
        into = Path(folder) / "project"
        done = convert([job.notebook], Options(into=into, package="package", python=job.python))
        done.changes.apply()
        plan, source = done.plans[0], into / "src"
        setup = Setup(job.python, job.timeout, work, str(FINGERPRINT))
        reference = Reference(plan, setup, keep=job.folder / "references" / job.row.id)
        whole = reference.judge(plan, source)
        if whole.differs:
            return {"mutants": [], "problem": f"not verified now: {whole.reason}"}
        prints = stable_prints(whole.extra)
        modules = {p.relative_to(source).as_posix(): p.read_text() for p in sorted((source / "package").rglob("*.py"))}

        def judged(mutant: Mutant) -> str:
            place = Path(tempfile.mkdtemp(dir=folder)) / "src"
            shutil.copytree(source, place)
            (place / mutant.path).write_text(mutant.text)
            verdict = reference.judge(plan, place)
            found = verdict.extra.get("candidate") or {}
            changed = bool(verdict.error) or any(found.get(name) != print_ for name, print_ in prints.items())
            return ("called" if verdict.differs else "missed") if changed else ("seen" if verdict.differs else "equal")

        return {"mutants": list(drawn(modules, judged, job.row.id))}


def stable_prints(extra: dict[str, Any]) -> dict[str, str]:
    """Fingerprints that the unbroken package shares with the last two reference runs."""
    first, second = (extra.get("reference") or [{}, {}])[-2:]
    found = extra.get("candidate") or {}
    return {name: p for name, p in found.items() if p is not None and first.get(name) == p == second.get(name)}


def drawn(modules: dict[str, str], judged: Callable[[Mutant], str], seed: str) -> Iterator[dict[str, Any]]:
    """For each kind, changes drawn until one has an effect; all that were tried are told."""
    for kind, make in KINDS.items():
        chance = random.Random(f"{SEED} {seed} {kind}")
        found = [
            mutant for path, text in modules.items() if not path.endswith(NOT_STEPS) for mutant in make(path, text)
        ]
        chance.shuffle(found)
        for mutant in found[:TRIES]:
            outcome = judged(mutant)
            yield {"kind": kind, "where": f"{mutant.path}:{mutant.line}", "what": mutant.what, "outcome": outcome}
            if outcome in ("called", "missed"):
                break


NOT_STEPS = ("outputs.py", "__main__.py", "pipeline.py", "__init__.py")


# --------------------------------------------------------------------------------------------------------------- the changes


def constants(path: str, text: str) -> Iterator[Mutant]:
    """Each number and truth value, changed."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            new = repr(not node.value if isinstance(node.value, bool) else node.value * 2 + 1)
            yield Mutant("constant", path, node.lineno, f"{node.value!r} -> {new}", replaced(text, node, new))


def swaps(path: str, text: str) -> Iterator[Mutant]:
    """Neighbors of which the second depends on the first, in the other order; what would only fail comes only without others."""
    found: list[tuple[bool, Mutant]] = []
    for block, known in blocks(ast.parse(text)):
        flows = analyze(block)
        for place, (one, other) in enumerate(itertools.pairwise(flows)):
            if not (writes(one) & (other.reads | writes(other)) or writes(other) & one.reads):
                continue
            earlier = known.union(*(flow.binds for flow in flows[:place]))
            fails = bool(other.reads & one.binds - earlier)
            found.append((fails, swapped(path, text, block[place], block[place + 1])))
    kept = [mutant for fails, mutant in found if not fails] or [mutant for _, mutant in found]
    yield from kept


def lost(path: str, text: str) -> Iterator[Mutant]:
    """Each statement that only changes something in place, left out."""
    for block, _ in blocks(ast.parse(text)):
        for node, flow in zip(block, analyze(block), strict=True):
            simple = isinstance(node, ast.Expr | ast.Assign | ast.AugAssign)
            if simple and flow.mutates and not flow.binds - flow.mutates:
                what = f"{ast.unparse(node)[:SHOWN]} left out"
                yield Mutant("in place", path, node.lineno, what, replaced(text, node, "pass"))


KINDS: dict[str, Callable[[str, str], Iterator[Mutant]]] = {"constant": constants, "swap": swaps, "in place": lost}


def blocks(tree: ast.Module) -> Iterator[tuple[list[ast.stmt], frozenset[str]]]:
    """The statements of each function without its docstring and return, and the names of its parameters."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            inner = [statement for statement in body if not isinstance(statement, ast.Return)]
            yield inner, frozenset(argument.arg for argument in node.args.args)


def writes(flow: StatementFlow) -> frozenset[str]:
    return flow.binds | flow.mutates


def swapped(path: str, text: str, one: ast.stmt, other: ast.stmt) -> Mutant:
    second = ast.get_source_segment(text, other) or ""
    first = ast.get_source_segment(text, one) or ""
    what = f"{first[:SHOWN]} <-> {second[:SHOWN]}"
    return Mutant("swap", path, one.lineno, what, replaced(replaced(text, other, first), one, second))


def replaced(text: str, node: ast.stmt | ast.expr, new: str) -> str:
    """The text with one node's source replaced; positions of nodes count bytes."""
    lines = text.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    data = text.encode()
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
    return (data[:begin] + new.encode() + data[end:]).decode()


# ------------------------------------------------------------------------------------------------------------------ the page


def page(results: Sequence[dict[str, Any]]) -> list[str]:
    packages = [result for result in results if result["mutants"]]
    counts = Counter((m["kind"], m["outcome"]) for result in packages for m in result["mutants"])
    lines = [
        f"{len(packages)} verified packages, changes drawn with seed {SEED}.",
        "",
        '| change | with an effect | called "differs" | without an effect on fingerprints | of these called for their output |',
        "|---|---|---|---|---|",
    ]
    for kind in KINDS:
        called, missed = counts[kind, "called"], counts[kind, "missed"]
        seen, equal = counts[kind, "seen"], counts[kind, "equal"]
        lines.append(f"| {NAMES[kind]} | {called + missed} | {called} | {seen + equal} | {seen} |")
    for result in packages:
        for mutant in result["mutants"]:
            if mutant["outcome"] == "missed":
                lines += ["", f"Missed: {result['project']}, {result['path']}, {mutant['where']}: `{mutant['what']}`"]
    return lines


NAMES = {"constant": "a constant", "swap": "two statements swapped", "in place": "a change in place lost"}

if __name__ == "__main__":
    sys.exit(main())
