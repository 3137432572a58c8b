"""Records of the reference runs and of the package: a verdict for each value, shown value and figure."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from mlready.convert.verify.inside.describe import Tree
from mlready.convert.verify.inside.trees import EQUAL, LEVELS, NEAR, compare, short


def compare_records(job: dict[str, Any]) -> dict[str, Any]:
    """Verdict per value and per shown value. Of the references, the first two ran as is, the rest under seeds."""
    plain = [_load(path) for path in job["plain"]]
    seeded = [_load(path) for path in job["seeded"]]
    package = _load(job["candidate"]) if job.get("candidate") else None
    values: dict[str, dict[str, Any]] = {}
    skipped, known = set(job["imported"]), {*job["variables"], *job["definitions"]}
    for name, tree in plain[0]["values"].items():
        if name in skipped or (job["stars"] and name not in known):
            values[name] = {"verdict": "skipped", "why": "an import"}
        else:
            values[name] = _judge(name, tree, plain, seeded, package)
    return {
        "values": values,
        "shown": _judge_shown(job, plain, seeded, package),
        "drawn": _judge_drawn(job, plain, seeded, package),
        "extra": [record["extra"] for record in (*plain, *seeded)],
        "extra_candidate": package["extra"] if package else {},
        "error": package["error"] if package else None,
        "texts": package["texts"] if package else [],
        "versions": plain[0]["versions"],
        "examples": package["examples"] if package else {},
        "results": package["results"] if package else {},
    }


def _load(path: str) -> Any:
    with Path(path).open("rb") as file:
        return pickle.load(file)


def _judge(name: str, tree: Tree, plain: list[Any], seeded: list[Any], package: Any) -> dict[str, Any]:
    if tree[0] in ("opaque", "limit"):
        return {"verdict": "not comparable", "why": short(tree)}
    if tree[0] in ("module", "plot", "rng"):
        return {"verdict": "skipped" if tree[0] == "module" else "left out", "why": short(tree)}
    stability, reference = _stable(name, plain, seeded)
    if stability == "unstable":
        return {"verdict": "unstable"}
    if package is None:
        return {"verdict": stability}
    if name not in package["values"]:
        return {"verdict": "missing", "stability": stability}
    found = package["values"][name]
    steady = all(compare(reference, record["values"].get(name, ("",)), strict=True)[0] == EQUAL for record in plain)
    level, why = compare(reference, found, strict=steady and len(plain) > 1 and stability == "stable")
    return {"verdict": LEVELS[level], "why": why, "stability": stability, "kind": tree[0]}


def _stable(name: str, plain: list[Any], seeded: list[Any]) -> tuple[str, Tree]:
    """How stable a value is, and what the package must have. The package runs under seeds where there are such runs,
    so those come first: a random value can be the same twice by chance."""
    for records in (seeded, plain):
        trees = [record["values"].get(name) for record in records]
        if trees and _all_equal(trees):
            others = [record["values"].get(name) for record in plain]
            return "stable" if _all_equal([trees[0], *others]) else "stable under seeds", trees[0]
    return "unstable", None


def _all_equal(trees: list[Any]) -> bool:
    return all(tree is not None and compare(trees[0], tree)[0] == EQUAL for tree in trees)


def _judge_shown(job: dict[str, Any], plain: list[Any], seeded: list[Any], package: Any) -> list[dict[str, Any]]:
    """Shown values, by group of cells that share steps."""
    found: list[dict[str, Any]] = []
    for group in job["groups"]:
        cells, steps = set(group["shown_cells"]), set(group["steps"])
        lists = [_shown_in(record, cells) for record in (seeded or plain)]
        if not _same_lists(lists):
            lists = [_shown_in(record, cells) for record in plain]
        if not _same_lists(lists):
            found.append({"cells": sorted(cells), "verdict": "unstable"})
            continue
        if package is None or not cells:
            continue
        got = _shown_in(package, steps)
        verdict = "equal" if _same_lists([lists[0], got]) else "differs"
        if lists[0] or got:
            found.append({"cells": sorted(cells), "steps": sorted(steps), "verdict": verdict, "count": len(lists[0])})
    return found


def _judge_drawn(job: dict[str, Any], plain: list[Any], seeded: list[Any], package: Any) -> list[dict[str, Any]]:
    """Figures, by group of cells that share steps: each must be there on the other side; how often does not count."""
    found: list[dict[str, Any]] = []
    for group in job["groups"]:
        cells, steps = set(group["cells"]), set(group["steps"])
        lists = [_drawn_in(record, cells) for record in (seeded or plain)]
        got = _drawn_in(package, steps) if package else []
        if not lists[0] and not got:
            continue
        where = sorted({place for place, tree in (seeded or plain)[0]["shown"] if place in cells and _is_drawn(tree)})
        verdict = "unstable"
        if all(_same_figures(lists[0], other) for other in lists):
            verdict = "equal" if _same_figures(lists[0], got) else "differs"
        told = {"cells": sorted(cells), "steps": sorted(steps), "verdict": verdict, "count": len(lists[0])}
        found.append({**told, "drawing_cells": where})
    return found


def _drawn_in(record: Any, places: set[Any]) -> list[Tree]:
    return [tree for place, tree in record["shown"] if place in places and _is_drawn(tree)]


def _is_drawn(tree: Tree) -> bool:
    return bool(tree[0] == "figure" and tree[1])


def _same_figures(left: list[Tree], right: list[Tree]) -> bool:
    return all(any(compare(a, b)[0] <= NEAR for b in right) for a in left) and all(
        any(compare(a, b)[0] <= NEAR for a in left) for b in right
    )


def _shown_in(record: Any, places: set[Any]) -> list[Tree]:
    """Shown values of some cells or steps. Figures are compared by themselves."""
    plots = ("figure", "axes", "plot")
    return [tree for place, tree in record["shown"] if place in places and tree[0] not in plots]


def _same_lists(lists: list[list[Tree]]) -> bool:
    first = lists[0]
    return all(
        len(other) == len(first) and all(compare(a, b)[0] <= NEAR for a, b in zip(first, other, strict=True))
        for other in lists[1:]
    )
