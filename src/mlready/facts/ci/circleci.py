"""CircleCI 2.x: commands and executors of the file are followed, orbs are named."""

from __future__ import annotations

from collections.abc import Iterator

from mlready.facts.ci.common import MAX_JOBS, MAX_STEPS, Budget, Pairs, pairs, run_step, text, unique
from mlready.facts.reading import clean
from mlready.facts.rows import Automation, Job, Step
from mlready.facts.yamltree import MISSING, Node

_BUILT_IN = {"checkout", "setup_remote_docker", "save_cache", "restore_cache", "store_artifacts", "store_test_results"}
_BUILT_IN |= {"persist_to_workspace", "attach_workspace", "add_ssh_keys", "deploy"}
_MAX_COMMANDS = 5


def read_circleci(root: Node) -> Automation:
    """A .circleci/config.yml."""
    used = list(_used(root))
    known = {key.text: (key, node) for key, node in root.get("jobs").pairs}
    jobs = [_job(root, *known[name], use=use) for name, use in used if name in known]
    jobs += [_foreign(name, use) for name, use in used if name not in known]
    jobs += [_job(root, key, node, use=_Use()) for key, node in known.values() if key.text not in {n for n, _ in used}]
    crons = [text(item.get("schedule", "cron")) for _, flow in _workflows(root) for item in flow.get("triggers").items]
    starts = [trigger for _, flow in _workflows(root) for trigger in _flow_triggers(flow)]
    orbs = (text(node) for _, node in root.get("orbs").entries() if node.kind == "scalar")
    return Automation(
        "circleci",
        triggers=unique(starts or ["push"]),
        crons=unique(crons),
        jobs=tuple(jobs[:MAX_JOBS]),
        includes=unique(orbs),
    )


class _Use:
    """How a workflow uses a job: its needs, limits and triggers."""

    def __init__(self, node: Node = MISSING, triggers: tuple[str, ...] = ()) -> None:
        self.node = node
        self.triggers = triggers

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(clean(name) for name in self.node.get("requires").texts())

    @property
    def condition(self) -> str:
        filters = pairs(self.node.get("filters"))
        return clean("; ".join(f"{name}: {value}" for name, value in filters).replace("\n", " "))


def _workflows(root: Node) -> Iterator[tuple[str, Node]]:
    return ((name, flow) for name, flow in root.get("workflows").entries() if flow.kind == "map")


def _flow_triggers(flow: Node) -> tuple[str, ...]:
    """A workflow with `triggers` runs on its schedule only; one that asks for a scheduled pipeline likewise."""
    if flow.get("triggers"):
        return ("schedule",)
    condition = " ".join(
        value for _, value in pairs(Node("map", 0, pairs=((Node("scalar", 0, "w"), flow.get("when")),)))
    )
    return ("schedule",) if "scheduled_pipeline" in condition else ("push",)


def _used(root: Node) -> Iterator[tuple[str, _Use]]:
    """(job, use) for each job that workflows run; a job that several run counts once for each."""
    for _, flow in _workflows(root):
        triggers = _flow_triggers(flow)
        for item in flow.get("jobs").items:
            name, use = item.pairs[0] if item.kind == "map" and item.pairs else (item, MISSING)
            if name.kind == "scalar" and use.get("type").text != "approval":
                yield name.text, _Use(use, _narrowed(use, triggers))


def _narrowed(use: Node, triggers: tuple[str, ...]) -> tuple[str, ...]:
    """Filters on tags alone (branches all ignored) make it a job for tags."""
    filters = use.get("filters")
    if filters.get("tags") and (filters.get("branches", "ignore") or filters.get("branches", "only")):
        ignored = filters.get("branches", "ignore").texts()
        return ("tag",) if "/.*/" in ignored else ("push", "tag")
    return triggers


def _foreign(name: str, use: _Use) -> Job:
    """A job of an orb."""
    line = use.node.line or 1
    return Job(clean(name), line, calls=clean(name), needs=use.needs, condition=use.condition, triggers=use.triggers)


def _job(root: Node, key: Node, node: Node, *, use: _Use) -> Job:
    executor = node.get("executor")
    shared = root.get("executors", executor.text or executor.get("name").text)
    docker = node.get("docker").items or shared.get("docker").items
    environment = pairs(shared.get("environment")) + pairs(node.get("environment"))
    return Job(
        clean(key.text),
        key.line,
        steps=tuple(_steps(root, node.get("steps").items, folder=_folder(node), budget=Budget()))[:MAX_STEPS],
        needs=use.needs,
        condition=use.condition,
        image=text(docker[0].get("image")) if docker else text(node.get("machine", "image")),
        env=environment,
        matrix=_matrix(use.node.get("matrix", "parameters")),
        triggers=use.triggers,
    )


def _matrix(node: Node) -> Pairs:
    return tuple((name, item) for name, value in pairs(node) for item in value.split("\n"))[:200]


def _folder(node: Node) -> str:
    """The working directory; the checkout lies in ~/project."""
    folder = text(node.get("working_directory"))
    return folder.removeprefix("~/project").lstrip("/") if folder.startswith("~/project") else folder


def _steps(root: Node, items: tuple[Node, ...], *, folder: str, budget: Budget, depth: int = 0) -> Iterator[Step]:
    for item in items:
        if not budget.take():
            return
        name, value = item.pairs[0] if item.kind == "map" and item.pairs else (item, MISSING)
        own = root.get("commands", name.text, "steps")
        if name.text == "run":
            yield _run(value, folder=folder)
        elif name.text in ("when", "unless") and depth < _MAX_COMMANDS:
            yield from _steps(root, value.get("steps").items, folder=folder, budget=budget, depth=depth + 1)
        elif own and depth < _MAX_COMMANDS:
            yield from _steps(root, own.items, folder=folder, budget=budget, depth=depth + 1)
        elif name.kind == "scalar" and name:
            yield Step(item.line, uses=clean(name.text), inputs=pairs(value))


def _run(node: Node, *, folder: str) -> Step:
    if node.kind == "scalar":
        node = Node("map", node.line, pairs=((Node("scalar", node.line, "command"), node),))
    step = run_step(node.get("command"), name=text(node.get("name")), env=pairs(node.get("environment")))
    directory = _folder(node) or folder
    return Step(node.line, step.run, "", step.name, env=step.env, run_line=step.run_line, directory=directory)
