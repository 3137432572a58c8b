"""Which files are CI configurations, and which reader fits each."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlready.facts.reading import Unreadable, decode, guarded
from mlready.facts.rows import Automation, FileFacts
from mlready.facts.yamltree import Node, Tree, load_yaml

_YAML = r"\.ya?ml$"
_PROVIDERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("workflow", r"(^|/)\.(github|gitea|forgejo)/workflows/[^/]+" + _YAML),
        ("action", r"(^|/)action" + _YAML),
        (
            "gitlab",
            r"(^|/)(\.gitlab-ci|[^/]*\.gitlab-ci)" + _YAML + r"|(^|/)\.gitlab(-ci)?/(?!issue_|merge_).*" + _YAML,
        ),
        (
            "azure",
            r"(^|/)[^/]*azure[-_]?pipelines?[^/]*"
            + _YAML
            + r"|(^|/)\.(azure-?pipelines|azuredevops|vsts-ci)[^/]*/.*"
            + _YAML,
        ),
        ("circleci", r"(^|/)\.circleci/[^/]*" + _YAML),
        ("travis", r"(^|/)\.travis" + _YAML),
        ("jenkins", r"(^|/)([^/]*\.)?Jenkinsfile(\.(?!py|md)[^/]*)?$|\.jenkinsfile$"),
        ("bitbucket", r"(^|/)bitbucket-pipelines" + _YAML),
        ("cloudbuild", r"(^|/)[^/]*cloud-?build[^/]*" + _YAML),
        ("buildspec", r"(^|/)[^/]*buildspec[^/]*" + _YAML),
        ("drone", r"(^|/)\.drone" + _YAML + r"|(^|/)\.woodpecker(/[^/]*)?" + _YAML),
        ("appveyor", r"(^|/)\.?appveyor" + _YAML),
        ("buildkite", r"(^|/)\.buildkite/[^/]*" + _YAML),
        ("semaphore", r"(^|/)\.semaphore/[^/]*" + _YAML),
        ("cirrus", r"(^|/)\.cirrus" + _YAML),
        # Names that other tools use as well: only what reads like an Azure pipeline counts.
        ("maybe-azure", r"(^|/)(\.?pipelines?|\.?devops|\.?ado|\.?azure|devops[-_]pipelines?|\.?ci)/.*" + _YAML),
        ("maybe-azure", r"(^|[/._-])(pipelines?|ci|cd|pr|build|deploy|release)([._-][^/]*)?" + _YAML),
    )
)
# Names that other files have too: only with this key it is what the name promises.
_DEFINING = {"action": "runs", "cloudbuild": "steps", "buildspec": "phases"}
_TEMPLATE = re.compile(r"(^|/)[^/]*templates?[^/]*(/|\.ya?ml$)", re.IGNORECASE)


def claims(path: str) -> bool:
    """Is it a CI configuration by its name? Some folders are shared: `read` then returns empty facts for other files."""
    return bool(_kind(path))


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """The facts of a CI configuration; broken YAML keeps what was read before the break, with a `problem`."""
    kind = _kind(path)
    if not kind:
        return FileFacts()
    if kind == "jenkins":
        from mlready.facts.ci.jenkins import read_jenkinsfile

        return FileFacts(automation=read_jenkinsfile(decode(data)))
    tree = load_yaml(decode(data))
    if kind == "maybe-azure":
        return _maybe_azure(path, tree)
    if not tree.documents:
        raise Unreadable(tree.problem or "empty")
    if tree.root.kind == "scalar":
        raise Unreadable(f"not a {kind} file: a map was expected")
    if kind in _DEFINING and not tree.root.get(_DEFINING[kind]):
        return FileFacts(problem=tree.problem)
    automation = _narrowed(_READERS[kind](path, tree))
    return FileFacts(problem=tree.problem or automation.problem, automation=automation)


def _narrowed(automation: Automation) -> Automation:
    """Triggers stand on a job only where they are fewer than those of the whole file."""
    import msgspec

    whole = set(automation.triggers)
    jobs = (msgspec.structs.replace(job, triggers=()) if whole <= set(job.triggers) else job for job in automation.jobs)
    return msgspec.structs.replace(automation, jobs=tuple(jobs))


def _kind(path: str) -> str:
    return next((name for name, pattern in _PROVIDERS if pattern.search(path)), "")


def _maybe_azure(path: str, tree: Tree) -> FileFacts:
    from mlready.facts.ci.azure import looks_like_azure, read_azure

    root = tree.root
    if not looks_like_azure(root):
        return FileFacts()
    return FileFacts(
        problem=tree.problem, automation=read_azure(root, path=path, template=bool(_TEMPLATE.search(path)))
    )


def _workflow(_path: str, tree: Tree) -> Automation:
    from mlready.facts.ci.github import read_workflow

    return read_workflow(tree.root)


def _action(_path: str, tree: Tree) -> Automation:
    from mlready.facts.ci.github import read_action

    return read_action(tree.root)


def _gitlab(_path: str, tree: Tree) -> Automation:
    from mlready.facts.ci.gitlab import read_gitlab

    # A component has a `spec` document first; the jobs are in the last one.
    return read_gitlab(tree.documents[-1])


def _azure(path: str, tree: Tree) -> Automation:
    from mlready.facts.ci.azure import read_azure

    return read_azure(tree.root, path=path, template=bool(_TEMPLATE.search(path)))


def _circleci(_path: str, tree: Tree) -> Automation:
    from mlready.facts.ci.circleci import read_circleci

    return read_circleci(tree.root)


def _other(name: str) -> Callable[[str, Tree], Automation]:
    def read_one(_path: str, tree: Tree) -> Automation:
        from mlready.facts.ci import others

        reader: Callable[[Node], Automation] = getattr(others, f"read_{name}")
        return reader(tree.root)

    return read_one


def _drone(_path: str, tree: Tree) -> Automation:
    from mlready.facts.ci.others import read_drone

    return read_drone(tree.documents)


_READERS: dict[str, Callable[[str, Tree], Automation]] = {
    "workflow": _workflow,
    "action": _action,
    "gitlab": _gitlab,
    "azure": _azure,
    "circleci": _circleci,
    "drone": _drone,
    **{
        name: _other(name)
        for name in ("travis", "bitbucket", "cloudbuild", "buildspec", "appveyor", "buildkite", "semaphore", "cirrus")
    },
}
