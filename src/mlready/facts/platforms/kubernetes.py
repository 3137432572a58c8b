"""Kubernetes objects, Kustomize and Helm. Templates with `{{ }}` are never rendered: what they hold is marked unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlready.facts.ci.common import Pairs, pairs, text
from mlready.facts.reading import clean
from mlready.facts.rows import FileFacts, PipelineStage, Resource
from mlready.facts.workflows import argo_stages, shell
from mlready.facts.yamltree import MISSING, Node, Tree

MAX_OBJECTS = 1_000
MAX_DETAILS = 60

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_POD_SPECS = (
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
    ("spec", "predictor"),
    ("spec", "rayClusterConfig", "headGroupSpec", "template", "spec"),
    ("spec", "headGroupSpec", "template", "spec"),
    ("spec",),
)
# Their data may be credentials, or is of no interest.
_WITHOUT_SPEC = frozenset({"Secret", "SealedSecret", "ConfigMap", "CustomResourceDefinition"})


def read_objects(tree: Tree) -> FileFacts:
    """A row per object; alerts of a PrometheusRule and templates of an Argo workflow come along."""
    from mlready.facts.platforms.observability import alerts

    resources: list[Resource] = []
    stages: list[PipelineStage] = []
    for node in _objects(tree.documents):
        resources.append(_object(node))
        kind = node.get("kind").text
        if kind == "PrometheusRule":
            resources += alerts(node.get("spec"))
        if "argoproj.io" in node.get("apiVersion").text and "Workflow" in kind:
            stages += argo_stages(node)
        if len(resources) >= MAX_OBJECTS:
            break
    return FileFacts(problem=tree.problem, resources=tuple(resources[:MAX_OBJECTS]), stages=tuple(stages[:MAX_OBJECTS]))


def _objects(documents: Iterable[Node]) -> Iterator[Node]:
    for document in documents:
        if document.get("kind").text == "List" and document.get("items").kind == "seq":
            yield from (item for item in document.get("items").items if item.get("kind"))
        elif document.get("apiVersion") and document.get("kind"):
            yield document


def _object(node: Node) -> Resource:
    kind = node.get("kind").text
    meta = node.get("metadata")
    details: list[tuple[str, str]] = [("apiVersion", text(node.get("apiVersion")))]
    details += [("namespace", text(meta.get("namespace")))] if meta.get("namespace") else []
    if kind not in _WITHOUT_SPEC:
        details += _workload(node)
        details += _scaling(node.get("spec"))
        details += _serving(node.get("spec"))
        details += pairs(node.get("spec"))[:20]
    name = text(meta.get("name")) or text(meta.get("generateName"))
    return Resource("kubernetes", clean(kind), name, node.line, tuple(dict.fromkeys(details))[:MAX_DETAILS])


def _workload(node: Node) -> Pairs:
    """Images, commands, probes and limits of the containers."""
    spec = next((node.get(*path) for path in _POD_SPECS if node.get(*path, "containers")), MISSING)
    found: list[tuple[str, str]] = []
    for container in (*spec.get("initContainers").items, *spec.get("containers").items)[:20]:
        words = " ".join(word for key in ("command", "args") if (word := shell(container.get(key))))
        found += [("image", text(container.get("image")))] if container.get("image") else []
        found += [("command", clean(words))] if words else []
        found += [(probe, "yes") for probe in _PROBES if container.get(probe)]
        found += pairs(container.get("resources", "limits"), prefix="limits.")
        found += pairs(container.get("resources", "requests"), prefix="requests.")
        found += pairs(container.get("securityContext"), prefix="securityContext.")
    found += pairs(spec.get("securityContext"), prefix="securityContext.")
    if schedule := text(node.get("spec", "schedule")) or " ".join(node.get("spec", "schedules").texts()):
        found.append(("schedule", clean(schedule)))
    return tuple(found)


def _scaling(spec: Node) -> Pairs:
    """Replicas and their bounds, from wherever a kind keeps them (HPA, KEDA, KServe)."""
    found = []
    for key, names in (
        ("replicas", ("replicas",)),
        ("minReplicas", ("minReplicas", "minReplicaCount")),
        ("maxReplicas", ("maxReplicas", "maxReplicaCount")),
    ):
        for owner in (spec, spec.get("predictor")):
            found += [(key, text(owner.get(name))) for name in names if owner.get(name)]
    strategy = spec.get("strategy")
    kind = text(strategy.get("type")) or next((name for name, _ in strategy.entries()), "")
    return (*found, *((("strategy", clean(kind)),) if kind else ()))


def _serving(spec: Node) -> Pairs:
    """Models of KServe, Seldon and Ray Serve: where they come from and how traffic is split."""
    predictor = spec.get("predictor")
    found: list[tuple[str, str]] = []
    for name, node in predictor.entries():
        found += [("storageUri", text(node.get("storageUri")))] if node.get("storageUri") else []
        found += [("framework", clean(name))] if node.get("storageUri") and name != "model" else []
    found += [("framework", text(predictor.get("model", "modelFormat", "name")))] if predictor.get("model") else []
    found += (
        [("canaryTrafficPercent", text(predictor.get("canaryTrafficPercent")))]
        if predictor.get("canaryTrafficPercent")
        else []
    )
    for item in spec.get("predictors").items[:10]:
        graph = item.get("graph")
        values = {"modelUri": graph.get("modelUri"), "implementation": graph.get("implementation")}
        values |= {"replicas": item.get("replicas"), "traffic": item.get("traffic")}
        found += [(name, text(node)) for name, node in values.items() if node]
    found += [
        ("import_path", match)
        for match in re.findall(r"import_path:\s*(\S{1,200})", spec.get("serveConfigV2").text[:20_000])
    ]
    return tuple(found)


def read_kustomization(tree: Tree) -> FileFacts:
    """A kustomization.yaml: what it is made of."""
    root = tree.root
    found = [(key, clean(item)) for key in ("resources", "bases", "components") for item in root.get(key).texts()]
    for image in root.get("images").items:
        name = text(image.get("newName")) or text(image.get("name"))
        found.append(("image", f"{name}:{text(image.get('newTag'))}" if image.get("newTag") else name))
    found += [("namespace", text(root.get("namespace")))] if root.get("namespace") else []
    row = Resource("kustomize", "Kustomization", text(root.get("namePrefix")), 1, tuple(found[:MAX_DETAILS]))
    return FileFacts(problem=tree.problem, resources=(row,))


def read_chart(tree: Tree) -> FileFacts:
    """A Chart.yaml of Helm."""
    root = tree.root
    found = [(key, text(root.get(key))) for key in ("version", "appVersion", "type") if root.get(key)]
    found += [("dependency", text(item.get("name"))) for item in root.get("dependencies").items[:30]]
    return FileFacts(
        problem=tree.problem, resources=(Resource("helm", "chart", text(root.get("name")), 1, tuple(found)),)
    )


_KIND = re.compile(r"kind:[ \t]*[\"']?(\w+)[\"']?[ \t]*\r?$")
_LEAF = re.compile(
    r"[ \t]*(?:-[ \t]+)?(image|replicas|schedule|minReplicas|maxReplicas|command|livenessProbe|readinessProbe|startupProbe):(.*)$"
)


def read_template(source: str) -> FileFacts:
    """A template of Helm: kinds and keys that stand in it as they are; values in `{{ }}` are kept as written."""
    rows: list[Resource] = []
    details: list[tuple[str, str]] = []
    for number, line in enumerate(source.split("\n"), start=1):
        if match := _KIND.match(line):
            details = [("template", "unknown")]
            if len(rows) >= MAX_OBJECTS:
                break
            rows.append(Resource("helm", match.group(1), "", number, tuple(details)))
        elif rows and (match := _LEAF.match(line[:500])) and len(details) < MAX_DETAILS:
            value = "yes" if match.group(1) in _PROBES else match.group(2).strip()
            details.append((match.group(1), clean(value)))
            rows[-1] = Resource("helm", rows[-1].kind, "", rows[-1].line, tuple(details))
    return FileFacts(resources=tuple(rows))
