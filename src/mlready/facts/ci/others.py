"""Smaller providers, one function each: Travis, Bitbucket, and those that count as "other"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlready.facts.ci.common import MAX_JOBS, MAX_STEPS, Pairs, flat, is_true, pairs, run_step, text, unique
from mlready.facts.reading import clean
from mlready.facts.rows import Automation, Job, Step
from mlready.facts.yamltree import MISSING, Node

_TRAVIS = ("before_install", "install", "before_script", "script", "after_success", "after_script", "before_deploy")
_TRAVIS_LANGUAGES = ("python", "os", "node_js", "dist")


def commands(*nodes: Node, name: str = "") -> tuple[Step, ...]:
    """A step per command of scripts that are scalars or lists."""
    found = (item for item in flat(part for node in nodes for part in node.listed()) if item.kind == "scalar")
    return tuple(run_step(item, name=name) for item in found)[:MAX_STEPS]


# ------------------------------------------------------------------------------------------------------------- Travis


def read_travis(root: Node) -> Automation:
    """A .travis.yml."""
    included = (*root.get("jobs", "include").items, *root.get("matrix", "include").items)
    jobs = [_travis_job(root, item) for item in included if item.kind == "map"] or [_travis_job(root, root)]
    crons = any("cron" in text(node.get("if")) for node in (root, *included))
    return Automation(
        "travis",
        triggers=("push", "pull-request", *(("schedule",) if crons else ())),
        jobs=tuple(jobs[:MAX_JOBS]),
        env=_travis_env(root.get("env")),
        branches=tuple(("push", clean(name)) for name in root.get("branches", "only").texts()),
    )


def _travis_job(root: Node, node: Node) -> Job:
    steps = [step for part in _TRAVIS for step in commands(node.get(part) or root.get(part), name=part)]
    for deploy in (node.get("deploy") or root.get("deploy")).listed():
        steps += commands(deploy.get("script"), name="deploy")
        steps += [Step(deploy.line, uses=f"deploy:{text(deploy.get('provider'))}", name="deploy")]
    matrix = (pair for key in _TRAVIS_LANGUAGES for pair in _values(key, node.get(key) or root.get(key)))
    return Job(
        text(node.get("name")) or text(node.get("stage")) or "build",
        node.line,
        steps=tuple(steps),
        condition=text(node.get("if")),
        env=_travis_env(node.get("env")) if node is not root else (),
        matrix=tuple(matrix),
    )


def _values(key: str, node: Node) -> Iterator[tuple[str, str]]:
    for item in node.listed():
        if item.kind == "scalar":
            yield key, text(item)
            yield from [(f"{key}:unquoted-float", item.text)] if item.lossy else []


def _travis_env(node: Node) -> Pairs:
    """`env` as a map, a list of "NAME=value" texts or both under `global`; encrypted values are left out."""
    if node.get("global"):
        return _travis_env(node.get("global"))
    if node.kind == "map":
        return tuple(pair for pair in pairs(node) if pair[0] not in ("secure", "matrix", "jobs"))
    words = [word for item in node.texts() for word in item.split() if "=" in word]
    fake = ((Node("scalar", 0, word.partition("=")[0]), Node("scalar", 0, word.partition("=")[2])) for word in words)
    return pairs(Node("map", node.line, pairs=tuple(fake)))


# ---------------------------------------------------------------------------------------------------------- Bitbucket

_BITBUCKET = {
    "default": ("push",),
    "branches": ("push",),
    "pull-requests": ("pull-request",),
    "tags": ("tag",),
    "custom": ("manual",),
    "bookmarks": ("push",),
}


def read_bitbucket(root: Node) -> Automation:
    """A bitbucket-pipelines.yml."""
    pipelines = root.get("pipelines")
    jobs = [
        _bitbucket_job(root, step, triggers=_BITBUCKET[section])
        for section, node in pipelines.entries()
        if section in _BITBUCKET
        for step in _bitbucket_steps(node)
    ]
    triggers = (name for section, _ in pipelines.entries() for name in _BITBUCKET.get(section, ()))
    includes = unique(text(node.get("import")) for _, node in pipelines.get("custom").entries())
    return Automation("bitbucket", triggers=unique(triggers), jobs=tuple(jobs[:MAX_JOBS]), includes=includes)


def _bitbucket_steps(node: Node, depth: int = 0) -> Iterator[Node]:
    """Steps below names of branches, `parallel`, `stage` and lists."""
    if depth > 8:
        return
    for item in node.items:
        yield from _bitbucket_steps(item, depth + 1)
    for key, value in node.entries():
        if key == "step" and value.kind == "map":
            yield value
        elif value.kind != "scalar" and key not in ("variables", "caches"):
            yield from _bitbucket_steps(value, depth + 1)


def _bitbucket_job(root: Node, step: Node, *, triggers: tuple[str, ...]) -> Job:
    image = step.get("image") or root.get("image")
    rows: list[Step] = []
    for item in flat((*step.get("script").listed(), *step.get("after-script").listed())):
        pipe = text(item.get("pipe"))
        rows.append(Step(item.line, uses=pipe, inputs=pairs(item.get("variables"))) if pipe else run_step(item))
    return Job(
        text(step.get("name")) or "step",
        step.line,
        steps=tuple(rows[:MAX_STEPS]),
        image=text(image.get("name") if image.kind == "map" else image),
        environment=text(step.get("deployment")),
        triggers=("manual",) if step.get("trigger").text == "manual" else triggers,
    )


# ------------------------------------------------------------------------------------------------------------- others


def read_cloudbuild(root: Node) -> Automation:
    """Google Cloud Build: a step is an image with arguments."""
    steps = []
    for item in root.get("steps").items[:MAX_STEPS]:
        words = item.get("entrypoint").texts() + item.get("args").texts()
        script = item.get("script") or Node("scalar", item.get("args").line or item.line, " ".join(words))
        row = run_step(script, name=text(item.get("id")))
        steps.append(
            Step(
                item.line,
                row.run,
                text(item.get("name")),
                row.name,
                env=_assigned(item.get("env")),
                run_line=row.run_line,
            )
        )
    steps += [
        Step(item.line, uses=f"push-image:{text(item)}") for item in root.get("images").items if item.kind == "scalar"
    ]
    job = Job("build", root.get("steps").line or 1, tuple(steps), env=pairs(root.get("substitutions")))
    return Automation("other", triggers=("push",), jobs=(job,))


def _assigned(node: Node) -> Pairs:
    """`["A=1", "B=2"]` as pairs."""
    words = [item.partition("=") for item in node.texts()]
    return pairs(
        Node(
            "map",
            node.line,
            pairs=tuple((Node("scalar", 0, name), Node("scalar", 0, value)) for name, _, value in words),
        )
    )


def read_buildspec(root: Node) -> Automation:
    """AWS CodeBuild."""
    phases = root.get("phases")
    steps = (
        step
        for name, node in phases.entries()
        for step in commands(node.get("commands"), node.get("finally"), name=name)
    )
    versions = pairs(phases.get("install", "runtime-versions"))
    job = Job("build", phases.line or 1, tuple(steps), env=pairs(root.get("env", "variables")), matrix=versions)
    return Automation("other", triggers=("push",), jobs=(job,))


_EVENTS = {"push": "push", "pull_request": "pull-request", "tag": "tag", "cron": "schedule", "custom": "manual"}
_EVENTS |= {"promote": "manual", "manual": "manual", "deployment": "manual", "release": "release"}


def read_drone(documents: Iterable[Node]) -> Automation:
    """Drone and Woodpecker: a document per pipeline, steps as a list or a map."""
    jobs: list[Job] = []
    triggers: list[str] = []
    crons: list[str] = []
    for root in documents:
        if root.get("kind") and root.get("kind").text != "pipeline":
            continue
        steps = root.get("steps") or root.get("pipeline")
        nodes = steps.items or tuple(node for _, node in steps.entries())
        rows = tuple(step for node in nodes for step in _drone_steps(node))
        events = _drone_events(root.get("trigger")) or _drone_events(root.get("when"))
        triggers += events
        crons += root.get("trigger", "cron").texts()
        first = next((text(node.get("image")) for node in nodes if node.get("image")), "")
        jobs.append(
            Job(text(root.get("name")) or "pipeline", root.line, rows[:MAX_STEPS], image=first, triggers=events)
        )
    return Automation("other", triggers=unique(triggers or ["push", "pull-request"]), jobs=tuple(jobs[:MAX_JOBS]))


def _drone_steps(node: Node) -> tuple[Step, ...]:
    plugin = node.get("settings")
    if plugin:
        return (Step(node.line, uses=text(node.get("image")), name=text(node.get("name")), inputs=pairs(plugin)),)
    return commands(node.get("commands"), name=text(node.get("name")))


def _drone_events(node: Node) -> tuple[str, ...]:
    names = [name for item in node.listed() for name in item.get("event").texts()]
    names += node.get("event", "include").texts()
    return unique(_EVENTS.get(name, "") for name in names)


_APPVEYOR = (
    *("init", "install", "before_build", "build_script", "after_build", "before_test", "test_script", "after_test"),
    *("on_success", "before_deploy", "deploy_script", "on_finish"),
)


def read_appveyor(root: Node) -> Automation:
    """AppVeyor: commands are texts or maps such as `- ps: …`."""
    steps: list[Step] = []
    for part in _APPVEYOR:
        for item in flat(root.get(part).listed()):
            node = item if item.kind == "scalar" else next((value for _, value in item.entries()), MISSING)
            steps += commands(node, name=part)
    matrix = tuple(pair for item in root.get("environment", "matrix").items for pair in pairs(item))
    job = Job("build", root.line, tuple(steps[:MAX_STEPS]), image=text(root.get("image")), matrix=matrix[:200])
    return Automation("other", triggers=("push", "pull-request"), jobs=(job,))


def read_buildkite(root: Node) -> Automation:
    """Buildkite: a list of steps, each a job of its own."""
    jobs = []
    for item in (root.get("steps") or root).items[:MAX_JOBS]:
        plugins = [
            name for plugin in item.get("plugins").listed() for name in (plugin.text, *(k for k, _ in plugin.entries()))
        ]
        steps = (
            *commands(item.get("command"), item.get("commands")),
            *(Step(item.line, uses=clean(name)) for name in plugins if name),
        )
        if steps or item.get("trigger"):
            name = text(item.get("label")) or text(item.get("key")) or "step"
            jobs.append(
                Job(name, item.line, steps, calls=text(item.get("trigger")), tolerated=is_true(item.get("soft_fail")))
            )
    return Automation("other", triggers=("push",), jobs=tuple(jobs), env=pairs(root.get("env")))


def read_semaphore(root: Node) -> Automation:
    """Semaphore: blocks of jobs with commands."""
    jobs = []
    for block in root.get("blocks").items:
        task = block.get("task")
        prologue = commands(task.get("prologue", "commands"), name="prologue")
        for job in task.get("jobs").items:
            name = text(job.get("name")) or text(block.get("name"))
            jobs.append(
                Job(name, job.line, prologue + commands(job.get("commands")), needs=block.get("dependencies").texts())
            )
    includes = (text(item.get("pipeline_file")) for item in root.get("promotions").items)
    return Automation("other", triggers=("push",), jobs=tuple(jobs[:MAX_JOBS]), includes=unique(includes))


def read_cirrus(root: Node) -> Automation:
    """Cirrus CI: top-level keys that end in "task", scripts in keys that end in "script"."""
    jobs = []
    for key, node in root.pairs:
        if not key.text.endswith("task"):
            continue
        steps = tuple(
            step
            for name, value in node.entries()
            if name.endswith("script")
            for step in commands(value, name=clean(name))
        )
        image = text(node.get("container", "image"))
        jobs.append(Job(text(node.get("name")) or clean(key.text), key.line, steps[:MAX_STEPS], image=image))
    return Automation("other", triggers=("push", "pull-request"), jobs=tuple(jobs[:MAX_JOBS]))
