"""Which files describe infrastructure, and which reader fits each: by name where it says enough, else by content."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlready.facts.reading import decode, guarded
from mlready.facts.rows import FileFacts
from mlready.facts.yamltree import Tree, load_yaml

_NAMED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("terraform-lock", r"(^|/)\.terraform\.lock\.hcl$"),
        ("terraform", r"\.(tf|tofu)$|(^|/)terragrunt\.hcl$"),
        ("bicep", r"\.bicep$"),
        ("triton", r"(^|/)config\.pbtxt$"),
        ("mlserver", r"(^|/)model-settings\.json$"),
        ("cdk", r"(^|/)cdk\.json$"),
        ("chart", r"(^|/)Chart\.ya?ml$"),
        ("kustomization", r"(^|/)kustomization\.ya?ml$|(^|/)Kustomization$"),
        ("pulumi", r"(^|/)Pulumi\.ya?ml$"),
        ("serverless", r"(^|/)serverless\.ya?ml$"),
        ("any-yaml", r"\.ya?ml$"),
        ("any-json", r"\.(json|template)$"),
        ("any-template", r"(^|/)templates/.*\.(tpl|yaml\.gotmpl)$"),
    )
)
# The first whose words all stand in the file. Each reader then looks for the structure and returns nothing without it.
_SNIFFED: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("cloudformation", (b"AWSTemplateFormatVersion",)),
    ("cloudformation", (b"AWS::", b"Resources")),
    ("objects", (b"apiVersion", b"kind")),
    ("databricks", (b"bundle:",)),
    ("databricks", (b"resources:", b"tasks:")),
    ("databricks", (b"resources:", b"quartz_cron_expression:")),
    ("databricks", (b"resources:", b"model_serving_endpoints:")),
    ("databricks", (b"resources:", b"registered_models:")),
    ("rules", (b"groups:", b"rules:", b"alert:")),
    ("rules", (b"groups:", b"rules:", b"record:")),
    ("prometheus", (b"scrape_configs:",)),
    ("alertmanager", (b"receivers:", b"route:")),
    ("ray_serve", (b"applications:", b"import_path:")),
)
_SNIFFED_JSON: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("cloudformation", (b"AWSTemplateFormatVersion",)),
    ("cloudformation", (b'"AWS::', b'"Resources"')),
    ("objects", (b'"apiVersion"', b'"kind"', b'"metadata"')),
    ("dashboard", (b'"panels"', b'"schemaVersion"')),
)
_HELM = re.compile(r"(^|/)templates/")
_YAML_HOMES = {
    **dict.fromkeys(("objects", "kustomization", "chart"), "kubernetes"),
    **dict.fromkeys(("cloudformation", "databricks", "pulumi", "serverless", "ray_serve"), "cloud"),
    **dict.fromkeys(("rules", "prometheus", "alertmanager"), "observability"),
}


def claims(path: str) -> bool:
    """May it describe infrastructure, by its name? Any YAML or JSON may: `read` gives empty facts for what does not."""
    return bool(_named(path))


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """Resources (and stages of workflow objects) of an infrastructure file."""
    kind = _named(path)
    if kind in ("any-yaml", "any-json"):
        words = _SNIFFED if kind == "any-yaml" else _SNIFFED_JSON
        kind = next((name for name, needed in words if all(word in data for word in needed)), "")
    if kind == "any-template" or (kind == "objects" and b"{{" in data):
        return _template(path, decode(data))
    if kind in _TEXT:
        return _TEXT[kind](decode(data))
    if kind in _YAML_HOMES:
        return _yaml_reader(kind)(load_yaml(decode(data)))
    return FileFacts()


def _named(path: str) -> str:
    return next((name for name, pattern in _NAMED if pattern.search(path)), "")


def _template(path: str, source: str) -> FileFacts:
    """A manifest with `{{ }}`: objects where it is YAML all the same (quoted expressions of Argo), else a template."""
    from mlready.facts.platforms import kubernetes

    tree = load_yaml(source)
    if tree.problem or _HELM.search(path):
        return kubernetes.read_template(source)
    return kubernetes.read_objects(tree)


def _yaml_reader(kind: str) -> Callable[[Tree], FileFacts]:
    import importlib

    home = importlib.import_module(f"mlready.facts.platforms.{_YAML_HOMES[kind]}")
    reader: Callable[[Tree], FileFacts] = getattr(home, f"read_{kind}")
    return reader


def _terraform(source: str) -> FileFacts:
    from mlready.facts.platforms.terraform import read_terraform

    return FileFacts(resources=read_terraform(source))


def _terraform_lock(source: str) -> FileFacts:
    from mlready.facts.platforms.terraform import read_terraform

    return FileFacts(resources=read_terraform(source, tool="terraform.lock"))


def _bicep(source: str) -> FileFacts:
    from mlready.facts.platforms.terraform import read_bicep

    return FileFacts(resources=read_bicep(source))


def _cloud(name: str) -> Callable[[str], FileFacts]:
    def read_one(source: str) -> FileFacts:
        from mlready.facts.platforms import cloud

        reader: Callable[[str], FileFacts] = getattr(cloud, f"read_{name}")
        return reader(source)

    return read_one


def _dashboard(source: str) -> FileFacts:
    from mlready.facts.platforms.observability import read_dashboard

    return read_dashboard(source)


_TEXT: dict[str, Callable[[str], FileFacts]] = {
    "terraform": _terraform,
    "terraform-lock": _terraform_lock,
    "bicep": _bicep,
    "dashboard": _dashboard,
    **{name: _cloud(name) for name in ("triton", "mlserver", "cdk")},
}
