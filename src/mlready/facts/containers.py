"""Dockerfiles, Containerfiles and compose files."""

from __future__ import annotations

import re

from mlready.facts.reading import Unreadable, clean, decode, guarded
from mlready.facts.rows import FileFacts, Service
from mlready.facts.yamltree import Node, load_yaml

_DOCKERFILE = re.compile(
    r"(^|/)(?:(?:[^/]+\.)?(?:Docker|Container)file(?:[\d._-][^/]*)?|[^/]+[._-](?:dockerfile|containerfile))$",
    re.IGNORECASE,
)
_NOT_DOCKERFILE = re.compile(
    r"\.(dockerignore|containerignore|md|rst|txt|py|pyc|sh|ya?ml|json|js|ts|j2|jinja2?|tmpl|tpl|erb|html)$"
)
_COMPOSE = re.compile(
    r"(^|/)(?:(?:docker|podman)[-_]?compose|compose|docker-stack)(?:[._-][^/]*)?\.ya?ml$|[._-](?:docker-)?compose\.ya?ml$",
    re.IGNORECASE,
)
MAX_SERVICES = 300


def claims(path: str) -> bool:
    """Is it a container or compose file by its name?"""
    return _is_dockerfile(path) or bool(_COMPOSE.search(path))


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """A Container row for a Dockerfile, Service rows for a compose file."""
    if _is_dockerfile(path):
        return _dockerfile(decode(data))
    if _COMPOSE.search(path):
        return _compose(decode(data))
    return FileFacts()


def _is_dockerfile(path: str) -> bool:
    return bool(_DOCKERFILE.search(path)) and not _NOT_DOCKERFILE.search(path.lower())


def _dockerfile(text: str) -> FileFacts:
    from mlready.facts.dockerfile import read_dockerfile

    container = read_dockerfile(text)
    problem = "" if container.stages else "not a Dockerfile: there is no FROM"
    return FileFacts(problem=problem, container=container)


def _compose(text: str) -> FileFacts:
    tree = load_yaml(text)
    if tree.problem and not tree.documents:
        raise Unreadable(tree.problem)
    root = tree.root
    entries = root.get("services").pairs or tuple(
        pair for pair in root.pairs if pair[1].get("image") or pair[1].get("build")
    )
    services = tuple(_service(key, node) for key, node in entries[:MAX_SERVICES])
    problem = "" if root.kind == "map" else "not a compose file: a map was expected"
    return FileFacts(problem=tree.problem or problem, services=services)


def _service(key: Node, node: Node) -> Service:
    from mlready.facts.ci.common import text

    build = node.get("build")
    check = node.get("healthcheck")
    off = check.get("disable").text == "true" or "NONE" in check.get("test").texts()
    command = node.get("command") or node.get("entrypoint")
    return Service(
        clean(key.text),
        key.line,
        image=text(node.get("image")),
        build=text(build.get("context")) or "." if build.kind == "map" else text(build),
        command=_words(command),
        healthcheck=bool(check) and not off,
        dockerfile=text(build.get("dockerfile")),
        environment=_environment(node.get("environment")),
        ports=tuple(clean(item) for item in node.get("ports").texts()),
        volumes=tuple(clean(item) for item in node.get("volumes").texts()),
        needs=tuple(clean(name) for name in _names(node.get("depends_on"))),
        user=text(node.get("user")),
    )


def _words(node: Node) -> str:
    from mlready.facts.masking import mask_text

    words = node.text if node.kind == "scalar" else " ".join(node.texts())
    return clean(mask_text(words.strip()), limit=5_000)


def _names(node: Node) -> tuple[str, ...]:
    return node.texts() if node.kind != "map" else tuple(name for name, _ in node.entries())


def _environment(node: Node) -> tuple[tuple[str, str], ...]:
    from mlready.facts.ci.common import pairs
    from mlready.facts.masking import mask_value

    if node.kind == "map":
        return pairs(node)
    words = (item.partition("=") for item in node.texts())
    return tuple((clean(name), clean(mask_value(name, value))) for name, _, value in words)[:300]
